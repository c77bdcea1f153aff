"""One stream of pictures and everybody who watches it: who comes later gets what there is since the last keyframe."""

from typing import Final

from central.live.place import Place
from central.live.viewer import Viewer
from central.live.wire import framed
from contract.livestream import FRAGMENT, INIT, MOST_BYTES, unpack

#: What is kept of a stream for who comes next; one whose keyframes are further apart is joined at the next. Bytes.
MOST_KEPT: Final = MOST_BYTES + 2_000_000
ASKING, LIVE, CUT, AWAY, ENDED, EMBARGO = "asking", "live", "cut", "away", "ended", "embargo"


class Stream:
    """What was brought last, and to whom it goes. All times are monotonic seconds."""

    def __init__(self, place: Place, now: float) -> None:
        self.place = place
        self.state, self.reason = ASKING, ""
        #: When it was last seen to go on, or was begun to be waited for.
        self.heard_at = now
        #: When the last who watched left.
        self.left_at = now
        #: When the last picture was taken, by the box's clock. Unix microseconds.
        self.wall_us = 0
        #: Who watches here, and other replicas that do for their viewers.
        self.viewers: set[Viewer] = set()
        self.relays: set[Viewer] = set()
        self._header: bytes | None = None
        self._since: list[bytes] = []
        self._kept = 0

    @property
    def idle(self) -> bool:
        """Whether nobody watches."""
        return not self.viewers and not self.relays

    def take(self, raw: bytes, now: float) -> None:
        """A picture or header was brought. Raises ValueError for what is none."""
        message, frame = unpack(raw), framed(raw)
        self.heard_at, self.wall_us = now, message.wall_us
        self._keep(message.kind, frame, keyframe=message.keyframe)
        if self.state != LIVE:
            self.tell(LIVE)
        for one in (*self.viewers, *self.relays):
            if message.kind == INIT:
                one.header(frame, now)
            else:
                one.picture(frame, now, keyframe=message.keyframe)

    def tell(self, state: str, reason: str = "") -> None:
        """From now on it is so; everybody is told."""
        self.state, self.reason = state, reason
        for one in (*self.viewers, *self.relays):
            one.tell(state, reason)

    def lose(self, now: float) -> None:
        """Whoever brought it is gone: what was kept is no beginning of what comes next."""
        self._header, self._kept, self.heard_at = None, 0, now
        self._since.clear()

    def join(self, viewer: Viewer, now: float, *, relay: bool = False) -> None:
        """Somebody comes: he is told how it stands, and sees at once what there is since the last keyframe."""
        (self.relays if relay else self.viewers).add(viewer)
        viewer.tell(self.state, self.reason)
        if self._header is not None:
            viewer.header(self._header, now)
        for place, frame in enumerate(self._since):
            viewer.picture(frame, now, keyframe=place == 0)

    def leave(self, viewer: Viewer, now: float) -> None:
        """He watches no more."""
        self.left_at = now
        self.viewers.discard(viewer)
        self.relays.discard(viewer)

    def _keep(self, kind: int, frame: bytes, *, keyframe: bool) -> None:
        if kind == INIT:
            self._header = frame
        elif kind != FRAGMENT:
            self._header = None  # a still needs none
        if keyframe:
            self._since, self._kept = [], 0
            if kind == INIT:
                return
        elif not self._since:
            return
        if self._kept + len(frame) > MOST_KEPT:
            self._since, self._kept = [], 0
            return
        self._since.append(frame)
        self._kept += len(frame)


__all__ = ["ASKING", "AWAY", "CUT", "EMBARGO", "ENDED", "LIVE", "MOST_KEPT", "Stream"]
