"""Whether the rules can work with a site file: what only shows when its polygons are laid on the road.

`contract.sitefile` checks each key and each shape; this checks them together, before a camera is opened.
"""

from collections.abc import Iterator

import numpy as np
import shapely

from contract.errors import SiteError
from contract.site import JUDGED_ZONES, Camera, Ground, Lane, ZoneType
from contract.sitefile import line_of
from edge.judgement import Place
from edge.rules.crosswalk import Approach, Crosswalk
from edge.rules.ground import Plane, plane_of
from edge.rules.yielding import YieldRule
from survey.suspicion import suspect

#: Enforcement wants so many ground points (or four and two check lengths), and so small an error [m] (domain C2).
GROUND_POINTS, GROUND_ERROR_M = 6, 0.3
#: A lane that covers less than this share of its way over the crossing was not drawn over it.
WAY_OVER = 0.8
#: A carriageway over less than this share of its crossing, and crossings that share more than that of the smaller one.
WALKED, TWICE = 0.3, 0.3
_FAR = 200.0
_Key = tuple[str | int, ...]


def require_fit(place: Place) -> None:
    """Lay the ground and the crosswalks of a camera. Raises SiteError with file and line when they cannot be."""
    for key, why in _misfits(place.profile.completed(place.camera)):
        raise SiteError(_told(place, key, why))


def doubts(place: Place) -> list[str]:
    """What can be worked with and is probably not meant: a sentence each, with file and line. The place fits."""
    camera = place.profile.completed(place.camera)
    plane = plane_of(camera)
    found = [*_ground_doubts(camera, plane), *_zone_doubts(camera)]
    for number, zone in enumerate(camera.zones):
        if zone.type is ZoneType.CROSSWALK:
            crosswalk = YieldRule(camera, zone, plane).crosswalk
            for row, (lane, approach) in enumerate(zip(zone.lanes, crosswalk.approaches, strict=True)):
                key = ("zones", number, "lanes", row)
                said = f"camera {camera.id}: zone {zone.id}: lane {lane.id}"
                found += [
                    ((*key, *where), f"{said} {why}") for where, why in _lane_doubts(lane, approach, crosswalk, plane)
                ]
    return [_told(place, key, why) for key, why in found]


def _told(place: Place, key: _Key, why: str) -> str:
    cameras, path = place.site_file.site.cameras, place.site_file.path
    index = next(number for number, camera in enumerate(cameras) if camera.id == place.camera.id)
    return f"{path}:{line_of(path, ('cameras', index, *key))}  {why}"


def _ground_doubts(camera: Camera, plane: Plane) -> Iterator[tuple[_Key, str]]:
    if camera.ground is None:
        return
    count, residual = len(camera.ground.image), plane.residual_m
    if residual is None:
        why = f"{count} points alone leave no residual error, so nobody can tell how good they are"
        yield ("ground",), f"camera {camera.id}: ground: {why} - give {GROUND_POINTS} or more"
    elif residual > GROUND_ERROR_M:
        why = f"the points are {residual:.2f} m off each other, over {GROUND_ERROR_M} m"
        yield ("ground",), f"camera {camera.id}: ground: {why} - {_which(camera.ground)}"
    elif count < GROUND_POINTS:
        yield ("ground",), f"camera {camera.id}: ground: {count} points; enforcement wants {GROUND_POINTS} - give more"


def _which(ground: Ground) -> str:
    """Which of the measured points to look at; numbers are from 1, as people count."""
    said = suspect(np.array(ground.image), np.array(ground.metres))
    if said.swapped is not None:
        first, second = (number + 1 for number in said.swapped)
        return f"points {first} and {second} stand in each other's place"
    if said.point is None:
        return "measure them again"
    others = "".join(f" or {number + 1}" for number in said.or_else)
    return f"point {said.point + 1}{others} contradicts the others: click and measure it again"


def _zone_doubts(camera: Camera) -> Iterator[tuple[_Key, str]]:
    """Zones that nobody can be seen in, crossings that nobody can step on, and crossings drawn twice."""
    picture = shapely.box(0, 0, *camera.frame)
    crossings: list[tuple[str, shapely.Polygon]] = []
    for number, zone in enumerate(camera.zones):
        key, said = ("zones", number), f"camera {camera.id}: zone {zone.id}"
        area = shapely.Polygon(zone.polygon).buffer(0)
        if zone.type in JUDGED_ZONES and not area.intersects(picture):
            yield (*key, "polygon"), f"{said} lies outside the picture - draw it in pixels of `frame`"
        if zone.type is not ZoneType.CROSSWALK:
            continue
        road = shapely.Polygon(zone.carriageway).buffer(0) if zone.carriageway else area
        if road.intersection(area).area < WALKED * area.area:
            why = "has a carriageway that hardly covers it, so nobody ever crosses"
            yield (*key, "carriageway"), f"{said} {why} - draw it from kerb to kerb, over the crossing"
        for other, theirs in crossings:
            if area.intersection(theirs).area > TWICE * min(area.area, theirs.area):
                why = f"covers the crossing of zone {other}, and one passage would be told twice"
                yield (*key, "polygon"), f"{said} {why} - draw one zone a crossing"
        crossings.append((zone.id, area))


def _lane_doubts(lane: Lane, approach: Approach, crosswalk: Crosswalk, plane: Plane) -> Iterator[tuple[_Key, str]]:
    middle = shapely.get_coordinates(approach.cell.centroid)
    if lane.stop_line is not None and float(approach.stop.past(middle)[0]) <= 0:
        why = "has its stop line beyond the middle of the crossing, as its traffic drives towards `towards`"
        yield ("stop_line",), f"{why} - draw the line before the crossing, or mend `towards`"
    share = _way_over(lane, approach, crosswalk, plane)
    if share < WAY_OVER:
        why = f"is drawn over {share:.0%} of its vehicles' way over the crossing; the rest is taken straight on"
        yield ("polygon",), f"{why} - draw it from before the crossing to beyond it"


def _way_over(lane: Lane, approach: Approach, crosswalk: Crosswalk, plane: Plane) -> float:
    """Share of the crossing's breadth, along the lane's direction and within its width, that the lane covers."""
    shape = shapely.Polygon(plane.metres(np.array(lane.polygon, dtype=np.float64))).buffer(0)
    along, across = approach.direction, approach.across
    middle = float(shapely.get_coordinates(shape.centroid)[0] @ along)
    sides = shapely.get_coordinates(shape) @ across
    corners = [(-_FAR, sides.min()), (-_FAR, sides.max()), (_FAR, sides.max()), (_FAR, sides.min())]
    strip = shapely.Polygon([tuple(along * (middle + s) + across * n) for s, n in corners])
    whole, drawn = crosswalk.area.intersection(strip), crosswalk.area.intersection(shape)
    if drawn.is_empty or whole.is_empty:
        return 0.0
    reach = [np.ptp(shapely.get_coordinates(one) @ along) for one in (drawn, whole)]
    return float(reach[0] / max(reach[1], 1e-9))


def _misfits(camera: Camera) -> Iterator[tuple[_Key, str]]:
    """(key below the camera, sentence) of what does not fit."""
    try:
        plane = plane_of(camera)
    except ValueError as error:
        yield ("ground",), str(error)
        return
    for number, zone in enumerate(camera.zones):
        if zone.type is ZoneType.CROSSWALK:
            try:
                YieldRule(camera, zone, plane)
            except ValueError as error:
                yield ("zones", number), f"camera {camera.id}: {error}"


__all__ = ["doubts", "require_fit"]
