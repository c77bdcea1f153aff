"""Fine structure of a small grey picture, and how much of it differs between two looks.

Light changes slowly over a picture, things have edges. So what is compared is the picture less its own blur: auto
exposure, clouds, drifting light and the soft cone of a headlight fall out, and the outline of a thing stays, whether it
came or went. Grey levels are 0..255, energies are grey levels squared, meant over windows of 8 x 8 px that overlap by
half; the comparison is a normalised correlation by windows that keeps the scale.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Grid = NDArray[np.float32]

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
    height, width = values.shape
    cells = cv2.resize(values, (width // STEP, height // STEP), interpolation=cv2.INTER_AREA)
    return np.asarray((cells[1:, 1:] + cells[:-1, 1:] + cells[1:, :-1] + cells[:-1, :-1]) * 0.25, np.float32)


def difference(before: Texture, now: Texture) -> Grid:
    """Energy by window of what of `now` is not `before` times a gain.

    Where a window's structure is strong its own gain is fitted (a headlight, a shadow on a parked car); where it is
    weak it is taken from the light, so that a thing of low contrast counts the same when it leaves as when it comes.
    """
    cross = windows(cv2.multiply(before.fine, now.fine))
    light = np.clip((now.light + _DARK) / (before.light + _DARK), _GAIN_LOW, _GAIN_HIGH)
    gain = np.clip((cross + _PRIOR * light) / (before.energy + _PRIOR), _GAIN_LOW, _GAIN_HIGH)
    left: Grid = now.energy - 2.0 * gain * cross + gain * gain * before.energy
    return np.maximum(left, 0.0)


def small(luma: Gray, factor: int) -> Gray:
    """`luma` (h, w) made `factor` (a power of two) times smaller by averaging; sides are rounded down."""
    while factor > 1:
        height, width = luma.shape[0] // 2, luma.shape[1] // 2
        luma = np.asarray(
            cv2.resize(luma[: height * 2, : width * 2], (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
        factor //= 2
    return luma


__all__ = ["STEP", "WINDOW", "Gray", "Grid", "Texture", "difference", "small", "windows"]
