"""Whether a camera sees what the law needs, by its calibrated plane: figures beside what is asked (domain G2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from survey.camera import Camera
from survey.homography import Homography

Array = NDArray[np.float64]
Point = tuple[float, float]

#: A plate is to be so many pixels wide, and below the second figure it is read by luck (Milestone, ABUS, domain G2).
PLATE_PX, PLATE_FLOOR_PX = 130.0, 100.0
#: Chinese plates of cars are 440 mm wide (GA 36) and hang about so high [m].
PLATE_M, PLATE_ABOVE_M = 0.44, 0.5
#: Lines of sight to a plate: good up to the first, never beyond the second [degrees below the horizon].
STEEP_DEG, TOO_STEEP_DEG = 45.0, 60.0
#: A pedestrian at the far kerb is to be so high in the picture, and is taken to be so tall.
PEDESTRIAN_PX, PEDESTRIAN_M = 80.0, 1.7
#: So much of the lane before its stop line has to be in the picture.
APPROACH_M = 30.0
#: Places that a zone is looked at in, along each side of its bounds.
_PLACES = 24


@dataclass(frozen=True, slots=True)
class Plates:
    """Plate widths (px) in a zone: at its `worst` place (px of the picture) and at its best.

    `wide_share` of its places show plates wide enough; `steep_deg` is the steepest line of sight.
    """

    least_px: float
    most_px: float
    worst: Point
    wide_share: float
    steep_deg: float


def plates(camera: Camera, to_road: Homography, zone: Sequence[Point], towards: Point | None = None) -> Plates:
    """Plates across a zone (polygon, px), on vehicles that drive towards a point (px), else away from the camera."""
    seen = _places(zone)
    road = to_road.apply(seen)
    eye = _eye(camera)
    ahead = road - eye[:2] if towards is None else to_road.apply(np.array([towards])) - road
    widths = np.array(
        [camera.level_px(_pair(at), _pair(way), PLATE_M, PLATE_ABOVE_M) for at, way in zip(road, ahead, strict=True)]
    )
    steep = np.degrees(np.arctan2(eye[2] - PLATE_ABOVE_M, np.linalg.norm(road - eye[:2], axis=1)))
    worst = int(widths.argmin())
    return Plates(
        float(widths[worst]),
        float(widths.max()),
        _pair(seen[worst]),
        float(np.mean(widths >= PLATE_PX)),
        float(steep.max()),
    )


def pedestrian(camera: Camera, to_road: Homography, crossing: Sequence[Point]) -> float:
    """Height (px) of a pedestrian at the place of the crossing (polygon, px) where it is least: the far kerb."""
    road = to_road.apply(np.array(crossing, dtype=np.float64))
    return min(camera.upright_px(_pair(at), PEDESTRIAN_M) for at in road)


def approach(to_road: Homography, lane: Sequence[Point], stop: tuple[Point, Point], frame: tuple[int, int]) -> float:
    """Metres of a lane (polygon, px) that are in the picture before its stop line (two points, px)."""
    picture = shapely.Polygon(lane).buffer(0).intersection(shapely.box(0, 0, *frame))
    if picture.is_empty:
        return 0.0
    line = to_road.apply(np.array(stop))
    across = (line[1] - line[0]) / np.linalg.norm(line[1] - line[0])
    road = to_road.apply(shapely.get_coordinates(picture)) - line[0]
    past = road @ np.array([-across[1], across[0]])
    # The lane also crosses the line; its longer end is the approach.
    return float(max(past.max(), -past.min(), 0.0))


def _places(zone: Sequence[Point]) -> Array:
    """Points (N, 2) px all over a polygon, its corners among them."""
    shape = shapely.Polygon(zone)
    left, top, right, bottom = shape.bounds
    columns, rows = np.meshgrid(np.linspace(left, right, _PLACES), np.linspace(top, bottom, _PLACES))
    grid = np.column_stack([columns.reshape(-1), rows.reshape(-1)])
    inside = grid[shapely.contains_xy(shape, grid[:, 0], grid[:, 1])]
    return np.vstack([np.array(zone, dtype=np.float64), inside])


def _eye(camera: Camera) -> Array:
    return np.asarray(-np.linalg.solve(camera.matrix[:, :3], camera.matrix[:, 3]), dtype=np.float64)


def _pair(point: Array) -> Point:
    return float(point[0]), float(point[1])
