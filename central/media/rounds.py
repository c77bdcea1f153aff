"""Sweeps for orphans, from time to time, in a thread of their own: a big store takes minutes. Safe with N replicas."""

from dataclasses import asdict
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from central.background import Background
from central.db.database import Database
from central.media.store import MediaStore, StoreAway
from central.media.sweep import Sweep, Tally
from central.metrics import Metrics
from contract.events import now

_log = structlog.get_logger("media")
#: From one sweep to the next, and from the start of central to the first (s).
EVERY_S, FIRST_S = 6 * 3600.0, 600.0
_SHOWN = ("looked", "orphans", "locked", "entered", "missing")


class Rounds(Background):
    """One thread that sweeps until it is stopped. `grace_days` is the time of grace of an orphan."""

    def __init__(
        self,
        db: Database,
        store: MediaStore,
        metrics: Metrics,
        grace_days: float,
        every_s: float = EVERY_S,
        first_s: float = FIRST_S,
    ) -> None:
        super().__init__("sweeps")
        self._db = db
        self._store = store
        self._metrics = metrics
        self._grace = timedelta(days=grace_days)
        self._every_s = every_s
        self._first_s = first_s

    def round(self) -> Tally:
        """Sweep once, and count. What was done before a fault, or before `stop`, is counted too."""
        sweep = Sweep(self._db, self._store, self._grace)
        try:
            for _ in sweep.steps():
                if self._stop.is_set():
                    break
        finally:
            self._count(sweep.tally)
        return sweep.tally

    def _count(self, tally: Tally) -> None:
        self._metrics.media_removed.inc(tally.removed)
        self._metrics.media_removed_bytes.inc(tally.removed_bytes)
        for name in _SHOWN:
            self._metrics.media_sweep.labels(name).set(getattr(tally, name))
        self._metrics.media_sweep_at.set(now().timestamp())

    def _work(self) -> None:
        wait = self._first_s
        while not self._stop.wait(wait):
            wait = self._every_s
            try:
                tally = self.round()
            except (SQLAlchemyError, StoreAway, OSError) as error:
                _log.error("sweep not done, trying again later", fault=type(error).__name__)
            else:
                _log.info("sweep done", **asdict(tally))


__all__ = ["EVERY_S", "Rounds"]
