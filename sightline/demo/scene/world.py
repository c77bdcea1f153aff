"""The street in metres, and the pinhole that looks at it.

World axes: x to the right, y away from the camera, z up, metres; the camera stands over the origin. The street is one
way, towards the camera, with two lanes; the left kerb has a no-parking stretch and, behind it, a drawn parking bay.
The site file's ground calibration is computed from this very pinhole (`sightline/demo/scene/site.py`).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 1280, 720
FPS = 12.5

#: Lanes, across the street (x from, x to); traffic runs towards -y.
LANE_LEFT = (-10.5, -7.25)
LANE_RIGHT = (-7.25, -4.0)
CARRIAGEWAY = (-10.5, -4.0)
#: The strip along the left kerb where one may stand (bay) or not (no parking). It ends before the crossing.
STRIP = (-13.0, -10.5)
STRIP_ENDS = (24.8, 50.0)
NO_PARKING = (25.2, 35.6)
BAY = (36.4, 47.4)
#: The zebra, along the street, and its stop line upstream of it.
ZEBRA = (17.5, 21.5)
STOP_LINE = 23.6
LEFT_WALK = (-17.0, -13.0)
RIGHT_WALK = (-4.0, 1.2)
#: Where a cross street comes in; behind it stands the last facade.
CROSS_STREET = (76.0, 84.0)
BACK_WALL = 88.0
KERB_HEIGHT = 0.12
#: What one metre of height adds to a shadow on the ground: the sun stands behind the camera, to the right.
SUN = (-0.42, 0.50)


@dataclass(frozen=True, slots=True)
class Lens:
    """Where the camera stands and looks: height m, focal length px, yaw (to the left) and pitch (down) in degrees."""

    height: float = 8.0
    focal: float = 1600.0
    yaw: float = 18.6
    pitch: float = 14.0


class Pinhole:
    """A camera without distortion. Pixels: x right, y down, origin at the upper left corner."""

    def __init__(self, lens: Lens | None = None, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.lens = lens or Lens()
        self.width, self.height = width, height
        self._focal = self.lens.focal * width / WIDTH

    @cached_property
    def _axes(self) -> Floats:
        """Rows: the camera's right, down and forward in world axes."""
        yaw, pitch = math.radians(self.lens.yaw), math.radians(self.lens.pitch)
        forward = np.array([-math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), -math.sin(pitch)])
        right = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        return np.stack([right, np.cross(forward, right), forward])

    @property
    def position(self) -> Floats:
        """The lens in world metres (3,)."""
        return np.array([0.0, 0.0, self.lens.height])

    def project(self, points: Floats) -> Floats:
        """World points (N, 3) m to pixels (N, 2). Points behind the lens give numbers without meaning."""
        local = (np.asarray(points, dtype=float).reshape(-1, 3) - self.position) @ self._axes.T
        depth = np.where(np.abs(local[:, 2]) < 1e-6, 1e-6, local[:, 2])
        centre = np.array([self.width / 2, self.height / 2])
        return np.asarray(local[:, :2] / depth[:, None] * self._focal + centre)

    def depth(self, point: tuple[float, float, float]) -> float:
        """Distance of a world point along the optical axis, metres."""
        return float((np.array(point) - self.position) @ self._axes[2])

    def ground_pixel(self, x: float, y: float, z: float = 0.0) -> tuple[float, float]:
        """The pixel of one point of the street."""
        u, v = self.project(np.array([[x, y, z]]))[0]
        return float(u), float(v)

    def rays(self) -> Floats:
        """The direction of every pixel's ray in world axes, (H, W, 3), not normalised."""
        u, v = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        local = np.stack(
            [(u - self.width / 2) / self._focal, (v - self.height / 2) / self._focal, np.ones_like(u)], axis=-1
        )
        return np.asarray(local @ self._axes)
