"""The scale of a road nobody has measured: learned from how tall people and cars appear (design section 5).

A level camera that looks down by `tilt` sees the ground at `y` with `slope * (y - horizon)` pixels a metre across the
view. People (1.7 m) and cars seen at many places give that line; a prior of an ordinary roadside camera (6 m up,
15 degrees down, 64 degrees wide) holds it while few have been seen.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge.frames import CAR, PERSON, Tracks
from edge.rules.sizes import SIZES
from survey.homography import Homography

Array = NDArray[np.float64]

PRIOR_HEIGHT_M = 6.0
PRIOR_TILT = np.deg2rad(15.0)
PRIOR_FOCAL = 0.8
_BINS = 24
_KEPT = 60
_ENOUGH = 5
#: Relative error of one bin's median: people differ little in height, cars in build and in what their box tells.
_RELATIVE_ERROR = {PERSON: 0.05, CAR: 0.12}
#: Headings against the line of sight that a car's box is tried for.
_HEADINGS = np.deg2rad(np.arange(0.0, 91.0, 7.5))


class Eyesight:
    """Learns `slope` (1/m) and `horizon` (px) of one camera, frame (width, height) px; `version` rises as they move."""

    def __init__(self, frame: tuple[int, int], top: float | None = None) -> None:
        """`top`: the uppermost row (px) at which the site says there is road; the horizon lies above it."""
        self._width, self._height = float(frame[0]), float(frame[1])
        self._focal = PRIOR_FOCAL * self._width
        self._prior_horizon = self._height / 2 - self._focal * np.tan(PRIOR_TILT)
        self._prior_slope = np.cos(PRIOR_TILT) / PRIOR_HEIGHT_M
        self._lowest_horizon = np.inf if top is None else top - 0.02 * self._height
        self.horizon = min(float(self._prior_horizon), self._lowest_horizon)
        self.slope = float(self._prior_slope)
        self.version = 0
        self._seen: dict[int, list[deque[tuple[float, float]]]] = {
            kind: [deque(maxlen=_KEPT) for _ in range(_BINS)] for kind in _RELATIVE_ERROR
        }
        self._fresh = 0

    def observe(self, tracks: Tracks) -> None:
        """Learn from the whole boxes of one frame; boxes cut by the frame's edge or of odd shape teach nothing."""
        for box, kind in zip(tracks.boxes.astype(np.float64), tracks.classes, strict=True):
            if int(kind) in self._seen and self._teaches(box, int(kind)):
                row = min(_BINS - 1, int(box[3] / self._height * _BINS))
                self._seen[int(kind)][row].append((float(box[2] - box[0]), float(box[3] - box[1])))
                self._fresh += 1
        if self._fresh >= 40:
            self._fresh = 0
            self._fit()

    def homography(self) -> Homography:
        """Pixels to metres: x across the view from its middle, y forward from the camera's foot."""
        tilt = self._tilt()
        height = np.cos(tilt) / self.slope
        middle = (self._width / 2, self._height / 2)
        matrix = np.array(
            [
                [1 / self.slope, 0.0, -middle[0] / self.slope],
                [0.0, -height * np.tan(tilt), height * (self._focal + middle[1] * np.tan(tilt))],
                [0.0, 1.0, -self.horizon],
            ]
        )
        return Homography(matrix, (middle[0], self._height))

    def _teaches(self, box: Array, kind: int) -> bool:
        """Whether a box is whole and of the shape that a standing person or a car has."""
        width, height = box[2] - box[0], box[3] - box[1]
        margin = 0.01 * self._height
        whole = box[0] > margin and box[1] > margin and box[2] < self._width - margin and box[3] < self._height - margin
        if not whole or width <= 0 or height <= 0:
            return False
        return bool(1.6 < height / width < 5) if kind == PERSON else bool(0.3 < height / width < 1.6)

    def _scale(self, kind: int, boxes: Array, y: float) -> float:
        """Median of the pixels a metre across the view at row `y` that boxes (N, 2: width, height) of a class tell."""
        if kind == PERSON:
            upright = self._foreshortening(np.array([y]))[0]
            return float(np.median(boxes[:, 1]) / (SIZES[PERSON].height * upright))
        size = SIZES[kind]
        down = max(self._tilt() + float(np.arctan2(y - self._height / 2, self._focal)), 0.0)
        wide = size.length * np.sin(_HEADINGS) + size.width * np.cos(_HEADINGS)
        deep = size.length * np.cos(_HEADINGS) + size.width * np.sin(_HEADINGS)
        tall = size.height * np.cos(down) + deep * np.sin(down)
        shape = boxes[:, 0] / boxes[:, 1]
        fits = np.abs(np.log(shape[:, None] * (tall / wide)[None, :])).argmin(axis=1)
        return float(np.median(boxes[:, 0] / wide[fits]))

    def _tilt(self) -> float:
        return float(np.arctan2(self._height / 2 - self.horizon, self._focal))

    def _foreshortening(self, y: Array) -> Array:
        """What an upright metre measures at ground row `y`, as a share of a metre lying across the view."""
        tilt = self._tilt()
        height = np.cos(tilt) / self.slope
        depth = height * self._focal / (np.cos(tilt) * np.maximum(y - self.horizon, 1.0))
        above = np.maximum(height - SIZES[PERSON].height, 0.0)
        share: Array = np.maximum(1 - above * np.sin(tilt) / np.maximum(depth, 0.1), 0.3) / np.cos(tilt)
        return share

    def _fit(self) -> None:
        """The line through the bins' medians, least squares on relative errors, held by the prior."""
        bins = [
            (row, kind, np.array(seen), _RELATIVE_ERROR[kind])
            for kind, rows in self._seen.items()
            for row, seen in enumerate(rows)
            if len(seen) >= _ENOUGH
        ]
        if not bins:
            return
        y = np.array([(row + 0.5) * self._height / _BINS for row, _, _, _ in bins])
        errors = np.array([error for _, _, _, error in bins])
        slope, horizon = self.slope, self.horizon
        for _ in range(3):
            scales = [self._scale(kind, boxes, at) for (_, kind, boxes, _), at in zip(bins, y, strict=True)]
            self._solve(y, np.array(scales), errors)
        if abs(slope / self.slope - 1) > 0.02 or abs(horizon - self.horizon) > 0.01 * self._height:
            self.version += 1
        else:
            self.slope, self.horizon = slope, horizon

    def _solve(self, y: Array, scale: Array, errors: Array) -> None:
        weight = 1 / (errors * scale)
        a0, h0 = self._prior_slope, self._prior_horizon
        loose = 1 / (0.25 * self._height * a0)
        lines = np.vstack(
            [np.column_stack([y, np.ones_like(y)]) * weight[:, None], [[1 / a0, 0.0], [h0 * loose, loose]]],
        )
        slope, offset = np.linalg.lstsq(lines, np.concatenate([scale * weight, [1.0, 0.0]]), rcond=None)[0]
        self.slope = max(float(slope), 0.1 * a0)
        above_all = min(float(y.min()) - 0.02 * self._height, self._lowest_horizon)
        self.horizon = min(float(-offset / self.slope), above_all)
