"""Out of a decoded frame without more work than is needed: its luma as it lies there, or a small BGR picture."""

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from edge.cameras.packets import Picture

#: Pixel formats whose first plane is 8-bit luma.
_LUMA_FIRST = frozenset(
    {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray", "yuv410p", "yuv411p"}
)


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Luma (H, W) uint8, a view of the frame's own memory wherever its format allows."""
    if frame.format.name not in _LUMA_FIRST:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def scaled(frame: av.VideoFrame, size: tuple[int, int]) -> Picture:
    """BGR (h, w, 3) uint8 of the frame's shape, just fitting in `size` (width, height); never made larger."""
    share = min(1.0, size[0] / frame.width, size[1] / frame.height)
    width, height = max(1, round(frame.width * share)), max(1, round(frame.height * share))
    way = Interpolation.AREA if share < 1.0 else Interpolation.BILINEAR
    # Left to itself FFmpeg starts threads for every picture, which costs a quarter more than it scales.
    small = frame.reformat(width=width, height=height, format="bgr24", interpolation=way, threads=1)
    return np.ascontiguousarray(small.to_ndarray(), dtype=np.uint8)
