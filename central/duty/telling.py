"""The watch: looks what is wrong, keeps the alarms, and makes a notice for everybody who is to be told. N replicas.

Who holds the row of `duty_watch` looks; the others leave it to them for this time. A replica that is killed holds
nothing any more, and what it had not committed is done by the next: nothing is lost, and the key of notices keeps
anybody from being told twice at one step.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from central.background import Background
from central.clock import office_now
from central.db.database import Database
from central.db.duty import DutyAlarm, DutyNotice, DutyWatch
from central.duty import keeping, people, seeing
from central.duty.escalation import Open, Severity, Table, Told, due

_log = structlog.get_logger("duty")
#: How often is looked; seconds.
EVERY_S: Final = 2.0
#: A replica that does nothing for so long while it holds the watch has hung; seconds.
HANGS_S: Final = 10.0


class Watch(Background):
    """Looks until it is stopped."""

    def __init__(self, db: Database, table: Table, every_s: float = EVERY_S) -> None:
        super().__init__("duty")
        self._db, self._table, self._every_s = db, table, every_s

    def _work(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                look(self._db, self._table, office_now(), timedelta(seconds=self._every_s / 2))
            except SQLAlchemyError as error:
                _log.error("alarms are not looked for, trying again", fault=type(error).__name__)


def look(db: Database, table: Table, now: datetime, rest: timedelta = timedelta(0)) -> bool:
    """Once. False when another replica does just now, or did within `rest`, or there is no station."""
    with db.read() as session:
        if not seeing.any_station(session):
            return False
        # SQLite has one lock for all who write, and one process that looks: read before it is taken.
        seen = seeing.seen(session, now) if session.get_bind().dialect.name == "sqlite" else None
    with db.write() as session:
        _let_go(session)
        held = session.execute(
            select(DutyWatch).where(DutyWatch.id == 1).with_for_update(skip_locked=True)
        ).scalar_one_or_none()
        if held is None or (held.looked_at is not None and abs(now - held.looked_at) < rest):
            return False
        keeping.keep(session, seeing.seen(session, now) if seen is None else seen, now)
        told = tell(session, table, now)
        held.looked_at = now
    for one in told:
        _log.info("somebody is told", alarm=one.alarm_id, step=one.level, notice=one.id)
    return True


def _let_go(session: Session) -> None:
    """A replica that hangs while it holds the watch is cut off by the database, so that another one looks."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {int(HANGS_S * 1000)}"))


def tell(session: Session, table: Table, now: datetime) -> list[DutyNotice]:
    """Notices for everybody who is to be told now. Whoever calls holds the watch."""
    query = select(DutyAlarm).where(DutyAlarm.ended_at.is_(None), DutyAlarm.acknowledged_at.is_(None))
    alarms = session.execute(query.order_by(DutyAlarm.id)).scalars().all()
    if not alarms:
        return []
    here = people.shifts(session, now, now + timedelta(microseconds=1))
    areas = people.areas_of_sites(session, {one.site for one in alarms})
    told = _told(session, {one.id for one in alarms})
    made = [
        DutyNotice(
            id=str(uuid7()), alarm_id=alarm.id, level=one.level, user_id=one.shift.user_id, shift_id=one.shift.id,
            made_at=now, webhook=one.shift.webhook, tries=0, next_at=now if one.shift.webhook else None,
        )
        for alarm in alarms
        for one in due(now, _open(alarm, areas.get(alarm.site)), here, table, told[alarm.id])
    ]  # fmt: skip
    session.add_all(made)
    session.flush()
    return made


def _open(alarm: DutyAlarm, area: str | None) -> Open:
    severity: Severity = "alarm" if alarm.severity == "alarm" else "warning"
    return Open(alarm.opened_at, severity, area)


def _told(session: Session, alarms: set[int]) -> dict[int, set[Told]]:
    found: dict[int, set[Told]] = defaultdict(set)
    query = select(DutyNotice.alarm_id, DutyNotice.level, DutyNotice.user_id).where(DutyNotice.alarm_id.in_(alarms))
    for alarm_id, level, user_id in session.execute(query):
        found[alarm_id].add((level, user_id))
    return found


__all__ = ["EVERY_S", "HANGS_S", "Watch", "look", "tell"]
