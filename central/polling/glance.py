"""The wall as it was a moment ago, worked out once for all who ask: a hundred walls ask every two seconds each."""

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from central.clock import office_now
from central.db.database import Database
from central.polling import wall
from central.polling.wall import Tile

#: What is older is read anew. A wall asks every two seconds, so that nobody sees anything later than before by more.
KEPT: Final = timedelta(seconds=1)
#: Sets of areas that are kept at once: people of one office share few.
_SETS: Final = 64


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    at: datetime | None = None
    read_s: float = 0.0
    tiles: Sequence[Tile] = ()


class Glance:
    """The tiles of each set of areas. Safe among threads: who asks while they are read waits for them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._kept: OrderedDict[frozenset[str], _Kept] = OrderedDict()

    def tiles(self, areas: Collection[str]) -> tuple[Sequence[Tile], datetime]:
        """Every station in `areas`, and the moment (aware, UTC) as of which it is told."""
        with self._lock:
            kept = self._kept.setdefault(frozenset(areas), _Kept())
            self._kept.move_to_end(frozenset(areas))
            while len(self._kept) > _SETS:
                self._kept.popitem(last=False)
        with kept.lock:
            now = office_now()
            if kept.at is None or not kept.at <= now < kept.at + KEPT or time.monotonic() >= kept.read_s + KEPT.seconds:
                begun = time.monotonic()
                with self._db.read() as session:
                    kept.tiles = wall.tiles(session, now, areas)
                kept.at, kept.read_s = now, begun
            return kept.tiles, kept.at


__all__ = ["KEPT", "Glance"]
