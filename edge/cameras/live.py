"""Pictures for analysis from a ring that fills while we look: the latest frame wins, and what was passed over counts.

Every packet must be decoded for the next to make sense, but only pictures that are due become BGR. When analysis
fell behind, pictures that were due and are already old are counted in `shed` and passed over; when it fell behind by
more than `PATIENCE_S`, decoding goes on at the newest keyframe.
"""

from collections.abc import Callable

import av

from edge.cameras.decode import Decoder, bgr
from edge.cameras.packets import CameraPacket, Picture
from edge.cameras.ring import PacketRing

PATIENCE_S = 4.0


class LiveReader:
    """Reads one ring for one analysis thread."""

    def __init__(self, ring: PacketRing, wants: Callable[[float], bool]) -> None:
        """`wants` says whether the picture of a stream second is due; it is asked once for each, times rising."""
        self._ring = ring
        self._wants = wants
        self._cursor = 0
        self._decoder = Decoder()
        self.decoded = 0
        self.shed = 0
        self.skipped_packets = 0

    @property
    def damaged(self) -> int:
        """Packets that the codec refused."""
        return self._decoder.damaged

    def next(self, timeout: float) -> tuple[float, Picture] | None:
        """The newest picture that is due, waiting up to `timeout` seconds for packets; None when there is none."""
        packets, self._cursor = self._ring.after(self._cursor, timeout)
        due: tuple[float, av.VideoFrame] | None = None
        for packet in self._caught_up(packets):
            for t, frame in self._decoder.feed(packet):
                self.decoded += 1
                if not self._wants(t):
                    continue
                self.shed += due is not None
                due = t, frame
        if due is None:
            return None
        picture = bgr(due[1])
        self._ring.remember(due[0], picture)
        return due[0], picture

    def _caught_up(self, packets: list[CameraPacket]) -> list[CameraPacket]:
        """`packets`, or only those from the newest keyframe when they reach too far back."""
        if not packets or packets[-1].dts - packets[0].dts <= PATIENCE_S:
            return packets
        newest = max((index for index, packet in enumerate(packets) if packet.keyframe), default=0)
        self.skipped_packets += newest
        return packets[newest:]
