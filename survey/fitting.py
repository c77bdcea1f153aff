"""The road plane that explains clicked points best: the least error in the image, where the error was made."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey.homography import Homography

Array = NDArray[np.float64]

#: Steps of Levenberg and Marquardt; from the linear solution five or six are enough.
_STEPS = 60
#: A tape's error in the image counts as this many clicks' error at most.
_TAPE_MOST = 3.0


@dataclass(frozen=True, slots=True)
class Spread:
    """How far clicks and tapes are off (standard deviations): `image_px` px in each direction, `road_m` m in each."""

    image_px: float = 2.0
    road_m: float = 0.03


@dataclass(frozen=True, slots=True)
class Fit:
    """`to_image` takes the road (m) to the image (px).

    `cost`: sum of squares of what is left over, in standard deviations; of `2 N - 8` numbers that are free.
    `covariance` (9, 9): of `to_image.matrix`, scaled to length 1, rows first.
    `left_px` (N, 2): clicked minus computed.
    """

    to_image: Homography
    cost: float
    covariance: Array
    left_px: Array


def fit(image: Array, metres: Array, spread: Spread | None = None) -> Fit:
    """Maximum likelihood over pairs image (N, 2) px and metres (N, 2), N >= 4.

    Hartley and Zisserman, Multiple View Geometry, 2nd ed., 4.2.3 and 5.2.3: begun with the algebraic solution,
    ended by Levenberg and Marquardt. Raises ValueError with a sentence as `Homography.fit` does.
    """
    spread = spread or Spread()
    image, metres = np.asarray(image, dtype=np.float64), np.asarray(metres, dtype=np.float64)
    begun = Homography.fit(image, metres).inverse()
    problem = _Problem(image, metres, _whitening(begun, metres, spread))
    found = _least(problem, problem.start(begun.matrix))
    matrix = problem.natural(found)
    to_image = Homography(matrix * np.sign(matrix[2] @ [*metres.mean(axis=0), 1.0]), _centre(metres))
    slopes = problem.slopes(found)
    change = problem.change()
    covariance = change @ np.linalg.pinv(slopes.T @ slopes, rcond=1e-12, hermitian=True) @ change.T
    size = np.linalg.norm(matrix)
    unit = (matrix / size).reshape(-1)
    across = (np.eye(9) - np.outer(unit, unit)) / size
    return Fit(
        Homography(to_image.matrix / size, to_image.reference),
        float(np.sum(problem.left(found) ** 2)),
        across @ covariance @ across.T,
        image - to_image.apply(metres),
    )


def _centre(points: Array) -> tuple[float, float]:
    x, y = points.mean(axis=0)
    return float(x), float(y)


def _whitening(to_image: Homography, metres: Array, spread: Spread) -> Array:
    """(N, 2, 2): what makes the error of each click one standard deviation in each direction.

    A tape that is off moves the point in the image by what a metre measures there: much near by, little far away.
    """
    slopes = spread.road_m * np.array([to_image.jacobian((float(x), float(y))) for x, y in metres])
    # Where points contradict each other the first plane is a wild one, and would forgive itself everything.
    sizes = np.maximum(np.linalg.norm(slopes, 2, axis=(1, 2)) / (_TAPE_MOST * spread.image_px), 1.0)
    slopes = slopes / sizes[:, None, None]
    error = spread.image_px**2 * np.eye(2) + slopes @ slopes.transpose(0, 2, 1)
    return np.linalg.inv(np.linalg.cholesky(error))


class _Problem:
    """In scaled coordinates, so that nine numbers of very different size are solved for alike."""

    def __init__(self, image: Array, metres: Array, whitening: Array) -> None:
        self._image, self._whitening = image, whitening
        self._out, self._in = _scaler(image), _scaler(metres)
        self._lifted = np.column_stack([metres, np.ones(len(metres))]) @ self._in.T
        self._back = np.linalg.inv(self._out)

    def start(self, matrix: Array) -> Array:
        scaled = self._out @ matrix @ np.linalg.inv(self._in)
        unit: Array = (scaled / np.linalg.norm(scaled)).reshape(-1)
        return unit

    def natural(self, values: Array) -> Array:
        matrix: Array = self._back @ values.reshape(3, 3) @ self._in
        return matrix

    def change(self) -> Array:
        """(9, 9): from scaled values to those of `natural`."""
        return np.kron(self._back, self._in.T)

    def left(self, values: Array) -> Array:
        """What is left over of each number, (2 N,), in standard deviations."""
        found = self._lifted @ self._rows(values).T
        off = found[:, :2] / found[:, 2:] - self._image
        left: Array = np.einsum("nij,nj->ni", self._whitening, off).reshape(-1)
        return left

    def _rows(self, values: Array) -> Array:
        rows: Array = self._back @ values.reshape(3, 3)
        return rows

    def slopes(self, values: Array) -> Array:
        """(2 N, 9): of `left`, by `values`."""
        found = self._lifted @ self._rows(values).T
        scale = found[:, 2]
        by_found = np.zeros((len(found), 2, 3))
        by_found[:, 0, 0] = by_found[:, 1, 1] = 1 / scale
        by_found[:, :, 2] = -found[:, :2] / scale[:, None] ** 2
        by_values = np.einsum("nij,jk,nl->nikl", by_found, self._back, self._lifted).reshape(len(found), 2, 9)
        slopes: Array = np.einsum("nij,njk->nik", self._whitening, by_values).reshape(-1, 9)
        return slopes


def _scaler(points: Array) -> Array:
    centre = points.mean(axis=0)
    size = float(np.abs(points - centre).max()) or 1.0
    return np.array([[1 / size, 0, -centre[0] / size], [0, 1 / size, -centre[1] / size], [0, 0, 1.0]])


def _least(problem: _Problem, values: Array) -> Array:
    damping, left = 1e-3, problem.left(values)
    for _ in range(_STEPS):
        slopes = problem.slopes(values)
        normal = slopes.T @ slopes
        step = np.linalg.solve(normal + damping * (np.diag(np.diag(normal)) + 1e-9 * np.eye(9)), -slopes.T @ left)
        tried = values + step
        tried /= np.linalg.norm(tried)
        new = problem.left(tried)
        if np.isfinite(new).all() and new @ new <= left @ left:
            gained, values, left, damping = left @ left - new @ new, tried, new, max(damping / 10, 1e-12)
            if gained <= 1e-12 * (left @ left + 1e-12):
                break
        else:
            damping *= 10
            if damping > 1e12:
                break
    return values
