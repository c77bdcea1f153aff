"""The index of what is recorded: one SQLite database (WAL) beside the segments, for all recorders of a box.

A segment is named when its file is whole, on disk and under its name; a gap says from when to when there is nothing,
and why; a hold keeps segments from deletion; what was deleted stays in the index, with when and why. Times are Unix
microseconds, of the stream's clock; `t0` and `t1` are stream seconds of the run, which no clock can shift. Continuity
(issue 7) is chained over these rows in the order of `n`.
"""

import fcntl
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Cause = Literal["network", "power", "storage", "camera", "operator", "clock", "process", "start"]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS segment (
    n INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
    run TEXT NOT NULL, epoch INTEGER NOT NULL, t0 REAL NOT NULL, t1 REAL NOT NULL, name TEXT NOT NULL,
    bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, pictures INTEGER NOT NULL, damaged INTEGER NOT NULL,
    codec TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, clock TEXT NOT NULL,
    torn INTEGER NOT NULL DEFAULT 0, deleted_us INTEGER, why TEXT, UNIQUE (camera, name));
CREATE INDEX IF NOT EXISTS segment_time ON segment (camera, start_us);
CREATE INDEX IF NOT EXISTS segment_kept ON segment (start_us) WHERE deleted_us IS NULL;
CREATE TABLE IF NOT EXISTS gap (
    n INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
    cause TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS gap_time ON gap (camera, start_us);
CREATE TABLE IF NOT EXISTS hold (
    n INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
    reason TEXT NOT NULL, made_us INTEGER NOT NULL, released_us INTEGER);
CREATE TABLE IF NOT EXISTS run (
    recorder TEXT PRIMARY KEY, id TEXT NOT NULL, boot TEXT NOT NULL, ended TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS total (only INTEGER PRIMARY KEY CHECK (only = 1), bytes INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (1, 0);
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of recording: `name` is its path below the camera's folder, `damaged` pictures lack packets.

    `clock` says where its wall clock came from (contract.events.Clock.source); `torn`: cut short by a crash.
    """

    camera: str
    start_us: int
    end_us: int
    run: str
    epoch: int
    t0: float
    t1: float
    name: str
    bytes: int
    sha256: str
    pictures: int
    damaged: int
    codec: str
    width: int
    height: int
    clock: str
    torn: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was recorded from `start_us` to `end_us`, because of `cause`; `detail` is the line that was told."""

    camera: str
    start_us: int
    end_us: int
    cause: Cause
    detail: str


_SEGMENT = ", ".join(Segment.__slots__)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time: two that change a new database to WAL at once get "locked", which no timeout waits for.

    SQLite refuses rather than waits where waiting could be for ever (sqlite.org/c3ref/busy_handler.html).
    """
    with (folder / ".index.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Index:
    """One connection to the index. Any number of processes; one thread each. Raises sqlite3.Error for a full disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "index.sqlite", timeout=20.0, isolation_level=None, check_same_thread=False)
        with _alone(folder):
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def add(self, rows: Iterable[Segment | Gap]) -> None:
        """Put rows in, all or none, on disk when this returns."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for row in rows:
                if isinstance(row, Segment):
                    self._segment(row)
                else:
                    values = (row.camera, row.start_us, row.end_us, row.cause, row.detail[:300])
                    self._db.execute(
                        "INSERT INTO gap (camera, start_us, end_us, cause, detail) VALUES (?, ?, ?, ?, ?)", values
                    )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def segments(self, camera: str, from_us: int = 0, until_us: int = 1 << 62) -> Iterator[Segment]:
        """Segments of a camera that are there and overlap the span, by time."""
        rows = self._db.execute(
            f"SELECT {_SEGMENT} FROM segment WHERE camera = ? AND deleted_us IS NULL AND end_us > ? AND start_us < ? "  # noqa: S608 - names of our own
            "ORDER BY start_us, n",
            (camera, from_us, until_us),
        )
        for row in rows:
            yield Segment(**dict(zip(Segment.__slots__, row, strict=True)) | {"torn": bool(row[-1])})

    def gaps(self, camera: str) -> list[Gap]:
        """Gaps of a camera in the order in which they were found."""
        rows = self._db.execute(
            "SELECT camera, start_us, end_us, cause, detail FROM gap WHERE camera = ? ORDER BY n", (camera,)
        )
        return [Gap(*row) for row in rows]

    def last_end(self, camera: str) -> int | None:
        """Where the newest recording of a camera ends, in the order in which it was made; None when there is none."""
        row = self._db.execute(
            "SELECT end_us FROM segment WHERE camera = ? ORDER BY n DESC LIMIT 1", (camera,)
        ).fetchone()
        return int(row[0]) if row else None

    def knows(self, camera: str, name: str) -> bool:
        """Whether a segment of that name was ever put in."""
        found = self._db.execute("SELECT 1 FROM segment WHERE camera = ? AND name = ?", (camera, name)).fetchone()
        return found is not None

    def begin_run(self, recorder: str, run: str, boot: str) -> tuple[str, str] | None:
        """Note that a recorder begins; what it noted last: its boot id, and how it ended (empty: it did not say)."""
        before = self._db.execute("SELECT boot, ended FROM run WHERE recorder = ?", (recorder,)).fetchone()
        self._db.execute("INSERT OR REPLACE INTO run VALUES (?, ?, ?, '')", (recorder, run, boot))
        return (str(before[0]), str(before[1])) if before else None

    def end_run(self, recorder: str, how: str) -> None:
        """Note that a recorder ends in order."""
        self._db.execute("UPDATE run SET ended = ? WHERE recorder = ?", (how, recorder))

    def hold(self, camera: str, start_us: int, end_us: int, reason: str) -> int:
        """Keep a span from deletion until it is released; the hold's number."""
        made = self._db.execute(
            "INSERT INTO hold (camera, start_us, end_us, reason, made_us) VALUES (?, ?, ?, ?, ?)",
            (camera, start_us, end_us, reason, time.time_ns() // 1000),
        )
        return int(made.lastrowid or 0)

    def release(self, number: int) -> None:
        """Let a hold go."""
        now = time.time_ns() // 1000
        self._db.execute("UPDATE hold SET released_us = ? WHERE n = ? AND released_us IS NULL", (now, number))

    def kept_bytes(self) -> int:
        """Bytes of all segments that are there."""
        return int(self._db.execute("SELECT bytes FROM total").fetchone()[0])

    def oldest(
        self, limit: int, camera: str | None = None, before_us: int = 1 << 62
    ) -> list[tuple[int, str, str, int]]:
        """(n, camera, name, bytes) of the oldest segments that are there, began before and no hold keeps."""
        return self._db.execute(
            "SELECT n, camera, name, bytes FROM segment WHERE deleted_us IS NULL AND start_us < ?"
            " AND (? IS NULL OR camera = ?) AND NOT EXISTS (SELECT 1 FROM hold WHERE released_us IS NULL"
            " AND hold.camera = segment.camera AND hold.start_us < segment.end_us AND hold.end_us > segment.start_us)"
            " ORDER BY start_us LIMIT ?",
            (before_us, camera, camera, limit),
        ).fetchall()

    def delete(self, chosen: Iterable[tuple[int, int]], why: str) -> None:
        """Note that segments (n, bytes) are deleted; their files may go once this returned."""
        now = time.time_ns() // 1000
        self._db.execute("BEGIN IMMEDIATE")
        for number, size in chosen:
            done = self._db.execute(
                "UPDATE segment SET deleted_us = ?, why = ? WHERE n = ? AND deleted_us IS NULL", (now, why, number)
            )
            if done.rowcount:
                self._db.execute("UPDATE total SET bytes = bytes - ?", (size,))
        self._db.execute("COMMIT")

    def _segment(self, row: Segment) -> None:
        values = [getattr(row, name) for name in Segment.__slots__]
        marks = ", ".join("?" * len(values))
        self._db.execute(f"INSERT INTO segment ({_SEGMENT}) VALUES ({marks})", values)  # noqa: S608 - names of our own
        self._db.execute("UPDATE total SET bytes = bytes + ?", (row.bytes,))


__all__ = ["Cause", "Gap", "Index", "Segment"]
