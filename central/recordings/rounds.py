"""Moves recordings on that were asked for, and lets finished ones go after their time. Safe with N replicas."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from central.background import Background
from central.clock import office_now
from central.db.database import Database
from central.db.marks import StationLog
from central.db.recordings import RecordingExport
from central.ledger.authority import Authority
from central.ledger.key import office_key
from central.media.store import MediaStore, StoreAway
from central.recordings import building, fetching, holds, keeping
from central.recordings.building import Built
from central.recordings.contents import contents
from central.recordings.parts import gathered, parts
from central.recordings.rules import ASKED, FETCHING, OVER, READY, RecordingRules
from contract.errors import SightlineError

_log = structlog.get_logger("recordings")
EVERY_S: Final = 3.0
_LONGEST: Final = 400


class Handing(Background):
    """One thread. Without the office's key at `key_file` nothing is built here: the machine that has it does."""

    def __init__(
        self, db: Database, store: MediaStore, rules: RecordingRules, key_file: Path, authority: Authority | None = None
    ) -> None:
        super().__init__("recordings")
        self._db, self._store, self._rules = db, store, rules
        self._key_file, self._authority = key_file, authority

    def round(self) -> None:
        """Everything once. Raises SQLAlchemyError, OSError or StoreAway; what was done until then is done."""
        now = office_now()
        with self._db.read() as session:
            query = select(RecordingExport.id, RecordingExport.state).where(RecordingExport.state != OVER)
            rows = session.execute(query.order_by(RecordingExport.id)).all()
        for number, state in rows:
            if self._stop.is_set():
                return
            if state == READY:
                keeping.let_go(self._db, number, self._rules, now)
            elif state == ASKED:
                self._each(number, ASKED, lambda session, row: fetching.judge(session, row, now))
            elif self._advanced(number, now):
                self._built(number, now)

    def _advanced(self, number: int, now: datetime) -> bool:
        found: list[bool] = []

        def advance(session: Session, row: RecordingExport) -> None:
            found.append(fetching.advance(session, row, self._rules, now))

        self._each(number, FETCHING, advance)
        return any(found)

    def _each(self, number: int, state: str, act: Callable[[Session, RecordingExport], None]) -> None:
        """Do it with the row alone, unless another replica has it, or it has moved on."""
        query = select(RecordingExport).where(RecordingExport.id == number, RecordingExport.state == state)
        with self._db.write() as session:
            row = session.execute(query.with_for_update(skip_locked=True)).scalar_one_or_none()
            if row is not None:
                act(session, row)

    def _built(self, number: int, now: datetime) -> None:
        if not self._key_file.exists():
            return
        with building.alone(self._rules.folder) as free:
            if not free:
                return
            try:
                done = self._build(number, now)
            except (SightlineError, FileNotFoundError) as error:
                said = str(error)[:_LONGEST]
                self._each(number, FETCHING, lambda _, row: _says(row, fetching.FAULT, said))
                _log.error("a recording cannot be put together, trying again", number=number, fault=said)
                return
            if done is not None:
                self._each(number, FETCHING, lambda session, row: _ready(session, row, done, now))

    def _build(self, number: int, now: datetime) -> Built | None:
        with self._db.read() as session:
            row = session.get_one(RecordingExport, number)
            kept = set(session.execute(select(RecordingExport.request).where(RecordingExport.state == READY)).scalars())
            if row.state != FETCHING:
                return None
            found = contents(session, row)
            here = fetching.held(session, [one.recorded.sha256 for one in found.segments])
            absent = fetching.missing(found, here, all_waited=fetching.waited(row, self._rules, now))
            given = gathered(session, row, found)
            key = office_key(session, self._key_file)
        building.clear(self._rules.folder, kept)
        if absent is None:  # what came later than it was listed names other segments
            self._each(number, FETCHING, lambda session, row: fetching.note(session, row, found))
            return None
        if not building.room(self._rules.folder, sum(one.recorded.bytes for one in found.segments)):
            self._each(number, FETCHING, lambda _, row: _says(row, fetching.DISK, ""))
            return None
        whole = parts(self._db, key, self._authority, given, sorted(here), absent, self._store)
        return building.build(self._rules.folder, row.request, whole, key)

    def _work(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self.round()
            except (SQLAlchemyError, SightlineError, StoreAway, OSError) as error:
                _log.error("recordings not moved on, trying again", fault=type(error).__name__)


def _says(row: RecordingExport, waits: str, why: str) -> None:
    row.waits, row.why = waits, why


def _ready(session: Session, row: RecordingExport, built: Built, now: datetime) -> None:
    """It is there: the box need keep it no longer, and the ledger gets the archive's hash."""
    row.state, row.ready_at, row.sha256, row.size = READY, now, built.sha256, built.size
    row.waits, row.why = "", ""
    holds.let_go(session, row, "it is here", now)
    said = {"request": row.request, "camera": row.camera_id, "edge": row.edge_id, "sha256": built.sha256}
    session.add(StationLog(at=now, site=row.site, user_id=None, name="central", action="recording ready", detail=said))
    _log.info("a recording is ready", request=row.request, bytes=built.size)


__all__ = ["EVERY_S", "Handing"]
