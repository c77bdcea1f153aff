"""The stream that recording is measured with: a still room with its sensor's noise, no second of it twice in a run.

Synthetic. For recording only bytes matter, and 4 Mbit/s are held by the encoder; who looks after pictures wants noise
of its own in every one, or would rightly say that they are looped.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.encode import encode
from sightline.bench.mix.stream import FPS, GOP_S, Stream, write_stream

SIZE = (1920, 1080)
_ROOM, _GREY, _SHIFTS = (18, 32, 3), 3.0, 256
_TOLD_S = 20


def room(folder: Path, seconds: float, say: Callable[[str], None]) -> Path:
    """Write `seconds` (whole groups of pictures) of it into `folder`, which is made; returns the folder."""
    count = max(1, round(seconds / GOP_S)) * GOP_S * FPS
    say(f"encoding {count // FPS} s of 1080p25 at 4 Mbit/s")
    folder.mkdir()
    segment = encode(folder / "room.h264", _told(_pictures(count), count, say), SIZE)
    write_stream(folder, Stream("room", "parking", "drawn", "0", {}, {"room": segment}, ["room"], []))
    return folder


def _pictures(count: int) -> Iterator[Picture]:
    rng = np.random.default_rng(5)
    blocks = rng.integers(30, 220, _ROOM).astype(np.uint8)
    bare = cv2.GaussianBlur(cv2.resize(blocks, SIZE, interpolation=cv2.INTER_NEAREST), (0, 0), 1.5)
    noise = rng.normal(0, _GREY, (SIZE[1] + _SHIFTS, SIZE[0] + _SHIFTS, 1)).astype(np.int16).repeat(3, axis=2)
    for _ in range(count):
        down, right = (int(value) for value in rng.integers(0, _SHIFTS, 2))
        part = noise[down : down + SIZE[1], right : right + SIZE[0]]
        yield cv2.add(bare, part, dtype=cv2.CV_8U)


def _told(pictures: Iterator[Picture], count: int, say: Callable[[str], None]) -> Iterator[Picture]:
    for number, picture in enumerate(pictures, start=1):
        yield picture
        if number % (_TOLD_S * FPS) == 0:
            say(f"{number // FPS} of {count // FPS} s encoded")


__all__ = ["SIZE", "room"]
