"""The jam veto (domain D2): while the traffic beside a zone cannot move, standing in the zone proves nothing.

A zone is jammed while >= 60 % of >= 3 vehicles outside the no-stopping, no-parking and bay polygons stand (< 3 km/h)
and none has passed at > 5 km/h for 20 s; the pause then begins when the last one stopped or passed. With `lanes`
drawn only those beside the zone count. Or the zone itself is part of the queue: >= 3 vehicles one behind the other
that came and stand together while a neighbouring lane stands too. Vehicles that stand alone in the zone never make
a jam.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.rules import boxes
from edge.rules.kerb import Kerb
from edge.rules.sighting import TWO_WHEELERS
from edge.rules.stance import Area
from edge.rules.vehicle import Vehicle

Array = NDArray[np.float64]

STANDS_MPS, PASSES_MPS = 3 / 3.6, 5 / 3.6
LEAST_VEHICLES, LEAST_STANDING = 3, 0.6
QUIET_S = 20.0
#: Vehicles seen no longer ago than this count [s]; a standing one may be hidden for longer.
SEEN_S, HIDDEN_S = 2.0, 20.0
#: Detection flickers: a condition that fails for no longer than this has not failed [s].
FLICKER_S = 2.0
#: "Came together": the standing vehicles of a line came to rest within this time of each other [s].
TOGETHER_S = 60.0
#: Lanes no farther than the nearest one by this many pixels are beside the zone too.
_TOUCHING_PX = 4.0
#: Who has passed was seen so often, and its last box overlaps its first by no more than this.
_PASSING_SIGHTINGS, _PASSED_IOU = 3, 0.5
#: How often the traffic is looked at [s].
_LOOK_S = 0.5


@dataclass(slots=True)
class _Condition:
    """A condition with the instant since when it holds without a break."""

    since: float | None = None
    last: float = 0.0

    def set(self, t: float, holds: bool) -> None:
        if holds:
            self.since = t if self.since is None else self.since
            self.last = t
        elif self.since is not None and t - self.last > FLICKER_S:
            self.since = None


@dataclass(slots=True)
class _Traffic:
    """What goes on beside one zone."""

    stands: _Condition = field(default_factory=_Condition)
    neighbour: _Condition = field(default_factory=_Condition)
    line: _Condition = field(default_factory=_Condition)
    t_passed: float | None = None
    pauses: list[list[float]] = field(default_factory=list)
    open: bool = False


class Jam:
    """Watches the traffic beside each parking zone and keeps the pauses of its clocks."""

    def __init__(self, kerb: Kerb) -> None:
        self._kerb = kerb
        self._traffic = [_Traffic() for _ in kerb.zones]
        self._beside = [_lanes_beside(place.area, [area for _, area in kerb.lanes]) for place in kerb.zones]
        self._t_look: float | None = None
        self._t_begin: float | None = None

    def look(self, t: float, vehicles: Sequence[Vehicle], in_zone: Sequence[Sequence[Vehicle]]) -> None:
        """Take the traffic of stream second `t`; `in_zone` holds by zone the vehicles that stand in it."""
        if self._t_look is not None and 0 <= t - self._t_look < _LOOK_S - 1e-6:
            return
        self._t_look = t
        self._t_begin = t if self._t_begin is None else self._t_begin
        running = [one for one in vehicles if self._runs(one, t)]
        for number, traffic in enumerate(self._traffic):
            beside = [one for one in running if self._is_beside(one, number)]
            self._judge(t, traffic, beside, in_zone[number])

    def paused(self, number: int, t0: float, t1: float) -> float:
        """Seconds of [t0, t1] in which the clock of zone `number` stood still."""
        traffic = self._traffic[number]
        if traffic.open:
            traffic.pauses[-1][1] = max(traffic.pauses[-1][1], t1)
        return float(sum(max(0.0, min(end, t1) - max(begin, t0)) for begin, end in traffic.pauses))

    def forget_before(self, t: float) -> None:
        """Drop pauses that ended before `t`."""
        for traffic in self._traffic:
            traffic.pauses = [span for span in traffic.pauses if span[1] >= t]

    def _runs(self, vehicle: Vehicle, t: float) -> bool:
        """Whether it is part of the running traffic and lately seen."""
        patience = SEEN_S if vehicle.rest is None else HIDDEN_S
        if t - vehicle.last.t > patience or vehicle.kind in TWO_WHEELERS or vehicle.speed_mps is None:
            return False
        return not self._kerb.off_the_running_lanes(vehicle.place, vehicle.kind)

    def _is_beside(self, vehicle: Vehicle, number: int) -> bool:
        if not self._kerb.lanes:
            return True
        return any(self._kerb.in_lane(vehicle.place, vehicle.kind, lane) for lane in self._beside[number])

    def _judge(self, t: float, traffic: _Traffic, beside: list[Vehicle], inside: Sequence[Vehicle]) -> None:
        standing = sum(1 for one in beside if (one.speed_mps or 0.0) < STANDS_MPS)
        if any(_passes(one, t) for one in beside):
            traffic.t_passed = t
        mostly = bool(beside) and standing >= LEAST_STANDING * len(beside)
        traffic.stands.set(t, mostly and len(beside) >= LEAST_VEHICLES)
        traffic.neighbour.set(t, mostly)
        traffic.line.set(t, stand_in_line(inside))
        since = self._since(t, traffic)
        if since is None:
            traffic.open = False
        elif traffic.open:
            traffic.pauses[-1][1] = t
        else:
            traffic.pauses.append([since, t])
            traffic.open = True

    def _since(self, t: float, traffic: _Traffic) -> float | None:
        """Since when the zone is jammed, or None."""
        assert self._t_begin is not None
        quiet = self._t_begin if traffic.t_passed is None else traffic.t_passed
        if t - quiet < QUIET_S:
            return None
        if traffic.stands.since is not None:
            return max(quiet, traffic.stands.since)
        if traffic.line.since is not None and traffic.neighbour.since is not None:
            return max(quiet, traffic.line.since, traffic.neighbour.since)
        return None


def _passes(vehicle: Vehicle, t: float) -> bool:
    """Whether it drives by: fast enough, and seen at two places, for a box that only flickers seems to be fast too."""
    if (vehicle.speed_mps or 0.0) <= PASSES_MPS or t - vehicle.last.t > SEEN_S:
        return False
    often = len(vehicle.recent) >= _PASSING_SIGHTINGS
    return often and boxes.iou(vehicle.birth, vehicle.last.box) <= _PASSED_IOU


def stand_in_line(vehicles: Sequence[Vehicle]) -> bool:
    """Whether >= 3 vehicles that came and stand together stand one behind the other."""
    came = [one for one in vehicles if one.rest is not None and one.arrived]
    came.sort(key=lambda one: one.rest.t_first if one.rest else 0.0)
    for first in range(len(came) - LEAST_VEHICLES + 1):
        group = [one for one in came[first:] if _rest_t(one) - _rest_t(came[first]) <= TOGETHER_S]
        if len(group) >= LEAST_VEHICLES and _in_line(np.array([one.place for one in group])):
            return True
    return False


def _rest_t(vehicle: Vehicle) -> float:
    return vehicle.rest.t_first if vehicle.rest else 0.0


def _in_line(places: Array) -> bool:
    """Whether boxes (N, 4) lie along one line with gaps of less than about two vehicles."""
    feet = boxes.feet(places)
    offsets = feet - feet.mean(axis=0)
    along, across = np.linalg.svd(offsets, full_matrices=False)[2]
    size = float(np.median(np.sqrt(boxes.areas(places))))
    order = np.argsort(offsets @ along)
    gaps = np.linalg.norm(np.diff(feet[order], axis=0), axis=1)
    return bool(np.abs(offsets @ across).max() < 0.5 * size and gaps.max() < 3.0 * size)


def _lanes_beside(zone: Area, lanes: Sequence[Area]) -> list[int]:
    """The lane nearest to a zone, and others that touch it."""
    if not lanes:
        return []
    distances = [lane.image.distance(zone.image) for lane in lanes]
    nearest = min(distances)
    return [number for number, distance in enumerate(distances) if distance <= nearest + _TOUCHING_PX]
