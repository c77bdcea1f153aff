"""Letterboxing: a picture of any size into the network's input, and boxes back into the picture's pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect.protocol import Picture

#: The grey that YOLO was trained to see around a picture.
GREY = 114
_MAX_SIDE = 16384


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture lies in the input: scaled by `scale`, its corner at (`left`, `top`) input px."""

    scale: float
    left: int
    top: int
    width: int
    height: int

    def back(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes (N, 4) of input px as boxes of picture px, cut at its border."""
        shift = np.array([self.left, self.top, self.left, self.top], np.float32)
        moved = (boxes - shift) / np.float32(self.scale)
        limit = np.array([self.width, self.height, self.width, self.height], np.float32)
        return np.asarray(np.clip(moved, np.float32(0), limit), np.float32)


def check_picture(picture: Picture) -> None:
    """Raise ValueError unless `picture` is BGR (H, W, 3) uint8 with sensible sides."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"a picture is (H, W, 3) uint8 BGR, not {picture.shape} {picture.dtype}")
    if not (0 < picture.shape[0] <= _MAX_SIDE and 0 < picture.shape[1] <= _MAX_SIDE):
        raise ValueError(f"a picture of {picture.shape[1]}x{picture.shape[0]} cannot be looked at")


def letterbox(picture: Picture, out: Picture) -> Fit:
    """Scale `picture` into `out` (h, w, 3) keeping its shape, grey around it; says how it lies there.

    Written straight into `out`, which may be a slot of shared memory. Raises ValueError for what is no picture.
    """
    check_picture(picture)
    height, width = picture.shape[:2]
    high, wide = out.shape[:2]
    scale = min(high / height, wide / width)
    inner_w, inner_h = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (wide - inner_w) // 2, (high - inner_h) // 2
    inner = out[top : top + inner_h, left : left + inner_w]
    if (inner_h, inner_w) == (height, width):
        inner[:] = picture
    else:
        way = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        inner[:] = cv2.resize(picture, (inner_w, inner_h), interpolation=way)
    out[:top] = GREY
    out[top + inner_h :] = GREY
    out[top : top + inner_h, :left] = GREY
    out[top : top + inner_h, left + inner_w :] = GREY
    return Fit(scale, left, top, width, height)
