"""One who watches: gets every picture in time, or none until the next keyframe. He never delays anybody else."""

import json
from collections import deque
from typing import Final

from central.live.wire import Wire, framed

#: A picture that a viewer has not taken for so long is no live picture; he gets no more until it is gone. Seconds.
LATE_S: Final = 2.0
#: No more waits for one viewer, whatever the pictures' size. Bytes.
MOST_UNSENT: Final = 16_000_000
#: Twice late within this: the link is too thin for that quality. Seconds.
WELL_S: Final = 30.0
#: What he had better take.
_THINNER: Final = {"main": "sub", "sub": "stills"}


class Viewer:
    """The end of one line. All times are monotonic seconds."""

    def __init__(self, wire: Wire, quality: str = "main") -> None:
        self.pictures = 0
        self.lost = 0
        self._wire, self._quality = wire, quality
        self._waiting: deque[tuple[int, float]] = deque()
        self._written = 0
        self._starved = False
        self._header: bytes | None = None
        self._late_at = float("-inf")
        self._told: str | None = None

    def tell(self, state: str, reason: str = "", **more: str) -> None:
        """A text message: what he sees or why he sees nothing; each once."""
        said = json.dumps({"state": state, "reason": reason} | more)
        if said != self._told:
            self._told = said
            self._wire.write(framed(said))

    def header(self, frame: bytes, now: float) -> None:
        """What comes before pictures of another kind."""
        if self._starved:
            self._header = frame
        else:
            self._write(frame, now)

    def picture(self, frame: bytes, now: float, *, keyframe: bool) -> None:
        """One more, unless he is late."""
        behind = self._behind(now)
        if self._starved and (behind or not keyframe):
            self.lost += 1
            return
        if behind > LATE_S or self._wire.unsent > MOST_UNSENT:
            self._late(now)
            return
        self._starved = False
        if self._header is not None:
            self._write(self._header, now)
            self._header = None
        self.pictures += 1
        self._write(frame, now)

    def _write(self, frame: bytes, now: float) -> None:
        self._wire.write(frame)
        self._written += len(frame)
        if self._wire.unsent:
            self._waiting.append((self._written, now))

    def _behind(self, now: float) -> float:
        """Seconds for which the oldest that he has not taken waits."""
        unsent = self._wire.unsent
        if not unsent:
            self._waiting.clear()
            return 0.0
        while self._waiting and self._waiting[0][0] <= self._written - unsent:
            self._waiting.popleft()
        return now - self._waiting[0][1] if self._waiting else 0.0

    def _late(self, now: float) -> None:
        self.lost += 1
        self._starved = True
        if now - self._late_at <= WELL_S and self._quality in _THINNER:
            self.tell("live", "the link is too thin for these pictures", take=_THINNER[self._quality])
        self._late_at = now


__all__ = ["LATE_S", "MOST_UNSENT", "WELL_S", "Viewer"]
