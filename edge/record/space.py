"""Room for recordings: oldest first goes what is over the budget or past its days, never what a hold keeps.

One recorder of a box does it at a time (a lock on the folder); all of them ask whether there is room.
"""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.record.index import Index

log = logging.getLogger("sightline.recorder")
_BATCH = 100
_DAY_US = 86_400_000_000
#: How often it is asked what is past its days. Seconds.
_DAYS_S = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """`max_bytes` for all segments; recording stops while the disk has less than `min_free_bytes` left."""

    max_bytes: int
    min_free_bytes: int


class Space:
    """The disk of a box's recordings."""

    def __init__(self, folder: Path, index: Index, budget: Budget, keep_days: Mapping[str, float]) -> None:
        """`keep_days` by camera; what no camera of the box made any more goes by the budget alone."""
        self._folder = folder
        self._index = index
        self._budget = budget
        self._keep_days = dict(keep_days)
        self._lock = -1
        self._days_at = 0.0
        self.deleted = 0
        self.lack: str | None = None

    def _lacking(self) -> str | None:
        free = shutil.disk_usage(self._folder).free
        if free < self._budget.min_free_bytes:
            return f"the disk has {free // 1_000_000} MB left, {self._budget.min_free_bytes // 1_000_000} are kept free"
        kept = self._index.kept_bytes()
        if kept > self._budget.max_bytes * 1.05 and not self._index.oldest(1):
            return f"holds keep {kept // 1_000_000} MB, over the budget of {self._budget.max_bytes // 1_000_000} MB"
        return None

    def turn(self) -> None:
        """Delete what must go, unless another recorder sees to it, and look what is lacking: `lack`, None for nothing.

        Raises OSError or sqlite3.Error.
        """
        if self._mine():
            self._clear()
        self.lack = self._lacking()

    def _clear(self) -> None:
        if time.monotonic() >= self._days_at:
            self._days_at = time.monotonic() + _DAYS_S
            for camera, days in self._keep_days.items():
                before = time.time_ns() // 1000 - round(days * _DAY_US)
                while old := self._index.oldest(_BATCH, camera, before):
                    self._delete(old, f"older than {days:g} days")
        while (over := self._over()) > 0:
            if not self._delete_bytes(over):
                return

    def _over(self) -> int:
        """Bytes to delete: over the budget, or missing on the disk (twice that, so that there is room for a while)."""
        free = shutil.disk_usage(self._folder).free
        budget = self._index.kept_bytes() - self._budget.max_bytes
        return max(budget, 2 * (self._budget.min_free_bytes - free))

    def _delete_bytes(self, wanted: int) -> bool:
        chosen, size = [], 0
        for row in self._index.oldest(_BATCH):
            chosen.append(row)
            size += row[3]
            if size >= wanted:
                break
        if chosen:
            self._delete(chosen, "over the budget of the disk")
        return bool(chosen)

    def _delete(self, rows: list[tuple[int, str, str, int]], why: str) -> None:
        """The index first: a file that outlives its row is found and removed at the next start, never the reverse."""
        self._index.delete([(row[0], row[3]) for row in rows], why)
        for _, camera, name, _ in rows:
            path = self._folder / camera / name
            path.unlink(missing_ok=True)
            for folder in path.parents[:2]:
                if any(folder.iterdir()):
                    break
                folder.rmdir()
        self.deleted += len(rows)

    def _mine(self) -> bool:
        if self._lock < 0:
            self._lock = os.open(self._folder / ".space.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


__all__ = ["Budget", "Space"]
