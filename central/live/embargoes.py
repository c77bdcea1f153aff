"""Embargoes as a chief sets and lifts them; what one means says `central.live.embargo`. Each enters the ledger."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.permissions import Permission, may
from central.accounts.sessions import SignedInUser, roles_of
from central.clock import office_now
from central.db.accounts import User
from central.db.live import Embargo
from central.db.polling import Station
from central.db.sites import Site
from central.sites import areas as sites
from central.tickets.errors import CaseMissing, Unfit

LONGEST: Final = timedelta(days=14)
LONGEST_REASON: Final = 500
MOST_NAMES: Final = 50
#: How `where` names a site, an area, and everywhere.
SITE, AREA, EVERYWHERE = "site:", "area:", "everywhere"
_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a chief asks for. `where`: `site:...`, `area:...` or `everywhere`; `but`: names of accounts."""

    where: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    but: Collection[str] = ()


def begin(session: Session, user: SignedInUser, wanted: Wanted) -> Embargo:
    """Set one. Raises Unfit."""
    moment = office_now()
    begins_at = max(wanted.begins_at, moment)
    if not begins_at < wanted.ends_at <= begins_at + LONGEST:
        raise Unfit("an embargo ends after it begins, within 14 days, and not in the past", "embargo.span")
    reason = wanted.reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Unfit("an embargo has a reason of up to 500 characters", "embargo.reason")
    area, site = _where(session, user, wanted.where)
    row = Embargo(
        area=area, site=site, begins_at=begins_at, ends_at=wanted.ends_at, reason=reason,
        but=_names(session, wanted.but), made_by=user.name, made_at=moment,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def lift(session: Session, user: SignedInUser, number: int) -> None:
    """End it now. One that is over, or was lifted, stays as it is. Raises CaseMissing for one out of reach."""
    row = session.get(Embargo, number, with_for_update=True)
    if row is None or not _reaches(session, user, row):
        raise CaseMissing("there is no such embargo", "embargo.none")
    moment = office_now()
    if row.lifted_at is None and moment < row.ends_at:
        row.lifted_at, row.lifted_by = moment, user.name


def listed(session: Session, user: SignedInUser) -> Sequence[Embargo]:
    """Of what this person sees the latest to end, fifty at most."""
    query = select(Embargo).order_by(Embargo.ends_at.desc(), Embargo.id.desc()).limit(_SHOWN)
    return [one for one in session.execute(query).scalars() if _sees(session, user, one)]


def _where(session: Session, user: SignedInUser, where: str) -> tuple[str | None, str | None]:
    """Area and site. Raises Unfit for what is not there, or not theirs."""
    if where == EVERYWHERE and not user.areas:
        return None, None
    if where.startswith(AREA):
        area = where.removeprefix(AREA)
        known = select(Site.area).join(Station, Station.site == Site.site).where(Site.area == area).limit(1)
        if session.execute(known).first() and (not user.areas or area in user.areas):
            return area, None
    if where.startswith(SITE):
        site = where.removeprefix(SITE)
        if session.get(Station, site) is not None and sites.holds(session, site, user.areas):
            return None, site
    raise Unfit("there is no such place in your areas", "embargo.where")


def _names(session: Session, names: Collection[str]) -> list[str]:
    """Open accounts that may watch. Raises Unfit."""
    given = sorted({one.strip() for one in names if one.strip()})
    if len(given) > MOST_NAMES:
        raise Unfit("50 exceptions are the most", "embargo.names")
    for name in given:
        row = session.execute(select(User).where(User.name == name, User.disabled_at.is_(None))).scalar_one_or_none()
        if row is None or not may(roles_of(session, row.id), Permission.LIVE_WATCH):
            raise Unfit(f"{name[:64]} has no open account that watches", "embargo.name", name=name[:64])
    return given


def _reaches(session: Session, user: SignedInUser, row: Embargo) -> bool:
    """Whether all of it lies in this person's areas."""
    if not user.areas:
        return True
    return row.area in user.areas if row.site is None else sites.holds(session, row.site, user.areas)


def _sees(session: Session, user: SignedInUser, row: Embargo) -> bool:
    return (row.area is None and row.site is None) or _reaches(session, user, row)


__all__ = ["AREA", "EVERYWHERE", "LONGEST_REASON", "SITE", "Wanted", "begin", "lift", "listed"]
