"""The whole picture, made small: whether the camera shook or was turned, and whether the light changed."""

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.plan.shake import shift
from edge.plan.texture import STEP, Gray, Texture, difference, small

#: Width to which the whole picture is made small at most [px].
_WIDE = 200
#: A camera whose picture shifted by more than this share of its width has moved (domain, polling part: re-aim needed).
_MOVED = 0.02
#: From this share of changed structure on it is asked whether the picture shifted ...
_DOUBT = 0.25
#: ... and with this share, put straight, it shows something else: turned, covered, or a lorry before the lens.
_OTHER = 0.6
#: What can be recognised again [grey levels squared], and how many windows of it are enough to judge by.
_STRUCTURE, _ENOUGH = 40.0, 16
#: The light has changed when half of the picture has become so much brighter or darker [grey levels].
_LIGHT = 8.0


class View:
    """Two looks at the whole picture, `before` and `now`; what costs is worked out when it is asked for."""

    def __init__(self, before: Texture, now: Texture, factor: int) -> None:
        """`factor`: by how much `whole` made the luma picture smaller."""
        self._before, self._now, self._factor = before, now, factor

    @cached_property
    def moved(self) -> bool:
        """Whether the camera shows another view: shifted too far to be put straight, or not to be known again."""
        known = max(int((self._before.energy > _STRUCTURE).sum()), 1)
        if known < _ENOUGH or self._changed(self._now) / known < _DOUBT:
            return False
        if self._shift is None:
            return self._changed(self._now) / known >= _OTHER
        dx, dy = self._shift
        if np.hypot(dx, dy) > _MOVED * self._now.gray.shape[1]:
            return True
        return self._changed(self._now.shifted(-dx, -dy)) / known >= _OTHER

    @cached_property
    def light(self) -> bool:
        """Whether the whole picture became brighter or darker."""
        return bool(abs(_median(cv2.subtract(self._now.gray, self._before.gray, dtype=cv2.CV_16S))) >= _LIGHT)

    def offset(self, factor: int) -> tuple[float, float] | None:
        """How far the picture shifted, in px of a region made `factor` times smaller; None when it cannot be told."""
        if self._shift is None:
            return None
        ratio = self._factor / factor
        return self._shift[0] * ratio, self._shift[1] * ratio

    @cached_property
    def _shift(self) -> tuple[float, float] | None:
        return shift(self._before, self._now)

    def _changed(self, now: Texture) -> int:
        other = difference(self._before, now) > 0.5 * self._before.energy
        return int((other & (self._before.energy > _STRUCTURE)).sum())


def _median(values: NDArray[np.int16]) -> int:
    return int(np.partition(values, values.size // 2, axis=None)[values.size // 2])


def factor_of(width: int) -> int:
    """By how much a picture of this width is made smaller as a whole: a power of two."""
    factor = 1
    while width / factor > _WIDE:
        factor *= 2
    return factor


def whole(luma: Gray) -> Texture:
    """The whole of a luma picture, made small; of big ones only every other, fourth ... row is read."""
    factor = factor_of(luma.shape[1])
    skip = max(1, factor // 2)
    rows = luma[::skip]
    if skip > 1:
        # Averaged across as across the rows would be: halves are what is cheap.
        rows = np.asarray(small(rows[: rows.shape[0] // 2 * 2], 2), np.uint8)
        down, across = factor // skip // 2, factor // 2
    else:
        down, across = factor, factor
    unit = STEP
    height = rows.shape[0] // down // unit * unit
    width = rows.shape[1] // across // unit * unit
    picture = cv2.resize(rows[: height * down, : width * across], (width, height), interpolation=cv2.INTER_AREA)
    return Texture.of(np.asarray(picture, np.uint8))


__all__ = ["View", "factor_of", "whole"]
