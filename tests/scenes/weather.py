"""What weather, light, lenses and coders do to a luma picture (h, w) uint8; sizes are meant for 1920 x 1080."""

from collections.abc import Sequence
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.cameras.planes import luma as plane_luma

Gray = NDArray[np.uint8]


def _gray(values: np.ndarray) -> Gray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def grain(luma: Gray, rng: np.random.Generator, sd: float = 3.0) -> Gray:
    """Noise of the sensor, `sd` grey levels."""
    noise = np.empty(luma.shape, np.int16)
    cv2.setRNGSeed(int(rng.integers(2**31)))
    cv2.randn(noise, 0.0, sd)
    return cv2.add(luma, noise, dtype=cv2.CV_8U)


def exposed(luma: Gray, gain: float = 1.0, offset: float = 0.0, gamma: float = 1.0) -> Gray:
    """Another exposure: gamma, then gain, then offset."""
    table = _gray((np.arange(256) / 255.0) ** gamma * 255.0 * gain + offset)
    return cv2.LUT(luma, table)


def shaken(luma: Gray, dx: float, dy: float, degrees: float = 0.0) -> Gray:
    """The camera shifted by px and turned about the picture's middle."""
    height, width = luma.shape
    way = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    way[:, 2] += (dx, dy)
    return cv2.warpAffine(luma, way, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def rain(luma: Gray, rng: np.random.Generator, drops: int = 600) -> Gray:
    """Streaks 15-50 px long, one or two wide, 15-40 levels brighter, at other places in every picture."""
    height, width = luma.shape
    layer = np.zeros((height, width), np.uint8)
    slant = rng.normal(0.1, 0.03, drops)
    for x, y, length, lean, level, wide in zip(
        rng.integers(0, width, drops),
        rng.integers(0, height, drops),
        rng.integers(15, 50, drops),
        slant,
        rng.integers(15, 40, drops),
        rng.integers(1, 3, drops),
        strict=True,
    ):
        cv2.line(layer, (int(x), int(y)), (int(x + lean * length), int(y + length)), int(level), int(wide), cv2.LINE_AA)
    return cv2.add(luma, layer)


def snow(luma: Gray, rng: np.random.Generator, flakes: int = 500) -> Gray:
    """Soft dots of 1-5 px radius, 30-80 levels brighter, at other places in every picture."""
    height, width = luma.shape
    layer = np.zeros((height, width), np.uint8)
    for x, y, size, level in zip(
        rng.integers(0, width, flakes),
        rng.integers(0, height, flakes),
        np.minimum(rng.geometric(0.55, flakes), 5),
        rng.integers(30, 80, flakes),
        strict=True,
    ):
        cv2.circle(layer, (int(x), int(y)), int(size), int(level), -1, cv2.LINE_AA)
    return cv2.add(luma, cv2.GaussianBlur(layer, (5, 5), 0))


def headlights(luma: Gray, x: float, y: float, reach: float = 300.0, level: float = 70.0) -> Gray:
    """The soft cone of a car's lights on the road, brightest at (x, y), `reach` px wide; light multiplies and adds."""
    height, width = luma.shape
    across = np.exp(-(((np.arange(width) - x) / reach) ** 2))
    down = np.exp(-(((np.arange(height) - y) / (reach * 0.5)) ** 2))
    cone = np.outer(down, across).astype(np.float32)
    return _gray(luma * (1.0 + 0.5 * cone) + level * cone)


def added(luma: Gray, box: Sequence[float], level: float) -> Gray:
    """A thing without structure: `level` grey levels more (or less) over a rounded `box` (x1, y1, x2, y2)."""
    mask = np.zeros(luma.shape, np.uint8)
    x1, y1, x2, y2 = (int(value) for value in box)
    round_ = max(1, min(x2 - x1, y2 - y1) // 5)
    cv2.rectangle(mask, (x1 + round_, y1), (x2 - round_, y2), 255, -1)
    cv2.rectangle(mask, (x1, y1 + round_), (x2, y2 - round_), 255, -1)
    soft = cv2.GaussianBlur(mask, (3, 3), 0).astype(np.float32) / 255.0
    return _gray(luma + level * soft)


def coded(pictures: Sequence[Gray], bitrate: int = 4_000_000, gop: int = 2, fps: int = 1) -> list[Gray]:
    """The keyframes of `pictures` after a real H.264 encoder and decoder; every `gop`-th picture is a keyframe."""
    height, width = pictures[0].shape
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base, encoder.bit_rate = fps, Fraction(1, fps), bitrate
    encoder.options = {"preset": "ultrafast", "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0"}
    encoder.thread_count = 1
    chroma = np.full((height // 2, width), 128, np.uint8)
    packets = []
    for picture in pictures:
        packets += encoder.encode(av.VideoFrame.from_ndarray(np.vstack([picture, chroma]), format="yuv420p"))
    packets += encoder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(packet)] + list(decoder.decode(None))
    return [plane_luma(frame).copy() for frame in frames if frame.key_frame]


__all__ = ["added", "coded", "exposed", "grain", "headlights", "rain", "shaken", "snow"]
