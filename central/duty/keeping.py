"""Alarms in the database: opened, joined, ended, acknowledged. Whoever calls holds the watch (central.duty.telling)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from central.db.duty import DutyAlarm, DutyMatter
from central.duty.escalation import Severity
from central.duty.matters import AGAIN, Seen, Standing, alarm_for


@dataclass(slots=True)
class _Kept:
    """An alarm with its matters by key: of one key the latest."""

    row: DutyAlarm
    matters: dict[str, DutyMatter]

    @property
    def standing(self) -> Standing:
        row = self.row
        ended = {key: one.ended_at for key, one in self.matters.items()}
        return Standing(row.id, row.site, _severity(row), row.begun_at, row.acknowledged_at, ended)


def _severity(row: DutyAlarm) -> Severity:
    return "alarm" if row.severity == "alarm" else "warning"


def keep(session: Session, seen: Sequence[Seen], now: datetime) -> None:
    """Bring the alarms up to what is seen at `now`."""
    by_site: dict[str, list[_Kept]] = defaultdict(list)
    for kept in _standing(session, now):
        by_site[kept.row.site].append(kept)
    there: set[int] = set()
    for one in seen:
        here = by_site[one.site]
        found = alarm_for(one, [each.standing for each in here], now)
        alarm = next((each for each in here if found is not None and each.row.id == found.id), None)
        if alarm is None:
            alarm = _opened(session, one, now)
            here.append(alarm)
        there.add(_entered(session, alarm, one, now).id)
    alarms = [each for here in by_site.values() for each in here]
    for alarm in alarms:
        _settled(alarm, there, now)
    _taken(seen, alarms, now)
    session.flush()


def _standing(session: Session, now: datetime) -> list[_Kept]:
    """Alarms that last, or ended so lately that they may go on."""
    recent = or_(DutyAlarm.ended_at.is_(None), DutyAlarm.ended_at >= now - AGAIN)
    rows = session.execute(select(DutyAlarm).where(recent).order_by(DutyAlarm.id)).scalars().all()
    kept = {row.id: _Kept(row, {}) for row in rows}
    query = select(DutyMatter).where(DutyMatter.alarm_id.in_(kept)).order_by(DutyMatter.id)
    for one in session.execute(query).scalars():
        kept[one.alarm_id].matters[one.key] = one
    return list(kept.values())


def _opened(session: Session, seen: Seen, now: datetime) -> _Kept:
    row = DutyAlarm(site=seen.site, severity=seen.severity, begun_at=min(seen.begun, now), opened_at=now)
    session.add(row)
    session.flush()
    return _Kept(row, {})


def _entered(session: Session, alarm: _Kept, seen: Seen, now: datetime) -> DutyMatter:
    """The matter's row, which lasts; it is made where there is none."""
    row = alarm.matters.get(seen.key)
    if row is None:
        row = DutyMatter(
            alarm_id=alarm.row.id, key=seen.key[:300], kind=seen.kind, what=seen.what, camera_id=seen.camera_id,
            trouble_id=seen.trouble_id, begun_at=min(seen.begun, now),
        )  # fmt: skip
        session.add(row)
        session.flush()
        alarm.matters[seen.key] = row
    row.ended_at = None
    return row


def _settled(alarm: _Kept, there: Iterable[int], now: datetime) -> None:
    """What is not seen any more has ended; an alarm ends with its last matter."""
    lasting = set(there)
    for one in alarm.matters.values():
        if one.ended_at is None and one.id not in lasting:
            one.ended_at = now
    if any(one.ended_at is None for one in alarm.matters.values()):
        alarm.row.ended_at = None
    elif alarm.row.ended_at is None:
        alarm.row.ended_at = now


def _taken(seen: Iterable[Seen], kept: Iterable[_Kept], now: datetime) -> None:
    """Where every trouble that lasts is in somebody's hands and nothing else is wrong, they have acknowledged."""
    by_key = {one.key: one for one in seen}
    for alarm in kept:
        lasting = [by_key[key] for key, one in alarm.matters.items() if one.ended_at is None and key in by_key]
        if alarm.row.acknowledged_at is None and lasting and all(one.taken_by for one in lasting):
            acknowledge(alarm.row, lasting[-1].taken_by or "", now, "trouble")


def acknowledge(row: DutyAlarm, by: str, now: datetime, how: str) -> None:
    """Somebody answers for it: nobody else is told."""
    row.acknowledged_by, row.acknowledged_at, row.acknowledged_how = by, now, how


__all__ = ["acknowledge", "keep"]
