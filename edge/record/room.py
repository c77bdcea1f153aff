"""How much room a box has for recordings, and until when what may not be deleted fits: said to central.

What may not be deleted is what polling stations' days and holds keep. It grows at the pace of a camera's busiest hour
of its last day of recording, until the first of it is past its days and goes as fast as new comes.
"""

import shutil
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any, Final

from contract.states import Disk, Kept
from edge.deliver.durable import write_whole
from edge.record.index import Index
from edge.record.space import Budget, Keep

#: How often it is reckoned: it reads a row of each segment that is there. Seconds.
TOLD_S: Final = 600.0
#: While a polling camera's pace is not known yet. Seconds.
SOON_S: Final = 30.0
_DAY_US: Final = 86_400_000_000
_HOUR_US: Final = 3_600_000_000
#: A pace is measured on at least so much recording. Microseconds.
_LEAST_US: Final = 60_000_000
#: The time to come is looked at in so many steps, what is kept in so many parts of the shortest time that it is kept.
_STEPS: Final = 200
_PARTS: Final = 100


@dataclass(frozen=True, slots=True)
class Stock:
    """What one camera's days keep: bytes by the instant (Unix us) at which they ended; `pace` in bytes/s."""

    days: float
    pace: float
    kept: Mapping[int, int] = field(default_factory=dict)

    def bytes_in(self, ahead_us: float, now_us: int) -> float:
        """Bytes that are kept at an instant so far ahead."""
        since = now_us + ahead_us - self.days * _DAY_US
        old = sum(size for ended, size in self.kept.items() if ended > since)
        return old + self.pace * min(ahead_us, self.days * _DAY_US) / 1e6


def full_at(now_us: int, room: int, stocks: Sequence[Stock], held: int = 0) -> int | None:
    """When stocks and `held` bytes, which nothing ages, take more than `room` bytes; None: never. Unix microseconds."""
    ahead = max((one.days for one in stocks), default=0.0) * _DAY_US
    before, step = 0.0, ahead / _STEPS
    for n in range(_STEPS + 1):
        level = held + sum(one.bytes_in(n * step, now_us) for one in stocks)
        if level > room:
            part = 1.0 if n == 0 else (room - before) / (level - before)
            return now_us + max(0, round((n - 1 + part) * step))
        before = level
    return None


class Room:
    """The room of a box, written for deliver by the recorder that looks after the disk."""

    def __init__(self, folder: Path, index: Index, budget: Budget, keep: Mapping[str, Keep], told: Path) -> None:
        """`keep`: the cameras that the box has, all of them; `told`: the file."""
        self._folder = folder
        self._index = index
        self._budget = budget
        self._keep = keep
        self._told = told
        self._look_at = self._due = self._kept_due = 0.0
        self._paced = False
        self._kept: dict[str, dict[str, Any]] = {}

    def turn(self, now_us: int) -> None:
        """Say it when it is time. Raises OSError or sqlite3.Error."""
        now = time.monotonic()
        if now < (self._due if self._paced else self._look_at):
            return
        self._look_at = now + SOON_S
        disk = self.disk(now_us)
        if now >= self._due or disk.pace is not None:
            write_whole(self._told, disk.model_dump_json(exclude_none=True).encode())
            self._due, self._paced = now + TOLD_S, disk.pace is not None

    def kept(self, cameras: Sequence[str], now_us: int) -> Mapping[str, dict[str, Any]]:
        """By camera, how long it is kept and how old the oldest is, for the heartbeat; asked anew now and then."""
        if time.monotonic() >= self._kept_due:
            self._kept_due = time.monotonic() + SOON_S
            self._kept = {one: self._of(one, now_us).model_dump(mode="json", exclude_none=True) for one in cameras}
        return self._kept

    def disk(self, now_us: int) -> Disk:
        """As of now."""
        used = self._index.kept_bytes()
        free = max(0, shutil.disk_usage(self._folder).free - self._budget.min_free_bytes)
        paces = {camera: self._pace(camera) for camera, one in self._keep.items() if one.polling}
        known = [one for one in paces.values() if one is not None]
        pace = round(sum(known)) if len(known) == len(paces) else None
        full = self._full_at(now_us, min(self._budget.max_bytes, used + free), paces) if pace is not None else None
        return Disk(
            at=_moment(now_us),
            budget_bytes=self._budget.max_bytes,
            used_bytes=used,
            free_bytes=free,
            pace=pace,
            full_at=None if full is None else _moment(full),
        )

    def _full_at(self, now_us: int, room: int, paces: Mapping[str, float | None]) -> int | None:
        days = dict(self._index.db.execute("SELECT camera, days FROM keeping WHERE polling").fetchall())
        held, kept = self._protected(max(1, round(min(days.values(), default=1.0) * _DAY_US / _PARTS)))
        stocks = [Stock(many, paces.get(camera) or 0.0, kept.get(camera, {})) for camera, many in days.items()]
        return full_at(now_us, room, stocks, held)

    def _protected(self, part_us: int) -> tuple[int, dict[str, dict[int, int]]]:
        """Bytes that holds keep; of polling cameras the others, by the part of time in which they ended."""
        rows = self._index.db.execute(
            "SELECT camera, end_us / ?1, EXISTS (SELECT 1 FROM hold WHERE released_us IS NULL"
            " AND hold.camera = segment.camera AND hold.start_us < segment.end_us AND hold.end_us > segment.start_us)"
            " AS held, camera IN (SELECT camera FROM keeping WHERE polling) AS polling, sum(bytes)"
            " FROM segment INDEXED BY segment_kept WHERE deleted_us IS NULL GROUP BY 1, 2, 3",
            (part_us,),
        )
        held, kept = 0, defaultdict[str, dict[int, int]](dict)
        for camera, part, is_held, polling, size in rows:
            if is_held:
                held += size
            elif polling:
                kept[camera][(part + 1) * part_us] = size
        return held, kept

    def _pace(self, camera: str) -> float | None:
        """Bytes/s of the busiest hour of its last day of recording; None while there is too little of it."""
        rows = self._index.db.execute(
            "SELECT sum(bytes) * 1e6 / sum(end_us - start_us) FROM segment WHERE camera = ?1 AND start_us >"
            " (SELECT max(start_us) FROM segment WHERE camera = ?1) - ?2 GROUP BY start_us / ?3"
            " HAVING sum(end_us - start_us) >= ?4",
            (camera, _DAY_US, _HOUR_US, _LEAST_US),
        )
        return max((float(row[0]) for row in rows), default=None)

    def _of(self, camera: str, now_us: int) -> Kept:
        row = self._index.db.execute(
            "SELECT start_us FROM segment INDEXED BY segment_kept WHERE deleted_us IS NULL AND camera = ?"
            " ORDER BY start_us LIMIT 1",
            (camera,),
        ).fetchone()
        oldest = None if row is None else int(row[0])
        if oldest is not None and oldest < now_us - _HOUR_US:  # to the hour, or every segment that goes were news
            oldest = min(now_us, ceil(oldest / _HOUR_US) * _HOUR_US)
        return Kept(days=self._keep[camera].days, oldest=None if oldest is None else _moment(oldest))


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC)


__all__ = ["SOON_S", "TOLD_S", "Room", "Stock", "full_at"]
