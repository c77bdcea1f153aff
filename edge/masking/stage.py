"""Between a camera's link and whatever keeps or shows its pictures: nothing of a masked area goes past here.

Every picture is decoded, painted and encoded. What cannot be decoded is dropped; when masks cannot be painted, nothing
goes on until they can: secrecy comes before completeness. The times are the camera's; pictures go on in the order in
which they are shown.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import av
from av.error import FFmpegError

from contract.errors import MediaError
from edge.cameras.decode import Decoder
from edge.cameras.packets import CameraPacket, Origin, StreamInfo, digest_of, ticks
from edge.cameras.planes import luma
from edge.cameras.sample import sample
from edge.masking.encoder import Encoder
from edge.masking.painter import Painter
from edge.masking.plan import Plan

log = logging.getLogger("sightline.recorder")
#: What failed is tried again at a keyframe, so much later. Seconds.
_AGAIN_S = 1.0
#: Over how long the camera's rate is measured. Stream seconds.
_RATE_S = 10.0
#: A decoder holds back no more pictures than this (ITU-T H.264, A.3.1): what is expected for longer never comes.
_HELD = 64
Sink = Callable[[CameraPacket], None]


class _Rate:
    """Bits a second of the camera's stream over its last ten seconds, looked at on keyframes."""

    def __init__(self) -> None:
        self.known: float | None = None
        self._since: float | None = None
        self._bytes = 0

    def see(self, packet: CameraPacket) -> None:
        if packet.keyframe:
            if self._since is None or packet.t < self._since:
                self._since, self._bytes = packet.t, 0
            elif packet.t - self._since >= _RATE_S:
                self.known = self._bytes * 8 / (packet.t - self._since)
                self._since, self._bytes = packet.t, 0
        self._bytes += len(packet.data)


class Masks:
    """The stage of one camera; called by its thread alone. `refused` is why nothing goes on, None while it does."""

    def __init__(self, camera: str, plan: Plan, sink: Sink, tell: Callable[[str], None]) -> None:
        """`tell` hears why nothing goes on, each time that begins."""
        self.refused: str | None = None
        self.dropped = 0
        self.painted = 0
        self._camera = camera
        self._plan = plan
        self._sink = sink
        self._tell = tell
        self._info: StreamInfo | None = None
        self._decoder: Decoder | None = None
        self._painter: Painter | None = None
        self._encoder: Encoder | None = None
        self._expected: dict[int, CameraPacket] = {}
        self._rate = _Rate()
        self._again_at = 0.0

    def take(self, packet: CameraPacket) -> None:
        """One packet of the camera; what comes of it goes to the sink."""
        if packet.info is not self._info:
            self.flush()
            self._info, self._rate = packet.info, _Rate()
            if (why := self._plan.refusal(packet.info.width, packet.info.height)) is not None:
                self._refuse(why)
        self._rate.see(packet)
        for made in self._made(packet):
            self._sink(made)

    def flush(self) -> None:
        """What the decoder still holds goes on; then the next must be a keyframe."""
        decoder, self._decoder = self._decoder, None
        if decoder is not None and self.refused is None:
            for made in self._worked(decoder.flush()):
                self._sink(made)
        self._decoder, self._encoder, self._expected = None, None, {}

    def _made(self, packet: CameraPacket) -> list[CameraPacket]:
        if self._decoder is None:
            if not packet.keyframe or self._plan.refusal(packet.info.width, packet.info.height):
                return []
            if self.refused is not None and time.monotonic() < self._again_at:
                return []
            self._decoder = Decoder()
        self._expected[ticks(packet.t)] = packet
        if len(self._expected) > _HELD:
            del self._expected[min(self._expected)]
        decoder, damaged = self._decoder, self._decoder.damaged
        made = self._worked(decoder.feed(packet))
        self.dropped += decoder.damaged - damaged
        return made

    def _worked(self, frames: Iterator[tuple[float, av.VideoFrame]]) -> list[CameraPacket]:
        """Decoded pictures painted and encoded; none, and `refused`, when that cannot be done."""
        made: list[CameraPacket] = []
        try:
            for t, frame in frames:
                made += self._encoded(ticks(t), frame)
        except (FFmpegError, MediaError, OSError, ValueError, MemoryError) as error:
            self._decoder, self._encoder, self._painter, self._expected = None, None, None, {}
            self._again_at = time.monotonic() + _AGAIN_S
            self._refuse(str(error) if isinstance(error, MediaError) else f"masks cannot be painted ({error})")
        else:
            if made:
                self.painted += len(made)
                self._refuse(None)
        return made

    def _encoded(self, at: int, frame: av.VideoFrame) -> list[CameraPacket]:
        of = self._expected.pop(at, None)
        if of is None:
            self.dropped += 1
            return []
        if (why := self._plan.refusal(frame.width, frame.height)) is not None:
            raise MediaError(why)
        painter = self._painter
        if painter is None or painter.of != (frame.width, frame.height, frame.format.name):
            painter = self._painter = Painter(self._plan, frame)
            self._encoder = None
        picture = painter.paint(frame)
        made = self._encoder_for(of, picture, frame).encode(picture, of)
        if not of.keyframe:
            return made
        origin = Origin(digest_of(of), sample(luma(picture)).tobytes())
        return [replace(one, origin=origin) for one in made]

    def _encoder_for(self, of: CameraPacket, picture: av.VideoFrame, frame: av.VideoFrame) -> Encoder:
        """The encoder; a new one where the stream is, and on a keyframe when the camera's rate has become another."""
        encoder, rate = self._encoder, self._rate.known
        if encoder is None or (of.keyframe and rate is not None and encoder.outgrown(rate)):
            picture.color_range, picture.colorspace = frame.color_range, frame.colorspace
            encoder = self._encoder = Encoder(of.info, picture, rate, encoder)
        return encoder

    def _refuse(self, why: str | None) -> None:
        if why == self.refused:
            return
        self.refused = why
        if why is None:
            log.info("%s: masks are painted, recording goes on", self._camera)
        else:
            log.error("%s: nothing is recorded or shown - %s", self._camera, why)
            self._tell(why)


class Height:
    """For a camera whose masks are none of the box's work: packets go on as they are, but of no picture too high."""

    def __init__(self, camera: str, plan: Plan, sink: Sink, tell: Callable[[str], None]) -> None:
        """As `Masks`."""
        self.refused: str | None = None
        self.dropped = 0
        self.painted = 0
        self._camera = camera
        self._plan = plan
        self._sink = sink
        self._tell = tell
        self._info: StreamInfo | None = None

    def take(self, packet: CameraPacket) -> None:
        """One packet of the camera."""
        if packet.info is not self._info:
            self._info = packet.info
            why = self._plan.refusal(packet.info.width, packet.info.height)
            if why is not None and why != self.refused:
                log.error("%s: nothing is recorded or shown - %s", self._camera, why)
                self._tell(why)
            self.refused = why
        if self.refused is None:
            self._sink(packet)

    def flush(self) -> None:
        """Nothing is held."""


def stage(camera: str, plan: Plan, sink: Sink, tell: Callable[[str], None]) -> Masks | Height:
    """What stands between the link of `camera` and `sink`."""
    return (Masks if plan.polygons else Height)(camera, plan, sink, tell)


__all__ = ["Height", "Masks", "stage"]
