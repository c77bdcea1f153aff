"""What waits to be sent of one camera, and what a thin link does: pictures are left out, never delayed for long."""

import threading
from collections import deque
from typing import Final

from contract.livestream import INIT, LiveMessage

#: Older than this is not live: everything waiting goes, up to the next keyframe. Seconds.
LATE_S: Final = 2.0
#: Late twice within this is a link too thin for video: stills, until as long has gone well. Seconds.
WELL_S: Final = 30.0


class Backlog:
    """Filled by who reads the camera, emptied by who sends. All times are monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, LiveMessage]] = deque()
        self._more = threading.Condition()
        self._starved = False
        self._late_at = float("-inf")
        self._thin_since: float | None = None
        self._ended = False

    @property
    def thin(self) -> bool:
        """Whether stills are to be sent in place of video."""
        return self._thin_since is not None

    def put(self, message: LiveMessage, now: float) -> None:
        """One more, unless it needs a picture that was left out."""
        with self._more:
            if self._waiting and now - self._waiting[0][0] > LATE_S:
                self._late(now)
            if self._starved and not message.keyframe:
                return
            if message.kind != INIT:
                self._starved = False
            self._waiting.append((now, message))
            self._more.notify()
        if self._thin_since is not None and now - max(self._thin_since, self._late_at) > WELL_S:
            self._thin_since = None

    def take(self, timeout_s: float) -> LiveMessage | None:
        """The oldest, waited for; None when none came or all is over."""
        with self._more:
            if not self._waiting and not self._ended:
                self._more.wait(timeout_s)
            return self._waiting.popleft()[1] if self._waiting else None

    def end(self) -> None:
        """Nothing comes any more; who waits goes on."""
        with self._more:
            self._ended = True
            self._more.notify_all()

    def _late(self, now: float) -> None:
        # Headers stay: without one nothing after it can be played.
        kept = [one for one in self._waiting if one[1].kind == INIT][-1:]
        self._waiting = deque((now, message) for _, message in kept)
        self._starved = True
        if now - self._late_at <= WELL_S and self._thin_since is None:
            self._thin_since = now
        self._late_at = now


__all__ = ["LATE_S", "WELL_S", "Backlog"]
