"""The camera over a road plane: what upright things and plates measure in its picture before anybody stands there.

A homography of the road fixes the camera, if its pixels are square and its axis meets the middle of the picture, as
with any lens that is not shifted (Hartley and Zisserman, Multiple View Geometry, 2nd ed., 8.8).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey.homography import Homography

Array = NDArray[np.float64]

#: A focal length outside these shares of the picture's width is no traffic camera's: the points told nothing of it.
_FOCAL = (0.3, 30.0)


@dataclass(frozen=True, slots=True)
class Camera:
    """`matrix` (3, 4) takes homogeneous places (x, y, z; metres, z up from the road) to the picture (px).

    `focal_px` is the focal length in pixels, `height_m` that of the lens above the road, `tilt_deg` how far it looks
    down, `roll_deg` how far the picture leans to the right.
    """

    matrix: Array
    focal_px: float
    height_m: float
    tilt_deg: float
    roll_deg: float

    def pixels(self, places: Array) -> Array:
        """Picture points (N, 2) px of places (N, 3) m before the camera."""
        found = np.column_stack([places, np.ones(len(places))]) @ self.matrix.T
        seen: Array = found[:, :2] / found[:, 2:]
        return seen

    def upright_px(self, place: tuple[float, float], metres: float) -> float:
        """How many pixels something upright of `metres` is high that stands at `place` (m) on the road."""
        foot, head = self.pixels(np.array([(*place, 0.0), (*place, metres)]))
        return float(np.linalg.norm(head - foot))

    def level_px(self, place: tuple[float, float], along: tuple[float, float], metres: float, above: float) -> float:
        """How many pixels something level of `metres` measures, across direction `along`, `above` m over `place` (m).

        A plate: 0.44 m, 0.5 m above the road, across its vehicle's direction.
        """
        across = np.array([-along[1], along[0]]) / np.hypot(*along) * metres / 2
        ends = [(place[0] + s * across[0], place[1] + s * across[1], above) for s in (-1, 1)]
        left, right = self.pixels(np.array(ends))
        return float(np.linalg.norm(right - left))


def camera_of(to_image: Homography, frame: tuple[int, int]) -> Camera:
    """The camera of `frame` (width, height) px that shows the road (m) as `to_image` says.

    Raises ValueError with a sentence where the plane does not tell it: a camera that looks straight down, or points
    that fix the far road too loosely.
    """
    width, height = frame
    centred = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]]) @ to_image.matrix
    a, b = centred[:, 0], centred[:, 1]
    # Axes of the road are at right angles, and a metre is as long on both: two equations for 1 / focal^2.
    share = np.array([a[0] * b[0] + a[1] * b[1], (a[0] ** 2 + a[1] ** 2 - b[0] ** 2 - b[1] ** 2) / 2])
    rest = np.array([a[2] * b[2], (a[2] ** 2 - b[2] ** 2) / 2])
    found = -float(share @ rest) / max(float(share @ share), np.finfo(float).tiny)
    focal = float(1 / np.sqrt(found)) if found > 0 else np.inf
    if not _FOCAL[0] * width <= focal <= _FOCAL[1] * width:
        raise ValueError("the points do not tell the camera's focal length - add points far apart, also along the road")
    turned = np.diag([1 / focal, 1 / focal, 1.0]) @ centred
    scale = 2 / (np.linalg.norm(turned[:, 0]) + np.linalg.norm(turned[:, 1]))
    scale = scale if turned[2] @ [*to_image.reference, 1.0] > 0 else -scale
    turned = turned * scale
    left, _, right = np.linalg.svd(np.column_stack([turned[:, :2], np.cross(turned[:, 0], turned[:, 1])]))
    turn = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
    eye = -turn.T @ turned[:, 2]
    if eye[2] < 0:  # the road's axes were given left-handed: up is then the other way
        turn, eye = turn @ np.diag([1, 1, -1.0]), eye * [1, 1, -1]
    lens = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    return Camera(
        lens @ np.column_stack([turn, -turn @ eye]),
        focal,
        float(eye[2]),
        float(np.degrees(np.arcsin(np.clip(-turn[2, 2], -1, 1)))),
        float(np.degrees(np.arctan2(turn[0, 2], -turn[1, 2]))),
    )
