"""One zone's part of the picture: where it is cut, how small it is made, and which of its windows have changed."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.plan.texture import STEP, Gray, Grid, Texture, difference, small, windows

#: A region has at most so many pixels after it was made small, unless it is already as small as `COARSEST` makes it.
_PIXELS = 24_000
#: No region is made smaller than a picture of about this width would be: a person far away must stay visible [px].
COARSEST = 480
#: What a region sees around its zone [px of the small picture]: about a vehicle, for the background to hold on to.
_MARGIN_LEAST, _MARGIN_MOST, _MARGIN_SHARE = 16, 48, 0.25

#: Differences below the floor are never change, above the ceiling never noise [grey levels squared]: the outline of a
#: thing of 8 grey levels makes 7.
_FLOOR, _CEILING = 2.0, 5.0
#: How far above its usual difference a window must be.
_ABOVE_NOISE = 3.0
#: Share of a window's own structure that may differ: what coding, sharpness and a fraction of a pixel do to hard edges.
_LIKE = 0.2
#: What a second opinion asks, beside the first.
_SECOND = 0.7
#: Step of the running median of a window's difference, a look.
_LEARN = 1.15
#: What of a window must be of the zone.
_OF_ZONE = 0.05


#: A grid of windows, 1 where it holds: that a window changed, or that it is of the zone.
Hot = NDArray[np.uint8]


class Region:
    """The windows of one polygon in pictures of one size."""

    def __init__(self, polygon: Sequence[tuple[float, float]], frame: tuple[int, int], shape: tuple[int, int]) -> None:
        """`polygon` in px of `frame` (width, height); `shape` (h, w) of the luma pictures that will be put to it."""
        height, width = shape
        points = np.array(polygon, dtype=np.float64) * (width / frame[0], height / frame[1])
        points = np.clip(points, 0.0, (width - 1.0, height - 1.0))
        self.factor, (left, top, right, bottom) = _cut(points, width, height)
        self._rows, self._columns = slice(top, bottom), slice(left, right)
        self._scale = width / frame[0], height / frame[1]
        size = ((bottom - top) // self.factor, (right - left) // self.factor)
        mask = np.zeros(size, np.float32)
        cv2.fillPoly(mask, [np.rint((points - (left, top)) / self.factor).astype(np.int32)], 1.0)
        self.mine: Hot = np.asarray(windows(mask) > _OF_ZONE, np.uint8)
        self.count = int(self.mine.sum())
        self._noise = np.full(self.mine.shape, _FLOOR / _ABOVE_NOISE, np.float32)

    def texture(self, luma: Gray) -> Texture:
        """This region of a luma picture, made small."""
        return Texture.of(small(luma[self._rows, self._columns], self.factor))

    def windows_in(self, box: Sequence[float] | NDArray[np.float64]) -> tuple[slice, slice]:
        """The windows, as rows and columns of the grid, that lie in a box (x1, y1, x2, y2) px of `frame`."""
        unit = self.factor * STEP
        ends = []
        for low, high, scale, origin, most in (
            (box[1], box[3], self._scale[1], self._rows.start, self.mine.shape[0]),
            (box[0], box[2], self._scale[0], self._columns.start, self.mine.shape[1]),
        ):
            # Window i covers steps i and i + 1.
            first = int(np.ceil((low * scale - origin) / unit))
            after = int(np.floor((high * scale - origin) / unit)) - 1
            ends.append(slice(min(max(first, 0), most), min(max(after, 0), most)))
        return ends[0], ends[1]

    def learn(self, left: Grid) -> None:
        """Take the differences of two successive looks as what windows do by themselves: a running median."""
        self._noise *= np.where(left > self._noise, np.float32(_LEARN), np.float32(1.0 / _LEARN))
        np.maximum(self._noise, _FLOOR / _ABOVE_NOISE, out=self._noise)
        np.minimum(self._noise, _CEILING, out=self._noise)

    def hot(self, before: Texture, now: Texture, left: Grid, strict: float = 1.0) -> Hot:
        """Windows in which `left`, the difference, is more than noise and coding make, times `strict`."""
        # Rain, snow and a switched gain raise all windows at once; a thing raises some.
        usual = np.float32(np.partition(left, left.size // 2, axis=None)[left.size // 2])
        level = np.maximum((_ABOVE_NOISE - 1.0) * np.maximum(self._noise, usual), _FLOOR)
        level = np.minimum(level, _CEILING, out=level)
        # What the window does by itself and the whole region does now is under the difference, not instead of it.
        level += np.minimum(np.minimum(self._noise, usual), _CEILING)
        level += _LIKE * np.minimum(before.energy, now.energy)
        return np.asarray(left > strict * level, np.uint8)

    def compare(self, before: Texture, now: Texture) -> tuple[Hot, Grid]:
        """Hot windows, those around the zone too, and the differences of all windows."""
        left = difference(before, now)
        return self.hot(before, now, left), left

    def broad(self, before: Texture, now: Texture) -> Hot:
        """Windows that differ even without what is thin and bright; a second opinion, so less will do."""
        first, second = before.broad(), now.broad()
        return self.hot(first, second, difference(first, second), _SECOND)


def _cut(points: NDArray[np.float64], width: int, height: int) -> tuple[int, tuple[int, int, int, int]]:
    """By how much the region is made smaller, and its box (x1, y1, x2, y2) in whole windows' steps."""
    coarsest = 1
    while coarsest * 2 * COARSEST * 2 / 3 <= width:
        coarsest *= 2
    # Finer than about 960 px across is sensor noise and coding, not things.
    factor = max(1, coarsest // 2)
    while True:
        box = _box(points, width, height, factor)
        pixels = (box[2] - box[0]) * (box[3] - box[1]) / factor**2
        if pixels <= _PIXELS or factor >= coarsest:
            return factor, box
        factor *= 2


def _box(points: NDArray[np.float64], width: int, height: int, factor: int) -> tuple[int, int, int, int]:
    low, high = points.min(axis=0), points.max(axis=0)
    margin = factor * np.clip(_MARGIN_SHARE * (high - low).max() / factor, _MARGIN_LEAST, _MARGIN_MOST)
    unit = factor * STEP
    ends = []
    for first, last, limit in zip(low - margin, high + margin, (width, height), strict=True):
        begin = max(0, int(first) // unit * unit)
        end = min(limit // unit * unit, -(-int(np.ceil(last)) // unit) * unit)
        # A zone at the far border of a picture whose sides are no multiple of the step.
        begin = max(0, min(begin, end - 4 * unit))
        ends.append((begin, end))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


__all__ = ["COARSEST", "Hot", "Region"]
