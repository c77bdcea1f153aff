"""How closely a camera with crosswalks is watched. Pure: what was detected in, IDLE, VIGIL, COMING or FULL out.

A crossing idles on keyframes while nobody is near it. With somebody near it is watched at a low rate, and with somebody
near and a vehicle that could meet them at the rate that the rule needs, beginning at the keyframe before the one that
showed it; at half of that while each such vehicle is still far off or stands. Near is metres on the road where that is
calibrated, else heights of the person.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from contract.site import Lane, Zone
from edge.frames import BUS, CAR, MOTORCYCLE, PERSON, TRUCK, Detections
from edge.plan.choice import Boxes, Watch
from edge.plan.ground import Areas, Point
from edge.plan.stood import Stood
from edge.rules.ground import Plane

#: Somebody within this of the crosswalk may be on it before the next look but one: 2 s at 2.5 m/s [m].
NEAR_M = 5.0
#: ... without calibration, in heights of the person [I].
NEAR_HEIGHTS = 3.0
#: Vehicles farther from the crossing than this cannot meet anybody before the next look [m].
ARRIVES_M = 80.0
#: A vehicle farther off than this is seen well enough at half the rate [m]: it needs 1.8 s to come, at 50 km/h.
CLOSE_M = 25.0
#: ... and so is one that has stood for so long [s]: it moves a quarter of a metre before it is looked at twice.
WAITS_S = 1.0
#: Who has stood beside the crosswalk for so long waits for something else, and a vehicle must first move again [s].
PERSON_STOOD_S, VEHICLE_STOOD_S = 20.0, 10.0
#: Somebody is taken to be near for so long after they were seen there [s]: a detector misses people for seconds.
LINGER_S = 3.0
#: Watched at the full rate for so long after the last reason for it [s]: vehicles are missed for less.
FULL_LINGER_S = 1.0
_MEETING = (CAR, BUS, TRUCK, MOTORCYCLE)


class CrossingPlan:
    """The crosswalks of one camera. Fed detections in px of `frame`, times rising."""

    def __init__(self, zones: Sequence[Zone], plane: Plane, heartbeat_s: float = 10.0) -> None:
        """`zones` are crosswalks; `plane` is the rules' own, and may be estimated."""
        self._plane = plane
        self._walks = [np.array(zone.polygon, dtype=np.float64) for zone in zones]
        self._areas = Areas([zone.polygon for zone in zones])
        self._ways = [_Way(lane, zone) for zone in zones for lane in zone.lanes]
        self._heartbeat_s = heartbeat_s
        self._people, self._vehicles = Stood(), Stood()
        self._t_detected: float | None = None
        self._near_until = self._coming_until = self._full_until = -np.inf
        self.watch = Watch.IDLE

    def surroundings(self, frame: tuple[int, int]) -> list[list[Point]]:
        """What the gate must watch: each crosswalk with the ground from which somebody may step on it, in the frame."""
        border = shapely.box(0, 0, *frame)
        return [list(self._around(walk).intersection(border).convex_hull.exterior.coords)[:-1] for walk in self._walks]

    def first(self, t: float, changed: Sequence[bool]) -> bool:
        """Whether the detector must be asked about the look at `t`; `changed` is the gate's word on `surroundings`."""
        if self._t_detected is None or t - self._t_detected >= self._heartbeat_s - 1e-3:
            return True
        return any(changed) or self.watch is not Watch.IDLE

    def second(self, t: float, seen: Detections, following: bool) -> Watch:
        """How to watch from here on. `following`: the rules follow a vehicle that has passed its stop line."""
        self._t_detected = t
        if self._somebody(t, seen):
            self._near_until = max(self._near_until, t + LINGER_S)
        comes, close = self._could_meet(t, seen)
        near = t <= self._near_until
        if near and comes:
            self._coming_until = max(self._coming_until, t + FULL_LINGER_S)
        if near and close:
            self._full_until = max(self._full_until, t + FULL_LINGER_S)
        if t <= self._full_until or (following and self.watch is not Watch.IDLE):
            self.watch = Watch.FULL
        elif t <= self._coming_until:
            self.watch = Watch.COMING
        else:
            self.watch = Watch.VIGIL if near else Watch.IDLE
        return self.watch

    def _somebody(self, t: float, seen: Detections) -> bool:
        people = seen.boxes[seen.classes == PERSON].astype(np.float64)
        stood = self._people.since(t, people)
        feet = shapely.points(_feet(people))
        heights = people[:, 3] - people[:, 1]
        for walk, shape in zip(self._walks, self._areas.shapes, strict=True):
            if self._plane.calibrated:
                area = shapely.Polygon(self._plane.metres(walk)).buffer(0)
                near = shapely.distance(shapely.points(self._plane.metres(_feet(people))), area) <= NEAR_M
            else:
                near = shapely.distance(feet, shape) <= NEAR_HEIGHTS * heights
            on_it = shapely.distance(feet, shape) <= 0.0
            if bool((near & (on_it | (stood < PERSON_STOOD_S))).any()):
                return True
        return False

    def _could_meet(self, t: float, seen: Detections) -> tuple[bool, bool]:
        """Whether a vehicle is in sight that may come over a crosswalk: near enough, not past it, not merely parked.

        And whether one of those is close to it and does not stand.
        """
        boxes = seen.boxes[np.isin(seen.classes, _MEETING)].astype(np.float64)
        stood = self._vehicles.since(t, boxes)
        if not len(boxes):
            return False, False
        comes = (stood < VEHICLE_STOOD_S) & ~self._past(boxes)
        close = stood < WAITS_S
        if self._plane.calibrated:
            road = shapely.points(self._plane.metres(_feet(boxes)))
            areas = [shapely.Polygon(self._plane.metres(walk)).buffer(0) for walk in self._walks]
            off = np.min([shapely.distance(road, area) for area in areas], axis=0)
            comes &= off <= ARRIVES_M
            close &= off <= CLOSE_M
        return bool(comes.any()), bool((comes & close).any())

    def _past(self, boxes: Boxes) -> NDArray[np.bool_]:
        """Which boxes are in lanes that lead away from the crosswalk where they are, and off the crosswalk."""
        clear: NDArray[np.bool_] = self._areas.shares(boxes).max(axis=1, initial=0.0) <= 0.0
        past = np.zeros(len(boxes), dtype=bool)
        coming = np.zeros(len(boxes), dtype=bool)
        for way in self._ways:
            inside, beyond = way.where(_feet(boxes))
            past |= inside & beyond
            coming |= inside & ~beyond
        leaving: NDArray[np.bool_] = clear & past & ~coming
        return leaving

    def _around(self, walk: Boxes) -> shapely.Geometry:
        if self._plane.calibrated:
            road = shapely.Polygon(self._plane.metres(walk)).buffer(NEAR_M)
            ring = np.array(road.exterior.coords)
            return shapely.Polygon(self._plane.pixels(ring)).buffer(0).convex_hull
        shape = shapely.Polygon(walk).buffer(0)
        return shape.buffer(0.5 * float(np.sqrt(shape.area)))


class _Way:
    """One lane over a crosswalk: whether a foot point is in it, and beyond the crosswalk's middle."""

    def __init__(self, lane: Lane, zone: Zone) -> None:
        self._shape = shapely.Polygon(lane.polygon).buffer(0)
        middle = shapely.Polygon(zone.polygon).buffer(0).intersection(self._shape).centroid
        self._middle = np.array([middle.x, middle.y]) if not middle.is_empty else np.array(lane.towards)
        self._direction = np.array(lane.towards) - self._middle

    def where(self, feet: Boxes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(in the lane, beyond the crosswalk), each (N,), of foot points (N, 2) px."""
        inside: NDArray[np.bool_] = shapely.covers(self._shape, shapely.points(feet))
        beyond: NDArray[np.bool_] = (feet - self._middle) @ self._direction > 0
        return inside, beyond


def _feet(boxes: Boxes) -> Boxes:
    return np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])
