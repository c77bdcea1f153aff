"""Pictures out of packets, on demand and in full resolution."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from av.error import FFmpegError

from contract.errors import MediaError
from edge.cameras.hardware import Decode, hardware_context
from edge.cameras.packets import CameraPacket, Picture, StreamInfo, ticks

_MICROSECOND = Fraction(1, 1_000_000)


class Decoder:
    """A decoder that starts at a keyframe, starts anew when the stream changes, and survives damaged packets.

    Pictures come out in the order in which they are shown, `t` rising; one that would go back in time (a sender that
    stamps B-frames in decode order) is counted in `disordered` and dropped. `damaged` counts packets that the codec
    refused.
    """

    def __init__(self, decode: Decode = "software", *, rough: bool = False) -> None:
        """`rough`: see `open_decoder`."""
        self.damaged = 0
        self.disordered = 0
        self._unit: Decode = decode
        self._rough = rough
        self._info: StreamInfo | None = None
        self._context: av.VideoCodecContext | None = None
        self._last = float("-inf")

    def feed(self, packet: CameraPacket) -> Iterator[tuple[float, av.VideoFrame]]:
        """Frames that this packet completes, each with its stream second."""
        if self._context is None or packet.info is not self._info:
            yield from self.flush()
            if not packet.keyframe:
                return
            self._begin(packet.info)
        raw = av.Packet(packet.data)
        raw.time_base = _MICROSECOND
        raw.pts, raw.dts = ticks(packet.t), ticks(packet.dts)
        yield from self._decode(raw)

    def flush(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Frames that the decoder still holds; the next packet must be a keyframe."""
        if self._context is not None:
            yield from self._decode(None)
            self._context = None

    def through(self, packets: Iterable[CameraPacket]) -> Iterator[tuple[float, av.VideoFrame]]:
        """All frames of `packets`, to the very last."""
        for packet in packets:
            yield from self.feed(packet)
        yield from self.flush()

    def _begin(self, info: StreamInfo) -> None:
        context = open_decoder(info, self._unit, rough=self._rough)
        self._info, self._context = info, context

    def _decode(self, raw: av.Packet | None) -> Iterator[tuple[float, av.VideoFrame]]:
        if self._context is None:
            return
        try:
            frames = self._context.decode(raw)
        except FFmpegError:
            self.damaged += 1
            return
        for frame in frames:
            if frame.pts is None:
                continue
            t = frame.pts / 1_000_000
            if t <= self._last:
                self.disordered += 1
                continue
            self._last = t
            yield t, frame


def open_decoder(info: StreamInfo, decode: Decode = "software", *, rough: bool = False) -> av.VideoCodecContext:
    """A decoder for `info`, in software where `decode` cannot. Raises MediaError when FFmpeg has none here.

    `rough`: without the loop filter, which takes a quarter of the work off pictures between keyframes. Blocks show at
    full size; made as small as a detector takes them in they do not. Never for evidence.
    """
    try:
        unit = None if decode == "software" else hardware_context(info.codec, decode)
        context = unit or av.CodecContext.create(info.codec, "r")
    except (FFmpegError, ValueError) as error:
        raise MediaError(f"no decoder for {info.codec} in this machine's FFmpeg") from error
    if not isinstance(context, av.VideoCodecContext):
        raise MediaError(f"{info.codec} is not a video codec")
    if info.extradata:
        context.extradata = info.extradata
    # Codecs without headers of their own (MPEG-4 in AVI) must be told the size; the others overrule it.
    context.width, context.height = info.width, info.height
    # Without it the decoder must find out by dropping the first B-frames that come too late.
    context.reorder_depth = info.reorder
    context.thread_count = 1
    if rough and unit is None:
        context.options = {"skip_loop_filter": "all"}
    return context


def bgr(frame: av.VideoFrame) -> Picture:
    """A decoded frame as BGR uint8 (H, W, 3), contiguous."""
    return np.ascontiguousarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)


def nearest(packets: Iterable[CameraPacket], t: float) -> tuple[float, Picture]:
    """The picture shown nearest to `t` among `packets`, which begin at a keyframe and reach a little past `t`.

    Raises LookupError when nothing could be decoded.
    """
    best: tuple[float, av.VideoFrame] | None = None
    for when, frame in Decoder().through(packets):
        if best is None or abs(when - t) <= abs(best[0] - t):
            best = when, frame
        if when >= t:
            break
    if best is None:
        raise LookupError(f"no picture can be decoded near {t:.3f} s")
    return best[0], bgr(best[1])
