"""The roster in the database: who is on duty, by whose word, and where stations are called."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts import people
from central.accounts.permissions import Permission, may
from central.accounts.sessions import areas_of, roles_of
from central.db.accounts import User, UserArea
from central.db.duty import DutyShift, StationPhone
from central.db.sites import Site
from central.duty.roster import Shift
from central.tickets.errors import Unfit

#: Levels there are; the table of steps says when each is told.
LEVELS: Final = (1, 2, 3, 4, 5)
LONGEST: Final = timedelta(days=7)
#: So far ahead a roster is shown.
AHEAD: Final = timedelta(days=366)
_PHONE: Final = frozenset("+0123456789 -()")


def shifts(session: Session, begin: datetime, until: datetime) -> list[Shift]:
    """Every shift that reaches into the span, of people whose account is open, in the areas that they see."""
    query = (
        select(DutyShift, User.name)
        .join(User, User.id == DutyShift.user_id)
        .where(DutyShift.removed_at.is_(None), User.disabled_at.is_(None))
        .where(DutyShift.until_at > begin, DutyShift.begin_at < until)
        .order_by(DutyShift.begin_at, DutyShift.level, DutyShift.id)
    )
    rows = session.execute(query).all()
    theirs: dict[int, set[str]] = {}
    given = select(UserArea.user_id, UserArea.area).where(UserArea.user_id.in_({row.user_id for row, _ in rows}))
    for user_id, area in session.execute(given):
        theirs.setdefault(user_id, set()).add(area)
    found = []
    for row, name in rows:
        areas = effective(row.areas, theirs.get(row.user_id, ()))
        if areas is not None:
            found.append(
                Shift(row.id, row.user_id, name, row.level, row.begin_at, row.until_at, areas, row.phone, row.webhook)
            )
    return found


def effective(asked: Collection[str], seen: Collection[str]) -> frozenset[str] | None:
    """The areas of a shift that its person sees; none for all. None: they see nothing of it, and it tells nobody."""
    if not seen:
        return frozenset(asked)
    both = frozenset(asked) & frozenset(seen) if asked else frozenset(seen)
    return both or None


def add(  # noqa: PLR0913 - what a shift is made of
    session: Session, name: str, level: int, areas: Collection[str], begin: datetime, until: datetime, *, phone: str,
    webhook: str | None, by: str, now: datetime,
) -> DutyShift:  # fmt: skip
    """Somebody goes on duty. Raises NoSuchPerson, or Unfit with what to mend."""
    user = people.named(session, name)
    if user.disabled_at is not None or not may(roles_of(session, user.id), Permission.STATIONS_SEE):
        raise Unfit("who goes on duty has an open account that sees stations", "duty.person")
    if level not in LEVELS:
        raise Unfit("a level is 1 to 5", "duty.level")
    if not begin < until <= begin + LONGEST or until <= now:
        raise Unfit("a shift ends after it begins, within 7 days, and not in the past", "duty.span")
    if effective(areas, areas_of(session, user.id)) is None:
        raise Unfit("this person sees none of these areas", "duty.areas")
    row = DutyShift(
        user_id=user.id, level=level, areas=sorted(set(areas)), begin_at=begin, until_at=until,
        phone=telephone(phone), webhook=webhook, made_by=by, made_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def remove(session: Session, shift_id: int, by: str, now: datetime) -> None:
    """End a shift at once; it stays on record. One that is not there, or ended, stays as it is."""
    row = session.execute(select(DutyShift).where(DutyShift.id == shift_id).with_for_update()).scalar_one_or_none()
    if row is not None and row.removed_at is None:
        row.removed_by, row.removed_at = by, now


def telephone(said: str) -> str:
    """A number as it is dialled; empty where there is none. Raises Unfit."""
    number = said.strip()
    if len(number) > 40 or not set(number) <= _PHONE or (number and sum(sign.isdigit() for sign in number) < 3):
        raise Unfit(f"{number[:40]!r} is no telephone number", "duty.phone", number=number[:40])
    return number


def call_at(session: Session, told: Mapping[str, str], by: str, now: datetime) -> None:
    """Stations are called at these numbers; an empty one takes a station's away. Raises Unfit."""
    numbers = {site: telephone(phone) for site, phone in told.items()}
    rows = {one.site: one for one in phones_of(session, set(numbers))}
    for site, phone in sorted(numbers.items()):
        row = rows.get(site)
        if not phone:
            if row is not None:
                session.delete(row)
        elif row is None:
            session.add(StationPhone(site=site, phone=phone, set_by=by, set_at=now))
        elif row.phone != phone:
            row.phone, row.set_by, row.set_at = phone, by, now
    session.flush()


def phones_of(session: Session, sites: Collection[str]) -> Sequence[StationPhone]:
    """Of these stations, where one is known."""
    return session.execute(select(StationPhone).where(StationPhone.site.in_(sites))).scalars().all()


def areas_of_sites(session: Session, sites: Collection[str]) -> dict[str, str]:
    """The area of each site that the register knows."""
    query = select(Site.site, Site.area).where(Site.site.in_(sites))
    return {site: area for site, area in session.execute(query)}  # noqa: C416 - a result is no mapping, and dict() takes it for one


__all__ = [
    "AHEAD", "LEVELS", "LONGEST", "add", "areas_of_sites", "call_at", "effective", "phones_of", "remove", "shifts",
    "telephone",
]  # fmt: skip
