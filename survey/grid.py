"""The road as squares of a metre, to be laid over a still: whoever looks sees at once where a plane is wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey.calibration import Calibration

Array = NDArray[np.float64]

#: Steps of squares that people can count, in metres.
_STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
#: Lines in each direction at most: more is a carpet.
_LINES = 40
#: How finely a line is followed; straight lines stay straight, but its visible part begins and ends anywhere.
_PIECES = 64


@dataclass(frozen=True, slots=True)
class Line:
    """Where the road coordinate named `axis` ("x" or "y") is `at` (m): the visible points (N, 2) px.

    `error_m` (N,): what these places may be off by in the worst direction, 95 of 100, metres.
    """

    axis: str
    at: float
    points: Array
    error_m: Array


@dataclass(frozen=True, slots=True)
class Grid:
    """`step` metres between lines."""

    step: float
    lines: tuple[Line, ...]


def grid(calibration: Calibration, metres: Array, frame: tuple[int, int], around: float = 0.25) -> Grid:
    """Squares over the calibrated points metres (N, 2) and `around` of their extent beyond them; frame (w, h) px."""
    low, high = metres.min(axis=0), metres.max(axis=0)
    low, high = low - around * (high - low), high + around * (high - low)
    step = next((s for s in _STEPS if (high - low).max() / s <= _LINES), _STEPS[-1] * np.ceil((high - low).max() / 800))
    lines = []
    for axis, across in ((0, 1), (1, 0)):
        for at in np.arange(np.ceil(low[axis] / step), np.floor(high[axis] / step) + 1) * step:
            road = np.empty((_PIECES + 1, 2))
            road[:, axis], road[:, across] = at, np.linspace(low[across], high[across], _PIECES + 1)
            line = _seen(calibration, "xy"[axis], float(at), road, frame)
            if line is not None:
                lines.append(line)
    return Grid(float(step), tuple(lines))


def _seen(calibration: Calibration, axis: str, at: float, road: Array, frame: tuple[int, int]) -> Line | None:
    plane = calibration.fit.to_image
    scale = np.column_stack([road, np.ones(len(road))]) @ plane.matrix[2]
    road = road[scale > 1e-3 * scale.max()]
    image = plane.apply(road)
    inside = ((image >= 0) & (image <= np.array(frame))).all(axis=1)
    if inside.sum() < 2:
        return None
    first, last = np.flatnonzero(inside)[[0, -1]]
    kept = slice(max(first - 1, 0), last + 2)
    return Line(axis, at, image[kept], np.array([calibration.place_error((float(x), float(y))) for x, y in road[kept]]))
