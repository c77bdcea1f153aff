"""From pixels to metres on the road (domain section C2, issue 3 item 3).

With the site's `ground` points a homography fitted to them, with its residual; without, an estimate from the sizes of
what is seen, and everything said in metres is then marked "estimated".
"""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.site import Camera, ZoneType
from edge.frames import Tracks
from edge.rules.eyesight import Eyesight
from survey.fitting import fit

Array = NDArray[np.float64]


#: Zones that need not lie on the road: masks and areas to ignore are drawn over trees and windows as well.
_NO_ROAD = frozenset({ZoneType.PRIVACY_MASK, ZoneType.IGNORE, ZoneType.COUNT})


class Plane(Protocol):
    """The road as one camera sees it. Pixels are of the camera's frame, metres lie on the road plane."""

    @property
    def calibrated(self) -> bool:
        """Whether the metres come from measured points."""
        ...

    @property
    def residual_m(self) -> float | None:
        """RMS error of the measured points in metres; None when nothing is left over to measure it (four points)."""
        ...

    @property
    def version(self) -> int:
        """Rises when the map has changed; metres from an older version must be computed anew."""
        ...

    def metres(self, points: Array) -> Array:
        """Road points (N, 2) in metres of image points (N, 2) in pixels; finite, far away beyond the horizon."""
        ...

    def pixels(self, points: Array) -> Array:
        """Image points (N, 2) in pixels of road points (N, 2) in metres."""
        ...

    def sigma(self, point: tuple[float, float], sigma_px: float = 1.0) -> float:
        """Metres of error on the road, in the worst direction, for `sigma_px` pixels of error at image `point`."""
        ...

    def observe(self, tracks: Tracks) -> None:
        """Learn from one frame. To be called once a frame by the owner of the plane, not by each rule."""
        ...


def said(plane: Plane) -> Literal["calibrated", "estimated"]:
    """The word for an event's `geometry.ground`."""
    return "calibrated" if plane.calibrated else "estimated"


def plane_of(camera: Camera) -> Plane:
    """The road plane of a camera. Raises ValueError with a sentence when its `ground` points fix none."""
    if camera.ground is None:
        rows = [y for zone in camera.zones if zone.type not in _NO_ROAD for _, y in zone.polygon]
        return EstimatedPlane(camera.frame, min(rows, default=None))
    try:
        return CalibratedPlane(np.array(camera.ground.image), np.array(camera.ground.metres))
    except ValueError as error:
        raise ValueError(f"camera {camera.id}: ground: {error}") from error


class CalibratedPlane:
    """A plane from measured points: image (N, 2) px and metres (N, 2), N >= 4."""

    calibrated = True
    version = 0

    def __init__(self, image: Array, metres: Array) -> None:
        self._to_image = fit(image, metres).to_image
        self._to_road = self._to_image.inverse()
        self.residual_m = self._residual(image, metres)

    def _residual(self, image: Array, metres: Array) -> float | None:
        spare = 2 * len(image) - 8
        if spare <= 0:
            return None
        return float(np.sqrt(np.sum((self._to_road.apply(image) - metres) ** 2) * 2 / spare))

    def metres(self, points: Array) -> Array:
        """See `Plane.metres`."""
        return self._to_road.apply(points)

    def pixels(self, points: Array) -> Array:
        """See `Plane.pixels`."""
        return self._to_image.apply(points)

    def sigma(self, point: tuple[float, float], sigma_px: float = 1.0) -> float:
        """See `Plane.sigma`."""
        return float(sigma_px * np.linalg.norm(self._to_road.jacobian(point), 2))

    def observe(self, tracks: Tracks) -> None:
        """Measured points know better than any box: nothing is learned."""


class EstimatedPlane:
    """A plane guessed from the sizes of what a camera of frame (width, height) px sees."""

    calibrated = False
    residual_m = None

    def __init__(self, frame: tuple[int, int], top: float | None = None) -> None:
        self._eyesight = Eyesight(frame, top)
        self._refresh()

    @property
    def version(self) -> int:
        """See `Plane.version`."""
        return self._eyesight.version

    def _refresh(self) -> None:
        self._to_road = self._eyesight.homography()
        self._to_image = self._to_road.inverse()

    def metres(self, points: Array) -> Array:
        """See `Plane.metres`."""
        return self._to_road.apply(points)

    def pixels(self, points: Array) -> Array:
        """See `Plane.pixels`."""
        return self._to_image.apply(points)

    def sigma(self, point: tuple[float, float], sigma_px: float = 1.0) -> float:
        """See `Plane.sigma`."""
        return float(sigma_px * np.linalg.norm(self._to_road.jacobian(point), 2))

    def observe(self, tracks: Tracks) -> None:
        """See `Plane.observe`."""
        before = self._eyesight.version
        self._eyesight.observe(tracks)
        if self._eyesight.version != before:
            self._refresh()
