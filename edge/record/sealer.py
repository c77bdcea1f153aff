"""Makes finished segments durable: fsync, final name, row in the index. One thread for all cameras of a recorder.

Capture never waits for it. What the disk refuses stays in memory, in order, and is tried again; a file whose row is
missing after a crash is adopted at the next start.
"""

import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.deliver.durable import sync_folder
from edge.record.index import Gap, Index, Mark, Segment

log = logging.getLogger("sightline.recorder")
_AGAIN_S = 2.0
_MOST = 64


@dataclass(frozen=True, slots=True)
class Finished:
    """A closed file under its temporary name, and the row that belongs to it."""

    part: Path
    path: Path
    row: Segment


@dataclass(frozen=True, slots=True)
class Turn:
    """The ledgers of these cameras are to be closed up to here, once all before it is on disk."""

    cameras: tuple[str, ...]


Row = Segment | Gap | Mark
_Queued = Finished | Row | Turn


class Sealer:
    """Takes what recorders finish. `sealed` hears of each row once it is on disk, `turn` of each turn after that."""

    def __init__(
        self, index: Index, sealed: Callable[[Row], None], turn: Callable[[Turn], None] = lambda _: None
    ) -> None:
        self._index = index
        self._sealed = sealed
        self._turn = turn
        self._turns: list[Turn] = []
        self._queue: queue.Queue[_Queued | None] = queue.Queue()
        self._waiting: list[Row] = []
        self._refused = False
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, one: _Queued) -> None:
        """Seal this after everything before it; does not wait."""
        self._queue.put(one)

    def stop(self, timeout: float) -> None:
        """Seal what is there, within `timeout` seconds."""
        self._queue.put(None)
        self._thread.join(timeout)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        going = True
        while going or self._waiting:
            for one in self._taken():
                if one is None:
                    going = False
                elif isinstance(one, Turn):
                    self._turns.append(one)
                elif isinstance(one, Finished):
                    self._named(one)
                else:
                    self._waiting.append(one)
            if self._written():
                turns, self._turns = self._turns, []
                for turn in turns:
                    self._turn(turn)
            elif not going:
                return

    def _taken(self) -> list[_Queued | None]:
        """What waits, at least one unless rows are still to be written."""
        found: list[_Queued | None] = []
        try:
            found.append(self._queue.get(timeout=_AGAIN_S if self._waiting else None))
            while len(found) < _MOST:
                found.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return found

    def _named(self, one: Finished) -> None:
        try:
            durable(one.part, one.path)
        except OSError as error:
            log.error("%s: cannot be made durable (%s) - the segment is not in the index", one.path, error.strerror)
            return
        self._waiting.append(one.row)

    def _written(self) -> bool:
        """Whether nothing waits any more."""
        if not self._waiting:
            return True
        try:
            self._index.add(self._waiting)
        except sqlite3.Error as error:
            if not self._refused:
                log.error("the index of recordings cannot be written (%s) - free space on the disk", error)
            self._refused = True
            return False
        self._refused = False
        done, self._waiting = self._waiting, []
        for row in done:
            self._sealed(row)
        return True


def durable(part: Path, path: Path) -> None:
    """Give a finished file its name, for good: contents first, then the name. Raises OSError."""
    handle = os.open(part, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    part.rename(path)
    sync_folder(path.parent)


__all__ = ["Finished", "Row", "Sealer", "Turn", "durable"]
