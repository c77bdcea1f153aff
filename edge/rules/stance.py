"""How much of a vehicle's ground footprint lies in a zone (domain D2: >= 60 % of it, not the middle of the box).

With a calibrated road the footprint is a rectangle in metres. The left, right and lower edge of the box are three
lines on the road, and the rectangle of the class's proportions, turned as the vehicle stands, that touches all three
is one solution of three linear equations in its middle (x, y) and its scale. Edges that are cut off by the border of
the picture are left out, and a soft wish for the class's usual size takes their place.

Without calibration it is the lower half of the box: for roadside heights and tilts the tyres' rectangle covers 35 % to
65 % of a box's height.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from edge.rules.ground import Plane
from edge.rules.sizes import size_of

Array = NDArray[np.float64]

#: Share of the box's height that is taken as footprint without calibration.
LOWER_SHARE = 0.5
#: A rectangle smaller or larger than its class by more than this is a bad box; the scale is held there.
LEAST_SCALE, MOST_SCALE = 0.7, 1.5
#: Errors that one metre of misfit of a line and one unit of scale stand for: 0.2 m against 20 %.
_LINE_WEIGHT, _SCALE_WEIGHT = 1 / 0.2, 1 / 0.2
#: Farther than this the road is not measured any more [m].
FARTHEST_M = 300.0


@dataclass(frozen=True, slots=True)
class Area:
    """A polygon of the site file, in pixels and (where the road is calibrated) in metres."""

    image: Polygon
    road: Polygon | None

    @classmethod
    def of(cls, points: list[tuple[float, float]], plane: Plane) -> "Area":
        """The polygon of pixel `points`; straight lines stay straight on the road, so its corners are enough."""
        image = sound(Polygon(points))
        if not plane.calibrated:
            return cls(image, None)
        metres = plane.metres(np.array(points, dtype=np.float64))
        if not np.isfinite(metres).all() or np.abs(metres - metres.mean(axis=0)).max() > FARTHEST_M:
            return cls(image, None)
        return cls(image, sound(Polygon(metres)))

    def long_axis(self) -> float | None:
        """Heading [rad, modulo pi] of the long side on the road; None for what is about square or not on the road."""
        if self.road is None or self.road.is_empty:
            return None
        frame = self.road.minimum_rotated_rectangle
        if not isinstance(frame, Polygon):
            return None
        corners = np.array(frame.exterior.coords)
        sides = np.diff(corners[:3], axis=0)
        lengths = np.hypot(sides[:, 0], sides[:, 1])
        if lengths.max() < 1.2 * lengths.min():
            return None
        along = sides[int(lengths.argmax())]
        return math.atan2(along[1], along[0])


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where a vehicle meets the road: a polygon in pixels, and one in metres where the road is calibrated."""

    image: Polygon
    road: Polygon | None

    def share_in(self, area: Area) -> float:
        """Share 0..1 of the footprint that lies in `area`."""
        if self.road is not None and area.road is not None:
            return _share(self.road, area.road)
        return _share(self.image, area.image)

    def middle_in(self, area: Area) -> bool:
        """Whether its middle lies in `area`: the lower edge of a long vehicle's box is far from where it stands."""
        if self.road is not None and area.road is not None:
            return bool(area.road.covers(self.road.centroid))
        return bool(area.image.covers(self.image.centroid))


def footprint_of(box: Array, kind: int, heading: float | None, plane: Plane, frame: tuple[int, int]) -> Footprint:
    """The footprint of a box (4,) px of class `kind` that stands along `heading` [rad on the road], if known."""
    x1, y1, x2, y2 = (float(value) for value in box)
    top = y2 - LOWER_SHARE * (y2 - y1)
    image = Polygon([(x1, top), (x2, top), (x2, y2), (x1, y2)])
    if not plane.calibrated:
        return Footprint(image, None)
    corners = _rectangle(box, kind, _ahead(box, plane) if heading is None else heading, plane, frame)
    return Footprint(image, None if corners is None else Polygon(corners))


def sound(polygon: Polygon) -> Polygon:
    """The polygon, mended where mapping has made it touch itself."""
    return polygon if polygon.is_valid else polygon.buffer(0)


def _share(footprint: Polygon, area: Polygon) -> float:
    if footprint.area <= 0 or not footprint.intersects(area):
        return 0.0
    return float(footprint.intersection(area).area / footprint.area)


def _ahead(box: Array, plane: Plane) -> float:
    """The heading of one who drives straight up the picture at this place."""
    x, y = (box[0] + box[2]) / 2, box[3]
    ends = plane.metres(np.array([[x, y], [x, y - 0.2 * (box[3] - box[1])]]))
    return math.atan2(*(ends[1] - ends[0])[::-1])


def _rectangle(box: Array, kind: int, heading: float, plane: Plane, frame: tuple[int, int]) -> Array | None:
    """Corners (4, 2) in metres, or None where the box is not on the measured road."""
    lines = _lines(box, plane)
    if lines is None:
        return None
    normals, offsets = lines
    size = size_of(kind)
    along = np.array([math.cos(heading), math.sin(heading)])
    across = np.array([-along[1], along[0]])
    reach = size.length / 2 * np.abs(normals @ along) + size.width / 2 * np.abs(normals @ across)
    weights = _LINE_WEIGHT * np.array([box[0] > 2, box[2] < frame[0] - 3, True], dtype=np.float64)
    system = np.vstack([np.column_stack([normals, -reach]) * weights[:, None], [0.0, 0.0, _SCALE_WEIGHT]])
    wanted = np.concatenate([offsets * weights, [_SCALE_WEIGHT]])
    x, y, scale = np.linalg.lstsq(system, wanted, rcond=None)[0]
    held = min(max(scale, LEAST_SCALE), MOST_SCALE)
    if held != scale:
        x, y = np.linalg.lstsq(system[:3, :2], wanted[:3] + reach * weights * held, rcond=None)[0]
    middle = np.array([x, y])
    if not np.isfinite(middle).all():
        return None
    ends = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
    half = along * size.length / 2 * held, across * size.width / 2 * held
    return np.array([middle + a * half[0] + b * half[1] for a, b in ends])


def _lines(box: Array, plane: Plane) -> tuple[Array, Array] | None:
    """The left, right and lower edge on the road: unit normals (3, 2) into the box, offsets (3,) in metres."""
    x1, y1, x2, y2 = box
    rise = 0.1 * (y2 - y1)
    ends = plane.metres(np.array([[x1, y2], [x1, y2 - rise], [x2, y2], [x2, y2 - rise]]))
    if not np.isfinite(ends).all() or np.abs(ends - ends[0]).max() > FARTHEST_M:
        return None
    pairs = [(ends[0], ends[1], ends[2]), (ends[2], ends[3], ends[0]), (ends[0], ends[2], ends[1])]
    normals, offsets = np.zeros((3, 2)), np.zeros(3)
    for row, (start, end, inside) in enumerate(pairs):
        normal = np.array([start[1] - end[1], end[0] - start[0]])
        length = float(np.hypot(*normal))
        if length < 1e-9:
            return None
        normal = normal / length * (1.0 if normal @ (inside - start) >= 0 else -1.0)
        normals[row], offsets[row] = normal, normal @ start
    return normals, offsets
