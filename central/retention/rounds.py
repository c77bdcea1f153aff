"""Forgetting, from time to time, in a thread of its own. Safe with N replicas."""

from dataclasses import asdict
from pathlib import Path

import structlog
from joserfc.jwk import OKPKey
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from central.background import Background
from central.db.database import Database
from central.db.media import Media
from central.db.notices import Notice
from central.export import archive
from central.media.store import MediaStore, StoreAway
from central.notices.letters import FOLDER, number_of
from central.retention.sweep import Retention, Tally

_log = structlog.get_logger("retention")
#: From one round to the next, and from the start of central to the first (s).
EVERY_S, FIRST_S = 6 * 3600.0, 900.0


class Forgetting(Background):
    """One thread. `copies` holds redacted stills, which go with their originals, `exports` archives under way."""

    def __init__(
        self,
        db: Database,
        store: MediaStore,
        key: OKPKey | None,
        copies: Path,
        exports: Path,
        every_s: float = EVERY_S,
    ) -> None:
        super().__init__("retention")
        self._db = db
        self._store = store
        self._key = key
        self._copies = copies
        self._exports = exports
        self._every_s = every_s

    def round(self) -> Tally:
        """Forget once what is due."""
        sweep = Retention(self._db, self._store, self._key)
        for _ in sweep.steps():
            if self._stop.is_set():
                break
        clear(self._db, self._copies)
        archive.clear(self._exports)
        return sweep.tally

    def _work(self) -> None:
        wait = FIRST_S
        while not self._stop.wait(wait):
            wait = self._every_s
            try:
                tally = self.round()
            except (SQLAlchemyError, StoreAway, OSError) as error:
                _log.error("retention not kept, trying again later", fault=type(error).__name__)
            else:
                _log.info("retention kept", **asdict(tally))


def clear(db: Database, copies: Path) -> int:
    """Remove redacted copies whose original is not kept any more, and letters that show one; how many."""
    gone = _clear_letters(db, copies / FOLDER)
    for path in sorted(copies.glob("*.jpg")):
        with db.read() as session:
            kept = session.get(Media, path.stem[-64:]) is not None
        if not kept:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _clear_letters(db: Database, folder: Path) -> int:
    gone = 0
    for path in sorted(folder.glob("*.pdf")):
        with db.read() as session:
            said = session.execute(select(Notice.said).where(Notice.number == number_of(path))).scalar_one_or_none()
            names = {str(one["sha256"]) for one in said["stills"]} if said else set()
            here = select(func.count()).select_from(Media).where(Media.sha256.in_(names))
            kept = said is not None and session.execute(here).scalar_one() == len(names)
        if not kept:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


__all__ = ["EVERY_S", "Forgetting", "clear"]
