"""Fine structure of a small grey picture, and how much of it differs between two looks.

Light changes slowly over a picture, things have edges. So what is compared is the picture less its own blur: auto
exposure, clouds, drifting light and the soft cone of a headlight fall out, and the outline of a thing stays, whether it
came or went. Grey levels are 0..255, energies are grey levels squared, meant over windows of 8 x 8 px that overlap by
half; the comparison is a normalised correlation by windows that keeps the scale.
"""

from dataclasses import dataclass
from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Grid = NDArray[np.float32]
Picture = TypeVar("Picture", Gray, Grid)

#: Side of a window, and distance of neighbouring windows [px of the small picture].
WINDOW, STEP = 8, 4
#: Side of the blur that stands for the light [px]: wider than a window, narrower than a headlight's cone.
_BLUR = 11
#: Local gain is believed within these bounds, and only where structure is strong beside `_PRIOR` [grey levels squared].
_GAIN_LOW, _GAIN_HIGH, _PRIOR = 0.6, 1.7, 100.0
#: Black of limited-range luma; below it the ratio of two lights says nothing [grey levels].
_DARK = 16.0
_THIN = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Texture:
    """One small grey picture (h, w), its fine structure (h, w), and by window that structure's energy and the light."""

    gray: Gray
    fine: Grid
    energy: Grid
    light: Grid

    @classmethod
    def of(cls, gray: Gray) -> "Texture":
        """Of a small picture (h, w) whose sides are multiples of STEP and at least WINDOW."""
        return cls._of(gray, cv2.medianBlur(gray, 3))

    def broad(self) -> "Texture":
        """The same picture without what is bright and one or two pixels wide: drops, flakes, glints, painted lines."""
        return self._of(self.gray, cv2.morphologyEx(cv2.medianBlur(self.gray, 3), cv2.MORPH_OPEN, _THIN))

    @classmethod
    def _of(cls, gray: Gray, clean: Gray) -> "Texture":
        blur = cv2.boxFilter(clean, cv2.CV_32F, (_BLUR, _BLUR))
        fine = cv2.subtract(clean, blur, dtype=cv2.CV_32F)
        return cls(gray, fine, windows(cv2.multiply(fine, fine)), windows(blur))

    def shifted(self, dx: float, dy: float) -> "Texture":
        """The same picture with its content moved by (dx, dy) px."""
        way = np.array([[1, 0, dx], [0, 1, dy]], dtype=np.float32)
        size = (self.gray.shape[1], self.gray.shape[0])
        moved = cv2.warpAffine(self.gray, way, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return Texture.of(np.asarray(moved, np.uint8))


def windows(values: Grid) -> Grid:
    """Means (h / 4 - 1, w / 4 - 1) of `values` (h, w) over windows of 8 x 8 px, 4 px apart."""
    # Halved twice: OpenCV does that in a third of the time that a quarter takes.
    cells = small(values, STEP)
    return np.asarray(cv2.boxFilter(cells, -1, (2, 2), anchor=(1, 1))[1:, 1:], np.float32)


def difference(before: Texture, now: Texture) -> Grid:
    """Energy by window of what of `now` is not `before` times a gain.

    Where a window's structure is strong its own gain is fitted (a headlight, a shadow on a parked car); where it is
    weak it is taken from the light, so that a thing of low contrast counts the same when it leaves as when it comes.
    """
    cross = windows(cv2.multiply(before.fine, now.fine))
    light = _bounded((now.light + _DARK) / (before.light + _DARK))
    gain = _bounded((cross + _PRIOR * light) / (before.energy + _PRIOR))
    left: Grid = now.energy + gain * (gain * before.energy - 2.0 * cross)
    return np.maximum(left, 0.0, out=left)


def _bounded(gain: Grid) -> Grid:
    # np.clip checks so much that on grids of this size it takes five times as long.
    return np.minimum(np.maximum(gain, _GAIN_LOW, out=gain), _GAIN_HIGH, out=gain)


def small(picture: Picture, factor: int) -> Picture:
    """`picture` (h, w) made `factor` (a power of two) times smaller by averaging; sides are rounded down."""
    while factor > 1:
        height, width = picture.shape[0] // 2, picture.shape[1] // 2
        half = cv2.resize(picture[: height * 2, : width * 2], (width, height), interpolation=cv2.INTER_AREA)
        picture = cast(Picture, half)
        factor //= 2
    return picture


__all__ = ["STEP", "WINDOW", "Gray", "Grid", "Texture", "difference", "small", "windows"]
