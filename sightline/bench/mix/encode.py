"""Frames to H.264 as a roadside camera sends it: 4 Mbit/s constant, no B-frames, a keyframe every two seconds."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.stream import BIT_RATE, FPS, GOP_S, Segment

#: Filler data keeps the rate where a still street would need less: cameras set to a constant rate send it as well.
_X264 = f"nal-hrd=cbr:force-cfr=1:keyint={FPS * GOP_S}:min-keyint={FPS * GOP_S}:scenecut=0:bframes=0:open-gop=0"


def encode(path: Path, frames: Iterable[Picture], size: tuple[int, int]) -> Segment:
    """Write frames (BGR, of `size`, width first) to `path`, whole or not at all; says what was written.

    The first group of pictures is encoded twice and its first copy thrown away: until then the rate control has not
    found its level, and a seam could be told by it.
    """
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.framerate, context.time_base = Fraction(FPS), Fraction(1, FPS)
    context.bit_rate = BIT_RATE
    context.options = {
        "preset": "veryfast",
        "maxrate": str(BIT_RATE),
        "bufsize": str(BIT_RATE),
        "x264-params": _X264,
    }
    context.thread_count = 2
    sizes: list[int] = []
    warming = FPS * GOP_S
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:

        def keep(packets: list[av.Packet]) -> None:
            for packet in packets:
                nonlocal warming
                if warming:
                    warming -= 1
                else:
                    sizes.append(file.write(bytes(packet)))

        for picture in _warmed(frames):
            keep(context.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        keep(context.encode(None))
    part.replace(path)
    return Segment(path.name, FPS * GOP_S, sizes)


def _warmed(frames: Iterable[Picture]) -> Iterator[Picture]:
    """The first group of pictures twice, then the rest."""
    coming = iter(frames)
    first = list(islice(coming, FPS * GOP_S))
    yield from first
    yield from first
    yield from coming
