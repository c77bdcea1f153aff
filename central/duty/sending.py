"""Notices with a webhook go out: each until it is taken, again with back-off, by whichever replica is free.

A notice is claimed before it is sent: who is killed while sending leaves it to be claimed again after `LEASE`, and it
is then told again under the same id. Nobody's slow receiver holds up another's notice.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from central.background import Background
from central.clock import office_now
from central.db.database import Database
from central.db.duty import DutyAlarm, DutyMatter, DutyNotice
from central.db.polling import Station
from central.duty import webhook
from central.duty.webhook import Hooks, Letter

_log = structlog.get_logger("duty")
EVERY_S: Final = 0.5
#: What is being sent is left to its sender for so long.
LEASE: Final = timedelta(seconds=30)
#: Waits between tries: 5 s, twice as long each time, never over 5 minutes. The last try is about 20 minutes on.
AGAIN_S, AGAIN_MOST_S = 5.0, 300.0
TRIES: Final = 9
_AT_ONCE: Final = 50


class Sender(Background):
    """Sends until it is stopped."""

    def __init__(self, db: Database, hooks: Hooks, lease: timedelta = LEASE) -> None:
        super().__init__("webhooks")
        self._db, self._hooks, self._lease = db, hooks, lease

    def _work(self) -> None:
        asyncio.run(self._rounds())

    async def _rounds(self) -> None:
        running: set[asyncio.Task[None]] = set()
        while not self._stop.is_set():
            for letter in await self._claimed(_AT_ONCE - len(running)):
                task = asyncio.create_task(self._sent(letter))
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.sleep(EVERY_S)
        if running:
            await asyncio.wait(running, timeout=webhook.PATIENCE_S)

    async def _claimed(self, most: int) -> Sequence[Letter]:
        try:
            return await asyncio.to_thread(claim, self._db, office_now(), most, self._lease)
        except SQLAlchemyError as error:
            _log.error("notices are not sent, trying again", fault=type(error).__name__)
            return ()

    async def _sent(self, letter: Letter) -> None:
        why = await webhook.deliver(self._hooks, letter)
        if why is not None:
            _log.warning("a webhook did not take its notice", notice=letter.id, tries=letter.tries, why=why)
        try:
            await asyncio.to_thread(settle, self._db, letter, why, office_now())
        except SQLAlchemyError as error:
            _log.error("what became of a notice is not kept: it is sent again", fault=type(error).__name__)


def claim(db: Database, now: datetime, most: int, lease: timedelta = LEASE) -> list[Letter]:
    """What is due and nobody sends just now, now ours for `lease`. Who was answered for meanwhile is not told."""
    if most <= 0:
        return []
    with db.read() as session:
        if not _due(session, now, 1):
            return []
    with db.write() as session:
        rows = _due(session, now, most)
        alarms = {one.id: one for one in _alarms(session, {row.alarm_id for row in rows})}
        letters = []
        for row in rows:
            alarm = alarms[row.alarm_id]
            if alarm.acknowledged_at is not None:
                row.done_at = now
                continue
            row.tries, row.next_at = row.tries + 1, now + lease
            letters.append(_letter(session, row, alarm))
        return letters


def settle(db: Database, letter: Letter, why: str | None, now: datetime) -> None:
    """Keep what became of a try: taken (`why` None), to be tried again, or given up."""
    with db.write() as session:
        row = session.get(DutyNotice, letter.id, with_for_update=True)
        # Somebody else has claimed it since: what they come to counts, unless it was taken.
        if row is None or row.done_at is not None or (why is not None and row.tries != letter.tries):
            return
        row.said = why[:200] if why is not None else None
        if why is None or letter.tries >= TRIES:
            row.done_at = now
        else:
            row.next_at = now + wait(letter.tries)


def wait(tries: int) -> timedelta:
    """How long after so many tries it is tried again."""
    return timedelta(seconds=min(AGAIN_S * 2.0 ** (tries - 1), AGAIN_MOST_S))


def _due(session: Session, now: datetime, most: int) -> Sequence[DutyNotice]:
    query = (
        select(DutyNotice)
        .where(DutyNotice.done_at.is_(None), DutyNotice.next_at <= now)
        .order_by(DutyNotice.next_at, DutyNotice.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return session.execute(query).scalars().all()


def _alarms(session: Session, numbers: set[int]) -> Sequence[DutyAlarm]:
    return session.execute(select(DutyAlarm).where(DutyAlarm.id.in_(numbers))).scalars().all()


def _letter(session: Session, row: DutyNotice, alarm: DutyAlarm) -> Letter:
    station = session.get(Station, alarm.site)
    query = select(DutyMatter.what).where(DutyMatter.alarm_id == alarm.id).order_by(DutyMatter.id)
    checks = dict.fromkeys(session.execute(query).scalars())
    name = f"{station.station} {station.name}" if station is not None else alarm.site
    link = f"/duty#alarm-{alarm.id}"
    return Letter(row.id, row.webhook or "", row.tries, name, ", ".join(checks), alarm.begun_at, link)


__all__ = ["LEASE", "TRIES", "Sender", "claim", "settle", "wait"]
