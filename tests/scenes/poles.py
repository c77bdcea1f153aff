"""Cameras on poles as crews hang them, over a crossing and its approach: generated, each with its exact truth.

Road: x across from kerb to kerb, y along the way towards the crossing's far side, metres. Heights, distances and lens as
domain G2 has them (pole 6 to 10 m, the whole crossing and 30 m of approach in the picture), a head that is not quite level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey.homography import Homography

Array = NDArray[np.float64]

FRAME = (1920, 1080)
DEPTH, APPROACH = 4.0, 30.0


@dataclass(frozen=True)
class Pole:
    """One camera: `to_image` takes the road (m) to its picture (px); the crossing lies `near` m away, `width` m wide."""

    to_image: Homography
    near: float
    width: float

    def marks(self, count: int) -> Array:
        """What a crew clicks: (count, 2) m, corners of the crossing and ends of lane lines; 4 to 8."""
        near, far, end, middle = self.near, self.near + DEPTH, self.near + DEPTH + APPROACH, self.width / 2
        marks = [(0, near), (self.width, near), (0, far), (self.width, far)]
        marks += [(0, end), (middle, end), (middle, (far + end) / 2), (0, (far + end) / 2)]
        if count == 4:
            marks = [marks[0], marks[3], marks[4], marks[5]]
        return np.array(marks[:count], dtype=np.float64)

    def across(self, rng: np.random.Generator) -> Array:
        """A length (2, 2) m from kerb to kerb on the crossing."""
        y = rng.uniform(self.near, self.near + DEPTH)
        return np.array([[0.0, y], [self.width, y]])

    def along(self, rng: np.random.Generator) -> Array:
        """A length (2, 2) m of at least 10 m along a lane of the approach."""
        begin = rng.uniform(self.near + DEPTH, self.near + DEPTH + APPROACH - 10)
        end = rng.uniform(begin + 10, self.near + DEPTH + APPROACH)
        x = rng.uniform(0, self.width)
        return np.array([[x, begin], [x, end]])


def pole(rng: np.random.Generator) -> Pole:
    """A camera that sees the crossing and its approach whole."""
    while True:
        near, width = rng.uniform(10, 20), rng.uniform(7, 12)
        eye = np.array([rng.uniform(-8, 8), 0.0, rng.uniform(6, 10)])
        aim = np.array([width / 2 + rng.uniform(-4, 4), near + rng.uniform(4, 14), 0.0])
        plane = _seen(eye, aim, rng.uniform(900, 2600), np.deg2rad(rng.normal(0, 1.5)))
        edge = np.array([(x, y) for x in (0, width) for y in (near, near + DEPTH + APPROACH)], dtype=np.float64)
        if (np.column_stack([edge, np.ones(4)]) @ plane[2] <= 0).any():
            continue
        found = Homography(plane, (width / 2, near))
        seen = found.apply(edge)
        if (seen > 5).all() and (seen < np.array(FRAME) - 5).all():
            return Pole(found, near, width)


def _seen(eye: Array, aim: Array, focal: float, roll: float) -> Array:
    ahead = (aim - eye) / np.linalg.norm(aim - eye)
    right = np.cross(ahead, [0, 0, 1])
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    right, down = np.cos(roll) * right + np.sin(roll) * down, -np.sin(roll) * right + np.cos(roll) * down
    turn = np.stack([right, down, ahead])
    lens = np.array([[focal, 0, FRAME[0] / 2], [0, focal, FRAME[1] / 2], [0, 0, 1]])
    matrix: Array = (lens @ np.column_stack([turn, -turn @ eye]))[:, [0, 1, 3]]
    return matrix
