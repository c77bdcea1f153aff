"""One group of pictures: packets from a keyframe up to before the next, decoded only as far as somebody asks."""

from collections.abc import Callable, Iterator

import av

from edge.cameras.decode import Decoder
from edge.cameras.hardware import Decode
from edge.cameras.packets import CameraPacket

Frame = tuple[float, av.VideoFrame]


class Group:
    """Grows while its packets come. Decoding goes forward only; pictures that may be wanted again are kept."""

    def __init__(self, keyframe: CameraPacket, decode: Decode = "software") -> None:
        self.t = keyframe.t
        self.t_last = keyframe.t
        self.packets = [keyframe]
        self.decoded = 0
        self._decoder: Decoder | None = None
        self._decode: Decode = decode
        self._fed = 0
        self._reached = float("-inf")
        self._kept: list[Frame] = []

    def add(self, packet: CameraPacket) -> None:
        """The next packet of the group."""
        self.packets.append(packet)
        self.t_last = max(self.t_last, packet.t)

    @property
    def damaged(self) -> int:
        """Packets that the codec refused."""
        return self._decoder.damaged if self._decoder else 0

    def frames(
        self, after: float, until: float, wants: Callable[[float], bool], *, whole: bool = True
    ) -> Iterator[Frame]:
        """Pictures shown in (`after`, `until`] that `wants` lets through, times rising, from those not yet let go.

        `whole`: no more packets will come, so what the decoder holds back is asked of it too.
        """
        kept, self._kept = self._kept, [frame for frame in self._kept if frame[0] > until]
        yield from (frame for frame in kept if after < frame[0] <= until)
        for t, frame in self._decoding(until, whole):
            if after < t <= until and wants(t):
                yield t, frame
            elif t > until:
                self._kept.append((t, frame))

    def keep(self, until: float, wants: Callable[[float], bool]) -> Frame | None:
        """Decode on, keep what `wants` lets through for `frames`; the first picture from `until` on, if it has come."""
        for t, frame in self._decoding(until, False):
            if wants(t):
                self._kept.append((t, frame))
            if t >= until:
                return t, frame
        return None

    def follow(self, before: "Group") -> None:
        """Go on with the decoder of the group before, which was decoded to its end: not a picture is lost between."""
        if before._decoder is not None and before._fed == len(before.packets):
            self._decoder, before._decoder = before._decoder, None

    def forget(self, before: float) -> None:
        """Let go of kept pictures shown before stream second `before`."""
        self._kept = [frame for frame in self._kept if frame[0] >= before]

    def _decoding(self, until: float, whole: bool) -> Iterator[Frame]:
        """Decode on until a picture at or after `until` has come out."""
        if self._decoder is None:
            self._decoder = Decoder(self._decode, rough=True)
        while self._fed < len(self.packets) and self._reached < until:
            packet = self.packets[self._fed]
            self._fed += 1
            yield from self._counted(self._decoder.feed(packet))
        if whole and self._fed == len(self.packets) and self._reached < until:
            yield from self._counted(self._decoder.flush())

    def _counted(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for t, frame in frames:
            self.decoded += 1
            self._reached = t
            yield t, frame
