"""Alarms as somebody sees them: what is open in their areas, what is theirs, who was told, and who answers for it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.db.accounts import User
from central.db.duty import DutyAlarm, DutyMatter, DutyNotice, DutyWatch
from central.db.polling import FeedTrouble, Station
from central.duty import keeping, people
from central.sites import areas as sites
from central.tickets.errors import CaseMissing

#: What is over and nobody answered for is shown so long.
SHOWN: Final = timedelta(hours=24)
#: Without a look for so long nobody watches for alarms.
ASLEEP: Final = timedelta(seconds=30)
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Counts:
    """What nobody has answered for and is not over. `awake`: somebody looks for alarms."""

    alarms: int
    warnings: int
    mine: int
    looked: datetime | None
    awake: bool


@dataclass(frozen=True, slots=True)
class Notified:
    """Somebody who was told; `said`: what their webhook answered last, None without one or before."""

    person: str
    level: int
    at: datetime
    webhook: bool
    done: bool
    tries: int
    said: str | None


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm. `mine`: the person who looks was told of it."""

    row: DutyAlarm
    station: Station
    phone: str | None
    matters: Sequence[DutyMatter]
    told: Sequence[Notified]
    mine: bool
    #: Troubles that last, for who takes them in hand.
    troubles: Sequence[FeedTrouble] = ()


def counts(session: Session, user: SignedInUser, now: datetime) -> Counts:
    """For the wall's sound and a tab's title: in the areas of `user`."""
    open_ones = [DutyAlarm.ended_at.is_(None), DutyAlarm.acknowledged_at.is_(None)]
    query = select(DutyAlarm.severity, func.count()).where(*open_ones, *sites.within(DutyAlarm.site, user.areas))
    found = {severity: count for severity, count in session.execute(query.group_by(DutyAlarm.severity))}  # noqa: C416
    mine = (
        select(func.count(DutyAlarm.id.distinct()))
        .join(DutyNotice, DutyNotice.alarm_id == DutyAlarm.id)
        .where(*open_ones, DutyNotice.user_id == user.id, *sites.within(DutyAlarm.site, user.areas))
    )
    looked = session.execute(select(DutyWatch.looked_at).where(DutyWatch.id == 1)).scalar_one_or_none()
    awake = looked is not None and now - looked < ASLEEP
    return Counts(found.get("alarm", 0), found.get("warning", 0), session.execute(mine).scalar_one(), looked, awake)


def alarms(session: Session, user: SignedInUser, now: datetime) -> list[AlarmView]:
    """What lasts, and what ended lately and nobody answered for: unanswered first, mine before others', worst first."""
    lately = and_(DutyAlarm.acknowledged_at.is_(None), DutyAlarm.ended_at >= now - SHOWN)
    query = (
        select(DutyAlarm, Station)
        .join(Station, Station.site == DutyAlarm.site)
        .where(or_(DutyAlarm.ended_at.is_(None), lately), *sites.within(DutyAlarm.site, user.areas))
        .order_by(DutyAlarm.acknowledged_at.is_not(None), DutyAlarm.ended_at.is_not(None), DutyAlarm.severity)
        .order_by(DutyAlarm.opened_at, DutyAlarm.id)
        .limit(_MOST)
    )
    found = [(alarm, station) for alarm, station in session.execute(query)]
    numbers = {alarm.id for alarm, _ in found}
    matters, told, phones = _matters(session, numbers), _told(session, numbers), _phones(session, found)
    named = {one.trouble_id for some in matters.values() for one in some}
    open_ones = select(FeedTrouble).where(FeedTrouble.id.in_(named), FeedTrouble.at_end.is_(None))
    lasting: dict[int | None, FeedTrouble] = {one.id: one for one in session.execute(open_ones).scalars()}
    seen = [
        AlarmView(
            alarm,
            station,
            phones.get(alarm.site),
            matters[alarm.id],
            [one for one, _ in told[alarm.id]],
            any(user_id == user.id for _, user_id in told[alarm.id]),
            [lasting[one.trouble_id] for one in matters[alarm.id] if one.trouble_id in lasting],
        )
        for alarm, station in found
    ]
    return sorted(seen, key=lambda one: (_answered(one.row), not one.mine))


def acknowledge(session: Session, user: SignedInUser, alarm_id: int, now: datetime) -> DutyAlarm:
    """`user` answers for an alarm: nobody else is told. Who is second changes nothing. Raises CaseMissing."""
    query = select(DutyAlarm).where(DutyAlarm.id == alarm_id).with_for_update()
    row = session.execute(query).scalar_one_or_none()
    if row is None or not sites.holds(session, row.site, user.areas):
        raise CaseMissing("there is no such alarm", "duty.none")
    if row.acknowledged_at is None:
        keeping.acknowledge(row, user.name, now, "here")
    return row


def _answered(row: DutyAlarm) -> int:
    return 2 if row.acknowledged_at is not None else 1 if row.ended_at is not None else 0


def _matters(session: Session, numbers: Collection[int]) -> Mapping[int, list[DutyMatter]]:
    found: dict[int, list[DutyMatter]] = defaultdict(list)
    query = select(DutyMatter).where(DutyMatter.alarm_id.in_(numbers)).order_by(DutyMatter.begun_at, DutyMatter.id)
    for one in session.execute(query).scalars():
        found[one.alarm_id].append(one)
    return found


def _told(session: Session, numbers: Collection[int]) -> Mapping[int, list[tuple[Notified, int]]]:
    found: dict[int, list[tuple[Notified, int]]] = defaultdict(list)
    query = select(DutyNotice, User.name).join(User, User.id == DutyNotice.user_id)
    query = query.where(DutyNotice.alarm_id.in_(numbers)).order_by(DutyNotice.made_at, DutyNotice.level, User.name)
    for one, name in session.execute(query):
        told = Notified(
            name, one.level, one.made_at, one.webhook is not None, one.done_at is not None, one.tries, one.said
        )
        found[one.alarm_id].append((told, one.user_id))
    return found


def _phones(session: Session, found: Sequence[tuple[DutyAlarm, Station]]) -> dict[str, str]:
    return {one.site: one.phone for one in people.phones_of(session, {alarm.site for alarm, _ in found})}


__all__ = [
    "ASLEEP",
    "SHOWN",
    "AlarmView",
    "Counts",
    "Notified",
    "acknowledge",
    "alarms",
    "counts",
]
