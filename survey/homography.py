"""The projective map between two planes: fitted to pairs of points, applied, inverted, differentiated."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: A point whose homogeneous scale falls below this share of that in the calibrated part lies at the horizon or beyond.
_HORIZON = 1e-3


def _normaliser(points: Array) -> Array:
    """Similarity (3, 3) that moves `points` to mean 0 and mean distance sqrt 2 (Hartley 1997)."""
    centre = points.mean(axis=0)
    spread = float(np.hypot(*(points - centre).T).mean())
    scale = np.sqrt(2.0) / spread if spread > 0 else 1.0
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1.0]])


def _lifted(points: Array) -> Array:
    return np.column_stack([points, np.ones(len(points))])


@dataclass(frozen=True, slots=True)
class Homography:
    """`matrix` (3, 3) takes homogeneous points of one plane to another; `reference` is a point where it surely holds.

    Points at the horizon or beyond have no image. They are taken to be very far away in their own direction, so that
    whatever is computed from them stays finite and far from every zone.
    """

    matrix: Array
    reference: tuple[float, float]

    @classmethod
    def fit(cls, source: Array, target: Array) -> Self:
        """Least squares over pairs (N, 2), N >= 4, by the normalised direct linear transform.

        Source: Hartley and Zisserman, Multiple View Geometry, 2nd ed., algorithm 4.2. Raises ValueError with a
        sentence when the points cannot fix a plane (three on a line, repeated, or folded over the horizon).
        """
        if len(source) < 4 or source.shape != target.shape:
            raise ValueError("a plane needs at least four pairs of points")
        if not (np.isfinite(source).all() and np.isfinite(target).all()):
            raise ValueError("a point has a coordinate that is no number")
        to_source, to_target = _normaliser(source), _normaliser(target)
        p, q = _lifted(source) @ to_source.T, _lifted(target) @ to_target.T
        zero = np.zeros_like(p)
        rows = np.vstack(
            [np.hstack([p, zero, -q[:, :1] * p]), np.hstack([zero, p, -q[:, 1:2] * p])],
        )
        _, singular, vectors = np.linalg.svd(rows)
        matrix = np.linalg.inv(to_target) @ vectors[-1].reshape(3, 3) @ to_source
        if singular[7] < 1e-6 * singular[0] or np.linalg.cond(vectors[-1].reshape(3, 3)) > 1e6:
            raise ValueError("the points lie on one line or repeat - spread them over the road")
        scales = _lifted(source) @ matrix[2]
        if scales.min() <= 0 <= scales.max():
            raise ValueError("the pairs contradict each other (the plane folds) - check their order")
        centre = source.mean(axis=0)
        return cls(matrix * np.sign(scales[0]), (float(centre[0]), float(centre[1])))

    def apply(self, points: Array) -> Array:
        """Images (N, 2) of points (N, 2); always finite."""
        lifted = _lifted(np.asarray(points, dtype=np.float64).reshape(-1, 2)) @ self.matrix.T
        scale = np.maximum(lifted[:, 2:], _HORIZON * self._scale())
        return lifted[:, :2] / scale

    def inverse(self) -> "Homography":
        """The way back."""
        centre = self.apply(np.array([self.reference]))[0]
        matrix = np.linalg.inv(self.matrix)
        sign = np.sign(matrix[2] @ np.array([centre[0], centre[1], 1.0]))
        return Homography(matrix * (sign or 1.0), (float(centre[0]), float(centre[1])))

    def jacobian(self, point: tuple[float, float]) -> Array:
        """Derivative (2, 2) of the image with respect to the point."""
        lifted = self.matrix @ np.array([point[0], point[1], 1.0])
        scale = max(float(lifted[2]), _HORIZON * self._scale())
        derived: Array = (self.matrix[:2, :2] - np.outer(lifted[:2] / scale, self.matrix[2, :2])) / scale
        return derived

    def _scale(self) -> float:
        return float(self.matrix[2] @ np.array([*self.reference, 1.0]))
