"""What one camera has decided and hands over to deliver: events and packs, in their order, through any trouble.

A disk that refuses keeps them waiting in memory. A pack whose picture or clip is gone from the disk goes without it
and names it: it must not be tried for ever, nor keep the camera's later events waiting.
"""

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from contract.events import CloudEvent
from edge.deliver.spool import MediaGone, Spool
from edge.evidence.manifest import manifest_of, without
from edge.evidence.pack import Pack
from edge.judgement import Place


class Tally(Protocol):
    """Where what was handed over is counted."""

    events: int
    packs: int


class Outgoing:
    """Any thread may add and send. `done` is called with each pack that is safe, `tell` with what a person should."""

    def __init__(
        self,
        spool: Spool,
        place: Place,
        tally: Tally,
        done: Callable[[Pack], None],
        tell: Callable[[str], None],
        handed_over: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        """`handed_over` is called with what an event was added `of`, once that event is on disk."""
        self._spool = spool
        self._place = place
        self._tally = tally
        self._done = done
        self._tell = tell
        self._handed_over = handed_over
        self._waiting: deque[tuple[CloudEvent, Pack | datetime | None]] = deque()
        self._refused = False
        self._sending = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: CloudEvent, of: datetime | None = None) -> None:
        """An event without media; `of` is the wall clock of the picture that decided it."""
        self._waiting.append((event, of))

    def add_pack(self, pack: Pack) -> None:
        """The evidence of a decision, whose manifest is made of it."""
        self._waiting.append((manifest_of(self._place, pack), pack))

    def send(self) -> None:
        """Hand over everything, in order, until the disk refuses; while another thread does, it is left to that."""
        # Asked again afterwards: what was added while the other was about to end is nobody's yet.
        while self._waiting and self._sending.acquire(blocking=False):
            try:
                if not self._send_all():
                    return
            finally:
                self._sending.release()

    def _send_all(self) -> bool:
        """Whether the disk took everything."""
        while self._waiting:
            event, of = self._waiting[0]
            pack = of if isinstance(of, Pack) else None
            try:
                self._spool.put(event, pack.files if pack else {})
            except MediaGone as gone:
                assert pack is not None  # an event without a pack brings no file
                self._tell(f"a picture or clip of a decided case is gone ({gone}) - its evidence goes without it")
                lacking = without(pack, gone.sha256, str(gone))
                self._waiting[0] = manifest_of(self._place, lacking), lacking
                continue
            except OSError as error:
                if not self._refused:
                    self._tell(f"an event cannot be written ({error.strerror}) - free space on the disk")
                self._refused = True
                return False
            self._refused = False
            self._waiting.popleft()
            self._tally.events += 1
            if pack is not None:
                self._done(pack)
                self._tally.packs += 1
            elif isinstance(of, datetime):
                self._handed_over(of)
        return True


__all__ = ["Outgoing", "Tally"]
