"""The clip of a decision: the camera's own packets put into an MP4, never decoded and never encoded again.

The index stands at the front, so that a browser plays it while it loads. A clip begins at a keyframe and carries the
camera's time stamps; signatures that a camera puts into its video (SEI) stay where they are.
"""

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from edge.cameras.nal import annexb, parameters
from edge.cameras.packets import CameraPacket, StreamInfo

_CLOCK = 90_000
_BASE = Fraction(1, _CLOCK)
_RAW = {"h264": "h264", "hevc": "hevc"}


class ClipError(ValueError):
    """A clip cannot be cut, with the reason as it stands in the manifest's `dropped`."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip on disk: first and last picture in stream seconds, pictures a second, FFmpeg's codec name, pixels."""

    path: Path
    t0: float
    t1: float
    fps: float
    codec: str
    w: int
    h: int


def write_clip(packets: Sequence[CameraPacket], path: Path) -> Clip:
    """Put `packets` (decode order, beginning with a keyframe) into `path`, whole or not at all.

    Raises ClipError when there is nothing to cut or the codec cannot stand in an MP4, OSError when the disk refuses.
    """
    if not packets or not packets[0].keyframe:
        raise ClipError("no keyframe is in memory for it")
    info = packets[0].info
    part = path.with_name(f".{path.name}.part")
    try:
        _mux(packets, info, part)
        part.replace(path)
    except (FFmpegError, ValueError) as error:
        text = getattr(error, "strerror", None) or str(error)
        raise ClipError(f"{info.codec} could not be put into an MP4 ({text})") from error
    finally:
        part.unlink(missing_ok=True)
    times = sorted(packet.t for packet in packets)
    length = times[-1] - times[0]
    rate = (len(times) - 1) / length if length > 0 else (info.rate or 0.0)
    return Clip(path, times[0], times[-1], round(rate, 3), info.codec, info.width, info.height)


def alike(packets: Sequence[CameraPacket], t: float) -> list[CameraPacket]:
    """The stretch of `packets` around `t` that one decoder can play: a camera that changed its codec cuts a clip."""
    stretches: list[list[CameraPacket]] = []
    for packet in packets:
        if stretches and (stretches[-1][0].info is packet.info or stretches[-1][0].info.decodes_like(packet.info)):
            stretches[-1].append(packet)
        elif packet.keyframe:
            stretches.append([packet])
    if not stretches:
        return []
    before = [stretch for stretch in stretches if stretch[0].t <= t]
    return before[-1] if before else stretches[0]


def _mux(packets: Sequence[CameraPacket], info: StreamInfo, path: Path) -> None:
    with _template(packets[0]) as source, av.open(str(path), "w", "mp4", {"movflags": "faststart"}) as target:
        if source is None:
            stream: Any = target.add_mux_stream(info.codec, width=info.width, height=info.height)
        else:
            stream = target.add_stream_from_template(source.streams.video[0], opaque=True)
        stream.time_base = _BASE
        begin, last = packets[0].t, -(1 << 40)
        for packet in packets:
            raw = av.Packet(annexb(packet.data, info.extradata, info.codec) if source else packet.data)
            dts = max(round((packet.dts - begin) * _CLOCK), last + 1)
            raw.stream, raw.time_base = stream, _BASE
            raw.dts, raw.pts = dts, max(dts, round((packet.t - begin) * _CLOCK))
            raw.duration = max(1, round(packet.duration * _CLOCK))
            raw.is_keyframe = packet.keyframe
            last = dts
            target.mux(raw)


def _template(first: CameraPacket) -> AbstractContextManager[av.container.InputContainer | None]:
    """A stream whose parameters are those of the clip, read from its parameter sets and first picture."""
    info = first.info
    if info.codec not in _RAW:
        return nullcontext()  # such codecs carry their parameters in each picture
    raw = parameters(info.codec, info.extradata) + annexb(first.data, info.extradata, info.codec)
    return closing(av.open(io.BytesIO(raw), "r", _RAW[info.codec]))
