"""The geometry of one crossing on the road plane (domain section C2): crosswalk, lanes, conflict cells, danger zones.

Everything is in metres. A lane's conflict cell K is the crosswalk inside the lane; its danger zone D is K widened as
the policy says, inside crosswalk and carriageway.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import unary_union

from contract.site import Lane, Zone
from edge.rules.ground import Plane

Array = NDArray[np.float64]
Area = Any

#: A stop line that is not painted is taken to lie this far before the crosswalk (C2: 1-3 m).
VIRTUAL_STOP_M = 2.0
#: Half width of an island whose refuge is not drawn.
ISLAND_M = 1.0
_SHARES = {"same_lane": 0.0, "half_lane": 0.5, "adjacent": 1.0}
_FAR = 200.0


@dataclass(frozen=True, slots=True)
class StopLine:
    """A line through `point`; `normal` (2,) is scaled so that the product is metres along the lane's direction."""

    point: Array
    normal: Array

    def past(self, points: Array) -> Array:
        """Metres (N,) by which points (N, 2) have passed the line; negative before it."""
        signed: Array = (points - self.point) @ self.normal
        return signed


@dataclass(frozen=True, slots=True)
class Approach:
    """One lane over the crosswalk: direction (2,) of its traffic, stop line, conflict cell K, danger zone D."""

    lane_id: str
    direction: Array
    stop: StopLine
    cell: Area
    danger: Area

    @property
    def across(self) -> Array:
        """Unit vector (2,) across the lane, to the right of its traffic (or left: the sign has no meaning)."""
        return np.array([self.direction[1], -self.direction[0]])

    def span(self) -> tuple[float, float]:
        """Least and greatest coordinate of K across the lane, metres."""
        return _span(self.cell, self.across)

    def aside(self, points: Array) -> Array:
        """Metres (N,) by which points (N, 2) lie beside K, 0 within its breadth."""
        low, high = self.span()
        place = points @ self.across
        beside: Array = np.maximum(np.maximum(low - place, place - high), 0.0)
        return beside


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """A crossing: the crosswalk C, the carriageway between the kerbs, refuge and centre line where there are such."""

    zone_id: str
    area: Area
    carriageway: Area
    refuge: Area | None
    centre_line: Area | None
    painted: bool
    approaches: tuple[Approach, ...]

    @property
    def middle(self) -> tuple[float, float]:
        """Middle of C, metres."""
        return float(self.area.centroid.x), float(self.area.centroid.y)


def crosswalk_of(zone: Zone, plane: Plane) -> Crosswalk:
    """The geometry of a crosswalk zone. Raises ValueError with a sentence when a lane does not meet the crosswalk."""
    area = _area(plane, zone.polygon)
    lanes = [_lane(lane, area, plane, zone.id) for lane in zone.lanes]
    cells = [cell for _, _, cell in lanes]
    if zone.carriageway:
        carriageway = _area(plane, zone.carriageway)
    else:
        carriageway = unary_union([_area(plane, lane.polygon) for lane in zone.lanes] + cells).buffer(0.4).buffer(-0.4)
    directions = [direction for direction, _, _ in lanes]
    centre = _centre(zone, plane, directions, cells)
    refuge = _refuge(zone, plane, centre, area)
    approaches = []
    for lane, (direction, stop, cell) in zip(zone.lanes, lanes, strict=True):
        half = _half(direction, directions, cells, centre) if centre is not None else None
        low, high = _span(cell, np.array([direction[1], -direction[0]]))
        danger = _danger(zone, cell, high - low, area.intersection(carriageway), half)
        approaches.append(Approach(lane.id, direction, stop, cell, danger))
    return Crosswalk(zone.id, area, carriageway, refuge, centre, zone.centre == "paint", tuple(approaches))


def _area(plane: Plane, polygon: list[tuple[float, float]]) -> Area:
    return shapely.Polygon(plane.metres(np.array(polygon, dtype=np.float64))).buffer(0)


def _span(shape: Area, axis: Array) -> tuple[float, float]:
    places = shapely.get_coordinates(shape) @ axis
    return float(places.min()), float(places.max())


def _lane(lane: Lane, area: Area, plane: Plane, zone_id: str) -> tuple[Array, StopLine, Area]:
    shape = _area(plane, lane.polygon)
    cell = area.intersection(shape)
    towards = plane.metres(np.array([lane.towards]))[0]
    line = plane.metres(np.array(lane.stop_line)) if lane.stop_line else None
    origin = line.mean(axis=0) if line is not None else shapely.get_coordinates((cell or shape).centroid)[0]
    direction = _direction(shape, towards - origin)
    if cell.area < 0.02 * area.area:
        cell = area.intersection(_strip(shape, direction))
    if cell.area < 0.01:
        raise ValueError(f"zone {zone_id}: lane {lane.id} does not meet the crosswalk - draw it across the polygon")
    return direction, _stop(line, direction, cell), cell


def _direction(shape: Area, rough: Array) -> Array:
    """Along the lane's own edges where they go roughly its way, else straight to `towards`."""
    rough = rough / max(float(np.hypot(*rough)), 1e-9)
    edges = np.diff(shapely.get_coordinates(shape.exterior), axis=0)
    length = np.hypot(edges[:, 0], edges[:, 1])
    along = edges @ rough
    mine = np.abs(along) > 0.85 * length
    total = (edges[mine] * np.sign(along[mine])[:, None]).sum(axis=0) if mine.any() else np.zeros(2)
    size = float(np.hypot(*total))
    return total / size if size > 3.0 else rough


def _strip(shape: Area, direction: Array) -> Area:
    """The lane's breadth carried far ahead and back."""
    across = np.array([direction[1], -direction[0]])
    low, high = _span(shape, across)
    middle = shapely.get_coordinates(shape.centroid)[0] @ direction
    ends = [(middle - _FAR, low), (middle - _FAR, high), (middle + _FAR, high), (middle + _FAR, low)]
    return shapely.Polygon([tuple(direction * s + across * n) for s, n in ends])


def _stop(line: Array | None, direction: Array, cell: Area) -> StopLine:
    if line is not None:
        edge = line[1] - line[0]
        normal = np.array([edge[1], -edge[0]]) / max(float(np.hypot(*edge)), 1e-9)
        cosine = float(normal @ direction)
        if abs(cosine) > 0.3:
            return StopLine(line.mean(axis=0), normal / cosine)
        return StopLine(line.mean(axis=0), direction)
    first = _span(cell, direction)[0] - VIRTUAL_STOP_M
    return StopLine(direction * first, direction)


def _centre(zone: Zone, plane: Plane, directions: list[Array], cells: list[Area]) -> Area | None:
    """The line between opposing traffic: drawn, or the shared edge of opposing lanes; None on a one-way road."""
    axis = directions[0]
    if zone.centre_line:
        first, last = plane.metres(np.array(zone.centre_line, dtype=np.float64))
        along = (last - first) / max(float(np.hypot(*(last - first))), 1e-9)
        return shapely.LineString([first - along * _FAR, last + along * _FAR])
    across = np.array([axis[1], -axis[0]])
    spans = [
        (float(axis @ direction) > 0, _span(cell, across)) for direction, cell in zip(directions, cells, strict=True)
    ]
    ours = [span for same, span in spans if same]
    theirs = [span for same, span in spans if not same]
    if not theirs:
        return None
    left, right = sorted([ours, theirs], key=lambda group: float(np.mean(group)))
    shared = (max(high for _, high in left) + min(low for low, _ in right)) / 2
    middle = float(shapely.get_coordinates(unary_union(cells).centroid)[0] @ axis)
    return shapely.LineString([across * shared + axis * (middle + end) for end in (-_FAR, _FAR)])


def _half(direction: Array, directions: list[Array], cells: list[Area], centre: Area) -> Area:
    """The side of the centre line on which this direction's lanes lie."""
    first, last = shapely.get_coordinates(centre)
    along = (last - first) / float(np.hypot(*(last - first)))
    aside = np.array([along[1], -along[0]])
    mine = [cell for other, cell in zip(directions, cells, strict=True) if float(other @ direction) > 0]
    middle = shapely.get_coordinates(unary_union(mine).centroid)[0]
    aside = aside * (np.sign((middle - first) @ aside) or 1.0)
    return shapely.Polygon([first, last, last + aside * _FAR, first + aside * _FAR])


def _refuge(zone: Zone, plane: Plane, centre: Area | None, area: Area) -> Area | None:
    if zone.refuge:
        return _area(plane, zone.refuge)
    if zone.centre == "island" and centre is not None:
        return centre.buffer(ISLAND_M, cap_style="flat").intersection(area)
    return None


def _danger(zone: Zone, cell: Area, breadth: float, within: Area, half: Area | None) -> Area:
    """D of one lane. Over a barrier or an island nobody walks into the lane: D ends there under every policy."""
    if zone.policy == "half_road":
        danger = within if half is None else within.intersection(half)
    else:
        share = _SHARES[zone.policy]
        danger = cell.buffer(share * breadth, join_style="mitre").intersection(within)
        if half is not None and zone.centre != "paint":
            danger = danger.intersection(half)
    return danger.union(cell.intersection(within))
