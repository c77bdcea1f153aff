"""Room for recordings: what is past its days goes, then, over the budget, the oldest of what may go.

Of a polling station nothing goes within its days, whatever the disk says: then recording stops, and says so. What a
hold keeps never goes. One recorder of a box deletes at a time (a lock on the folder); all ask whether there is room.
"""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.asked import Asked
from edge.record.deletion import Deletions, Doomed
from edge.record.elapsed import Here
from edge.record.holds import Holds
from edge.record.index import Index

log = logging.getLogger("sightline.recorder")
_BATCH = 1000
_DAY_US = 86_400_000_000
#: How often it is asked what is past its days, and how often one camera's deletions are told. Seconds.
_DAYS_S = TOLD_S = 60.0
#: Over the budget by this share, deletions do not wait to be told together, and with twice that recording stops.
_SLACK = 0.025


@dataclass(frozen=True, slots=True)
class Budget:
    """`max_bytes` for all segments; recording stops while the disk has less than `min_free_bytes` left."""

    max_bytes: int
    min_free_bytes: int


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days a camera's recordings are kept; those of a `polling` station whatever the disk says."""

    days: float
    polling: bool = False


class Space:
    """The disk of a box's recordings."""

    def __init__(
        self,
        folder: Path,
        index: Index,
        budget: Budget,
        deletions: Deletions,
        keep: Mapping[str, Keep],
        asked: tuple[Asked, Asked] | None = None,
    ) -> None:
        """`keep` by camera; one that the box has no more keeps what was said of it. `asked`: to keep, to release."""
        self._folder = folder
        self._index = index
        self._budget = budget
        self._deletions = deletions
        self._holds = Holds(index)
        self._asked = asked
        self._lock = -1
        #: Whether this recorder is the one that sees to the disk.
        self.mine = False
        self._days_at = 0.0
        self._told: dict[str, float] = {}
        self.lack: str | None = None
        with index.at_once() as db:
            rows = [(camera, one.days, one.polling) for camera, one in keep.items()]
            db.executemany("INSERT OR REPLACE INTO keeping VALUES (?, ?, ?)", rows)

    def turn(self, now: Here) -> None:
        """Delete what must go, unless another recorder sees to it, and look what is lacking: `lack`, None for nothing.

        Raises OSError or sqlite3.Error.
        """
        self.mine = self._mine()
        if self.mine:
            if self._asked is not None:
                self._holds.take(*self._asked)
            self._deletions.finish()
            self._clear(now)
        self.lack = self._lacking()

    def _lacking(self) -> str | None:
        free = shutil.disk_usage(self._folder).free
        if free < self._budget.min_free_bytes:
            return f"the disk has {free // 1_000_000} MB left, {self._budget.min_free_bytes // 1_000_000} are kept free"
        kept = self._index.kept_bytes()
        if kept > self._budget.max_bytes * (1 + 2 * _SLACK) and not self._deletions.oldest(1, may_go=True):
            return (
                f"{kept // 1_000_000} MB may not be deleted (holds, and the days of polling stations), over the budget"
                f" of {self._budget.max_bytes // 1_000_000} MB"
            )
        return None

    def _clear(self, now: Here) -> None:
        if time.monotonic() >= self._days_at or self._urgent(self._over()):
            self._days_at = time.monotonic() + _DAYS_S
            self._past_days(self._trusted(now))
        while (over := self._over()) > 0:
            if not self._delete_bytes(over):
                return

    def _past_days(self, now_us: int) -> None:
        for camera, days in self._index.db.execute("SELECT camera, days FROM keeping").fetchall():
            before = now_us - round(days * _DAY_US)
            while old := self._deletions.oldest(_BATCH, camera, before):
                self._deletions.delete(old, "kept_long_enough", f"older than {days:g} days")

    def _over(self) -> int:
        """Bytes to delete: over the budget, or missing on the disk (twice that, so that there is room for a while)."""
        free = shutil.disk_usage(self._folder).free
        budget = self._index.kept_bytes() - self._budget.max_bytes
        return max(budget, 2 * (self._budget.min_free_bytes - free))

    def _urgent(self, over: int) -> bool:
        """Whether deletions cannot wait to be told together."""
        if over > self._budget.max_bytes * _SLACK:
            return True
        return shutil.disk_usage(self._folder).free < self._budget.min_free_bytes

    def _delete_bytes(self, wanted: int) -> bool:
        """Delete the oldest; False when nothing may go, or what may is to be told later."""
        if self._urgent(wanted):
            return self._delete_oldest(wanted)
        now = time.monotonic()
        for oldest in self._deletions.oldest(_BATCH, may_go=True):
            if now >= self._told.get(oldest.camera, -TOLD_S) + TOLD_S:
                self._delete(self._minute(oldest, wanted), now)
                return True
        return False

    def _delete_oldest(self, wanted: int) -> bool:
        """The oldest of all cameras at once, each camera's told as one."""
        chosen: dict[str, list[Doomed]] = {}
        for one in self._deletions.oldest(_BATCH, may_go=True):
            if wanted <= 0:
                break
            chosen.setdefault(one.camera, []).append(one)
            wanted -= one.bytes
        for some in chosen.values():
            self._delete(some, time.monotonic())
        return bool(chosen)

    def _delete(self, some: list[Doomed], now: float) -> None:
        self._told[some[0].camera] = now
        self._deletions.delete(some, "disk_full", "over the budget of the disk")

    def _minute(self, oldest: Doomed, wanted: int) -> list[Doomed]:
        """What a camera records in a minute: less would not keep pace with it, told once a minute."""
        enough = max(wanted, round(self._budget.max_bytes * _SLACK))
        chosen: list[Doomed] = []
        size = 0
        for one in self._deletions.oldest(_BATCH, oldest.camera, may_go=True):
            if chosen and (size >= enough or one.start_us >= oldest.start_us + TOLD_S * 1e6):
                break
            chosen.append(one)
            size += one.bytes
        return chosen

    def _trusted(self, now: Here) -> int:
        """The wall clock by which days are counted: one that leapt ahead deletes nothing unless the kernel vouches."""
        db = self._index.db
        row = db.execute("SELECT boot, boot_us, wall_us FROM trusted").fetchone()
        wall = now.wall_us
        if row is not None and not now.sure:
            passed = now.boot_us - row[1] if row[0] == now.boot else 0
            if wall > row[2] + passed + _DAY_US:
                log.warning("this machine's clock leapt ahead by over a day - until it is synchronised no day counts")
                wall = row[2] + passed
        db.execute("INSERT OR REPLACE INTO trusted VALUES (1, ?, ?, ?)", (now.boot, now.boot_us, wall))
        return wall

    def _mine(self) -> bool:
        if self._lock < 0:
            self._lock = os.open(self._folder / ".space.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


__all__ = ["TOLD_S", "Budget", "Keep", "Space"]
