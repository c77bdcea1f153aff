"""How much of a vehicle's ground footprint lies in a zone (domain D2: >= 60 % of it, not the middle of the box).

With a calibrated road the footprint is a rectangle in metres. The left, right and lower edge of the box are three
lines on the road, and the rectangle of the class's proportions, turned as the vehicle stands, that touches all three
is one solution of three linear equations in its middle (x, y) and its scale. Edges that are cut off by the border of
the picture are left out, and a soft wish for the class's usual size takes their place.

Without calibration it is a parallelogram in the picture: one pair of sides level, the other along the zone's or lane's
own direction there. Width and height of the box are those of a block of the class's proportions, s (width + k |dx|
length) and s (height + k |dy| length), with the foreshortening k of its length; two equations for s and k. Where no
direction is known, or it runs across the picture, it is the lower half of the box: for roadside heights and tilts the
tyres' rectangle covers 35 % to 65 % of a box's height.
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
#: For roadside heights and tilts the tyres' rectangle covers these shares of a box's height, least and most.
LEAST_LOW, MOST_LOW = 0.35, 0.65
#: A direction that leads farther across the picture than up tells nothing.
STEEPEST = 1.0
#: Edges of a polygon within this angle of its long axis are its long sides [rad].
ALONG = 0.6
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

    def way_at(self, foot: Array) -> Array | None:
        """Unit direction (2,) px, up the picture, of the long sides at `foot`; None for what is about square."""
        frame = self.image.minimum_rotated_rectangle
        if self.image.is_empty or not isinstance(frame, Polygon) or not isinstance(self.image, Polygon):
            return None
        sides = np.diff(np.array(frame.exterior.coords)[:3], axis=0)
        lengths = np.hypot(sides[:, 0], sides[:, 1])
        if lengths.max() < 1.2 * lengths.min():
            return None
        axis = sides[int(lengths.argmax())] / lengths.max()
        corners = np.array(self.image.exterior.coords)
        edges = np.diff(corners, axis=0)
        edges *= np.where(edges @ axis < 0, -1.0, 1.0)[:, None]
        long = np.hypot(edges[:, 0], edges[:, 1])
        beside = np.abs(edges[:, 0] * (foot[1] - corners[:-1, 1]) - edges[:, 1] * (foot[0] - corners[:-1, 0]))
        # Perspective: the sides converge, and who stands nearer to one of them stands more along it.
        weights = np.where(edges @ axis >= math.cos(ALONG) * long, long / (beside / np.maximum(long, 1e-9) + 1.0), 0.0)
        way: Array = (edges / np.maximum(long, 1e-9)[:, None] * weights[:, None]).sum(axis=0)
        way /= max(float(np.hypot(*way)), 1e-9)
        return way if way[1] < 0 else -way


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


def footprint_of(
    box: Array, kind: int, heading: float | None, plane: Plane, frame: tuple[int, int], way: Array | None = None
) -> Footprint:
    """The footprint of a box (4,) px of class `kind` that stands along `heading` [rad on the road], if known.

    `way` is the same in the picture, a unit direction (2,), for a road that is not calibrated.
    """
    if not plane.calibrated:
        return Footprint(_parallelogram(box, kind, way), None)
    image = _lower_half(box)
    corners = _rectangle(box, kind, _ahead(box, plane) if heading is None else heading, plane, frame)
    return Footprint(image, None if corners is None else Polygon(corners))


def _lower_half(box: Array) -> Polygon:
    x1, y1, x2, y2 = (float(value) for value in box)
    top = y2 - LOWER_SHARE * (y2 - y1)
    return Polygon([(x1, top), (x2, top), (x2, y2), (x1, y2)])


def _parallelogram(box: Array, kind: int, way: Array | None) -> Polygon:
    """What a block of the class's proportions, lying along `way` in the picture, covers of the road."""
    if way is None or abs(way[0]) > STEEPEST * abs(way[1]):
        return _lower_half(box)
    x1, y1, x2, y2 = (float(value) for value in box)
    size, across, up = size_of(kind), abs(float(way[0])), abs(float(way[1]))
    span = size.width * up * size.length - size.height * across * size.length
    deep = LOWER_SHARE * (y2 - y1)
    if span > 0:
        # Cramer's rule for k s of the two equations above.
        deep = up * size.length * (size.width * (y2 - y1) - size.height * (x2 - x1)) / span
    deep = min(max(deep, LEAST_LOW * (y2 - y1)), MOST_LOW * (y2 - y1))
    slant = min(deep * across / up, 0.75 * (x2 - x1))
    top = y2 - deep
    if way[0] > 0:
        return Polygon([(x1, y2), (x2 - slant, y2), (x2, top), (x1 + slant, top)])
    return Polygon([(x2, y2), (x1 + slant, y2), (x1, top), (x2 - slant, top)])


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
