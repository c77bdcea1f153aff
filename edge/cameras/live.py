"""A camera's packets for analysis, from a ring that fills while it works: woken by keyframes, or by every packet.

Nothing is decoded here, and capture is never made to wait. Where a camera has a small stream, analysis reads that;
while it is silent the main stream is read instead.
"""

import time
from collections.abc import Callable

from edge.cameras.packets import CameraPacket
from edge.cameras.ring import PacketRing

#: A small stream that has given nothing for so long is taken for lost [s].
SILENT_S = 5.0


class LiveReader:
    """Reads one camera's packets for one analysis thread, in decode order, none twice."""

    def __init__(
        self, ring: PacketRing, small: PacketRing | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`small` is the ring of the sub-stream, on the stream time of the main one."""
        self._main, self._small, self._now = ring, small, now
        self._ring = small or ring
        self._cursor = 0
        self._t = float("-inf")
        self._heard = now()

    @property
    def newest(self) -> float:
        """The latest stream second that has come, of the stream that is read."""
        return self._ring.span()[1]

    def next(self, timeout: float, *, eager: bool = False) -> list[CameraPacket]:
        """What came since the last call, waiting up to `timeout` seconds for a keyframe (`eager`: for any packet)."""
        packets, self._cursor = self._ring.after(self._cursor, timeout, keyframe=not eager)
        if packets:
            self._heard = self._now()
            self._t = max(self._t, packets[-1].t)
        if self._small is not None:
            self._choose()
        return packets

    def keyframe_after(self, t: float) -> CameraPacket | None:
        """The first keyframe shown after stream second `t` that has come, read or not; None when none has."""
        return self._ring.keyframe_after(t)

    def _choose(self) -> None:
        """Read the main stream while the small one is silent, and the small one again from its next keyframe on."""
        assert self._small is not None
        if self._ring is self._small and self._now() - self._heard > SILENT_S:
            if (cursor := self._main.cursor_after(self._t)) is not None:
                self._ring, self._cursor = self._main, cursor
        elif self._ring is self._main and (cursor := self._small.cursor_after(self._t)) is not None:
            self._ring, self._cursor = self._small, cursor
