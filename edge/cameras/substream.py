"""The small stream that many cameras have beside the main one: detection reads it, evidence the main one.

Both are put on one stream time, that of the main stream, by the wall clock that each of them tells. Without sender
reports that is the clock of arrival, and the two may differ by what their encoders take; the main stream's picture that
evidence shows is then as much beside the one that was judged.
"""

from collections.abc import Callable
from dataclasses import replace

from contract.site import Camera
from edge.cameras.clock import StreamClock
from edge.cameras.link import CameraLink, Change
from edge.cameras.packets import CameraPacket, exact
from edge.cameras.ring import PacketRing
from edge.cameras.source import Transport

#: The two clocks are compared at each keyframe; what they differ by less is not put right [s].
_STEP_S = 0.020


class SubStream:
    """Captures a camera's small stream into `ring`, on the time of `main`. `link.run` is its thread's body."""

    def __init__(
        self,
        camera_id: str,
        url: str,
        main: StreamClock,
        seconds: float,
        transport: Transport,
        changed: Callable[[Change], None],
    ) -> None:
        self.link = CameraLink(camera_id, url, self._arrived, transport, changed)
        self.ring = PacketRing(seconds, main.wall)
        self._main = main
        self._shift: float | None = None
        self._last = (float("-inf"), float("-inf"))

    def _arrived(self, packet: CameraPacket) -> None:
        if packet.keyframe:
            self._compare(packet.t)
        if self._shift is None:  # the main stream has told no time yet
            return
        t, dts = exact(packet.t + self._shift), exact(packet.dts + self._shift)
        if dts <= self._last[1] or (packet.keyframe and t <= self._last[0]):
            return
        self._last = max(self._last[0], t), dts
        self.ring.append(replace(packet, t=t, dts=dts))

    def _compare(self, t: float) -> None:
        try:
            shift = self._main.t_at(self.link.clock.wall(t)) - t
        except LookupError:
            return
        if self._shift is None or abs(shift - self._shift) > _STEP_S:
            self._shift = shift


def sub_stream(
    camera: Camera, main: StreamClock, seconds: float, transport: Transport, tell: Callable[[str], None]
) -> SubStream | None:
    """The small stream of a camera whose site file names one; `tell` hears when it is lost."""
    if camera.sub_url is None:
        return None

    def changed(change: Change) -> None:
        if change.state == "lost":
            tell(f"sub-stream lost, the main stream is looked at meanwhile - {change.cause}")

    return SubStream(f"{camera.id} sub", camera.sub_url, main, seconds, transport, changed)
