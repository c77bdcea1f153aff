"""Small real recordings that tests need and no clip of ../shared is: made by an encoder, decoded by the product."""

from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np


@cache
def _ground(width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    ground = rng.integers(60, 120, (height // 8, width // 8, 3), dtype=np.uint8)
    return np.kron(ground, np.ones((8, 8, 1), dtype=np.uint8))


def picture(index: int, width: int = 1280, height: int = 720) -> np.ndarray:
    """A picture (height, width, 3) uint8 that can be told from every other: a bar that moves, on a textured ground."""
    image = _ground(width, height).copy()
    left = index * 8 % (width - 64)
    image[:, left : left + 64] = (30, 200, 230)
    return np.ascontiguousarray(image)


def bar(image: np.ndarray, width: int = 1280) -> int:
    """Which `picture` an image is, by where its bar stands (modulo the width)."""
    column = image[:, :, 1].astype(int).mean(axis=0)
    lit = np.flatnonzero(column > 160)
    return round(float(lit.mean() - 31.5) / 8)


def record(
    path: Path,
    seconds: float,
    codec: str = "libx264",
    fps: float = 25,
    gop: int = 50,
    bframes: int = 0,
    size: tuple[int, int] = (1280, 720),
) -> Path:
    """Encode `seconds` of `picture`s into `path`, `size` pixels."""
    common = {"preset": "ultrafast"}
    options = {
        "libx264": {**common, "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}"},
        "libx265": {**common, "x265-params": f"log-level=none:keyint={gop}:scenecut=0:bframes={bframes}:pools=1"},
    }[codec]
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=Fraction(fps), options=options)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for index in range(round(seconds * fps)):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture(index, *size), format="bgr24")):
                target.mux(packet)
        target.mux(stream.encode(None))
    return path
