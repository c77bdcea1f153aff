"""H.264 out of painted pictures: x264 at its cheapest, a picture out for each picture in, no B-frames.

Keyframes stand where the camera's stood. The quality is constant and the rate bounded by the camera's own, so that a
disk that was reckoned for the camera's stream is enough.
"""

from dataclasses import replace
from fractions import Fraction

import av
from av.video.frame import PictureType

from contract.errors import MediaError
from edge.cameras.nal import START
from edge.cameras.packets import CameraPacket, StreamInfo, ticks

_BASE = Fraction(1, 1_000_000)
#: x264's quality: about what cameras have at 4 Mbit/s and 1080p25.
_QUALITY = 23
#: Bounds of the rate, bits a pixel, and what is taken until the camera's own is known.
_LEAST, _FIRST, _MOST = 0.02, 0.08, 0.30
#: Its rate may be so much above the camera's; it is set anew when it is off by more than this. Shares.
_ABOVE, _OFF = 1.25, 0.3
PRESET = "superfast"


class Encoder:
    """One encoder for pictures of one size and stream. Begins with a keyframe."""

    def __init__(
        self, info: StreamInfo, sample: av.VideoFrame, rate: float | None, before: "Encoder | None" = None
    ) -> None:
        """`info` and `rate` (bits/s) of the camera's stream, `sample` a picture as they will come.

        The stream of `before` goes on where a decoder sees no difference. Raises MediaError or FFmpegError when there
        is no encoder.
        """
        self.given = info
        self.size = size = (sample.width, sample.height)
        fps = info.rate if info.rate and 1 <= info.rate <= 120 else 25.0
        self._pixels = size[0] * size[1] * fps
        self.most = _bounded(rate, self._pixels)
        self._context = _opened(size, sample, fps, self.most)
        self._info: StreamInfo | None = None
        self._before = None if before is None else before._info

    def outgrown(self, rate: float) -> bool:
        """Whether the camera's rate [bits/s] is another than this was made for."""
        return abs(_bounded(rate, self._pixels) / self.most - 1) > _OFF

    def encode(self, frame: av.VideoFrame, of: CameraPacket) -> list[CameraPacket]:
        """The picture of the camera's packet `of`, painted, as a packet. Raises FFmpegError or MediaError."""
        frame.pts, frame.time_base = ticks(of.t), _BASE
        frame.pict_type = PictureType.I if of.keyframe or self._info is None else PictureType.NONE
        made = []
        for raw in self._context.encode(frame):
            if raw.pts != frame.pts:
                raise MediaError("the encoder gave a picture of another time")
            data = bytes(raw)
            if self._info is None:
                self._info = self._described(data)
            made.append(CameraPacket(of.t, of.t, of.duration, data, raw.is_keyframe, False, self._info))
        return made

    def _described(self, data: bytes) -> StreamInfo:
        """The stream as it is told on: what a decoder must know stands before each keyframe, and here."""
        units = [unit for unit in data.split(START[1:]) if unit and unit[0] & 0x1F in (7, 8)]
        sets = b"".join(START + unit.rstrip(b"\0") for unit in units)
        made = replace(
            self.given, codec="h264", width=self.size[0], height=self.size[1], extradata=sets, reorder=0, masked=True
        )
        return self._before if self._before is not None and self._before == made else made


def _bounded(rate: float | None, pixels: float) -> float:
    """The most bits/s for a camera's `rate` and so many pixels/s."""
    wanted = pixels * _FIRST if rate is None else rate * _ABOVE
    return min(max(wanted, pixels * _LEAST), pixels * _MOST)


def _opened(size: tuple[int, int], sample: av.VideoFrame, fps: float, most: float) -> av.VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    if not isinstance(context, av.VideoCodecContext):
        raise MediaError("libx264 is not a video codec in this machine's FFmpeg")
    context.width, context.height = size
    context.pix_fmt = sample.format.name
    context.time_base, context.framerate = _BASE, Fraction(fps).limit_denominator(1001)
    context.color_range = sample.color_range
    context.colorspace = sample.colorspace
    context.thread_count = 1
    context.options = {
        "preset": PRESET,
        "tune": "zerolatency",
        "crf": str(_QUALITY),
        "maxrate": str(round(most)),
        "bufsize": str(round(2 * most)),
        "forced-idr": "1",
        "a53cc": "0",
        "x264-params": "keyint=infinite:scenecut=0:bframes=0",
    }
    context.open()
    return context


__all__ = ["PRESET", "Encoder"]
