"""The index of what is recorded: one SQLite database (WAL) beside the segments, for all recorders of a box.

A segment is named when its file is whole, on disk and under its name; a gap says from when to when there is nothing,
and why; a hold keeps segments from deletion; what was deleted stays in the index, with when and why. Times are Unix
microseconds, of the stream's clock; `t0` and `t1` are stream seconds of the run, which no clock can shift. The
continuity ledger (`edge.record.ledger`) is made of segments and marks in the order in which they were put in.
"""

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.continuity import Cause
from edge.record.schema import prepared


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of recording: `name` is its path below the camera's folder, `damaged` pictures lack packets.

    `clock` says where its wall clock came from (contract.events.Clock.source); `torn`: cut short by a crash.
    `boot_us` is the boot clock of the machine's start `boot` when it began, `lead_us` the machine's wall clock against
    it then; `by_camera`: its times are the camera's own. `cause` and `detail` say why nothing is before it, if so;
    `masked`: the box painted the privacy masks.
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
    boot: str = ""
    boot_us: int = 0
    lead_us: int = 0
    by_camera: bool = False
    cause: Cause = "unknown"
    detail: str = ""
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to this instant, since what was put in before it, a camera was not recorded, because of `cause`."""

    camera: str
    boot: str
    boot_us: int
    lead_us: int
    cause: Cause
    detail: str


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
            prepared(self._db)

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, for what is kept in the same database: ledger, holds, deletions."""
        return self._db

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    @contextmanager
    def at_once(self) -> Iterator[sqlite3.Connection]:
        """What is done within is done whole or not at all, and on disk when the outermost of them ends."""
        if self._db.in_transaction:
            yield self._db
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def add(self, rows: Iterable[Segment | Gap | Mark]) -> None:
        """Put rows in, all or none, on disk when this returns."""
        with self.at_once():
            for row in rows:
                if isinstance(row, Segment):
                    self._segment(row)
                elif isinstance(row, Mark):
                    self._mark(row)
                else:
                    values = (row.camera, row.start_us, row.end_us, row.cause, row.detail[:300])
                    self._db.execute(
                        "INSERT INTO gap (camera, start_us, end_us, cause, detail) VALUES (?, ?, ?, ?, ?)", values
                    )

    def segments(self, camera: str, from_us: int = 0, until_us: int = 1 << 62) -> Iterator[Segment]:
        """Segments of a camera that are there and overlap the span, by time."""
        rows = self._db.execute(
            f"SELECT {_SEGMENT} FROM segment WHERE camera = ? AND deleted_us IS NULL AND end_us > ? AND start_us < ? "  # noqa: S608 - names of our own
            "ORDER BY start_us, n",
            (camera, from_us, until_us),
        )
        for row in rows:
            yield segment_of(row)

    def gaps(self, camera: str) -> list[Gap]:
        """Gaps of a camera in the order in which they were found."""
        rows = self._db.execute(
            "SELECT camera, start_us, end_us, cause, detail FROM gap WHERE camera = ? ORDER BY n", (camera,)
        )
        return [Gap(*row) for row in rows]

    def last(self, camera: str) -> Segment | None:
        """The newest recording of a camera, in the order in which it was made, deleted or not; None without any."""
        row = self._db.execute(
            f"SELECT {_SEGMENT} FROM segment WHERE camera = ? ORDER BY n DESC LIMIT 1",  # noqa: S608 - names of our own
            (camera,),
        ).fetchone()
        return segment_of(row) if row else None

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

    def kept_bytes(self) -> int:
        """Bytes of all segments that are there."""
        return int(self._db.execute("SELECT bytes FROM total").fetchone()[0])

    def _segment(self, row: Segment) -> None:
        values = [getattr(row, name) for name in Segment.__slots__]
        marks = ", ".join("?" * len(values))
        self._db.execute(f"INSERT INTO segment ({_SEGMENT}) VALUES ({marks})", values)  # noqa: S608 - names of our own
        self._db.execute("UPDATE total SET bytes = bytes + ?", (row.bytes,))

    def _mark(self, row: Mark) -> None:
        values = (row.camera, row.camera, row.boot, row.boot_us, row.lead_us, row.cause, row.detail[:300])
        self._db.execute(
            "INSERT INTO mark (camera, after, boot, boot_us, lead_us, cause, detail)"
            " VALUES (?, (SELECT coalesce(max(n), 0) FROM segment WHERE camera = ?), ?, ?, ?, ?, ?)",
            values,
        )


def segment_of(row: tuple[Any, ...]) -> Segment:
    """A segment from a row of its columns."""
    found = dict(zip(Segment.__slots__, row, strict=True))
    return Segment(**found | {name: bool(found[name]) for name in ("torn", "by_camera", "masked")})


__all__ = ["Cause", "Gap", "Index", "Mark", "Segment", "segment_of"]
