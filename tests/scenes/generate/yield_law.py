"""Domain section C2 applied to the exact truth of a scene: who failed to yield, and where only a person can say.

Written from domain.md alone and on intervals of an axis-parallel street; it shares no code with `edge.rules`. Every
threshold can be moved together, for the accused (`lean` -1) or against (`lean` +1): a scene on which the two disagree
is too near a threshold for any judge and is made anew. How far the thresholds move stands in `yield_walk.MARGINS`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.scenes.generate.actors import Actor
from tests.scenes.generate.road import Road
from tests.scenes.generate.yield_walk import (
    BRAKING_MS2,
    CLEARED_S,
    REACTION_S,
    SHORTEST_S,
    STAND_MS,
    STAND_S,
    Case,
    Walk,
)

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Passed:
    """A vehicle over the crosswalk: its lane, the instants of C2, and for each pedestrian who accuses it t1."""

    vehicle: Actor
    lane: str
    t2: float
    t3: float | None
    accusers: dict[str, float]

    @property
    def guilty(self) -> bool:
        """Whether anyone accuses."""
        return bool(self.accusers)


def passages(case: Case, lean: int) -> list[Passed]:
    """Every vehicle that passes a stop line and drives over the crosswalk in its lane's direction."""
    found = []
    for vehicle in case.actors:
        if vehicle.role == "vehicle" and vehicle.lane and vehicle.name in case.seen:
            passed = _passed(case, vehicle, vehicle.lane, lean)
            if passed is not None:
                found.append(passed)
    return found


def front(vehicle: Actor, road: Road, lane: str) -> tuple[Array, Array]:
    """(metres past the stop line (N,), along the lane's direction; the same speed (N,))."""
    way = road.way(lane)
    heading = np.cos(vehicle.way.heading)  # 1: towards +y
    front = vehicle.way.xy[:, 1] + np.sign(np.where(np.abs(heading) < 0.2, way, heading)) * vehicle.length / 2
    past = way * (front - road.stop(lane))
    return past, np.gradient(past, vehicle.way.t)


def _passed(case: Case, vehicle: Actor, lane: str, lean: int) -> Passed | None:
    road, t = case.road, vehicle.way.t
    past, speed = front(vehicle, road, lane)
    first, last = case.seen[vehicle.name]
    over = np.flatnonzero((past[1:] > 0) & (past[:-1] <= 0) & (speed[1:] > 0)) + 1
    if len(over) == 0 or t[over[-1]] < first or last - first < SHORTEST_S:
        return None
    at2 = int(over[-1])
    to_far = road.depth + road.stop_m + vehicle.length
    out = np.flatnonzero(past[at2:] >= to_far)
    if not len(out) and past[-1] < road.stop_m + 1.0:
        return None
    at3 = at2 + int(out[0]) if len(out) else None
    accusers = {}
    for person in case.actors:
        if person.role == "pedestrian" and person.name in case.seen:
            t1 = _accuses(case, person, vehicle, lane, (at2, at3, past, speed), lean)
            if t1 is not None:
                accusers[person.name] = t1
    return Passed(vehicle, lane, float(t[at2]), None if at3 is None else float(t[at3]), accusers)


def _accuses(
    case: Case, person: Actor, vehicle: Actor, lane: str, drive: tuple[int, int | None, Array, Array], lean: int
) -> float | None:
    """t1 when every element of C2 holds for this pedestrian, else None."""
    at2, at3, past, speed = drive
    margins, t = case.margins, vehicle.way.t
    t2 = float(t[at2])
    t3 = float(t[at3 if at3 is not None else -1])
    walk = Walk.of(case, person, lane, lean)
    begun = _crossing_at(walk, t2, _doubt_s(case, lane, speed[at2], lean), lean)
    if begun is None or walk.t[-1] - walk.t[0] < SHORTEST_S:
        return None
    t1 = max(begun, case.seen[vehicle.name][0] + lean * -margins.time_s)
    if t1 > t2:
        return None
    v = max(float(np.interp(t1, t, speed)), 0.0)
    needs = v * REACTION_S + v * v / (2 * BRAKING_MS2) if v >= STAND_MS + lean * -margins.stand_ms else 0.0
    distance = -float(np.interp(t1, t, past))
    # Point 4 says that to stand and move off is a violation; whether that heals a first moment that was too late for
    # stopping C2 leaves open, so against the accused it does, and such scenes are never clear.
    stood = lean > 0 and bool(((speed < STAND_MS) & (past < 0) & (t >= t1) & (t <= t2)).any())
    if distance < needs - lean * (margins.distance_m + margins.distance_share * needs) and not stood:
        return None
    if distance <= 0:
        return None
    if not walk.still_matters(t3, CLEARED_S + lean * margins.time_s):
        return None
    front_m = case.margins.place_m + (case.margins.receding_m if case.road.way(lane) > 0 else 0.0)
    if _gave_way(case, walk, past + lean * front_m, speed, t, lean):
        return None
    return t1


def _doubt_s(case: Case, lane: str, speed: float, lean: int) -> float:
    """How long the front takes for the metres that nobody can measure; 0 for the plain truth."""
    metres = case.margins.place_m + (case.margins.receding_m if case.road.way(lane) > 0 else 0.0)
    return min(metres / max(speed, 0.5), 1.2) if lean else 0.0


def _crossing_at(walk: Walk, t2: float, doubt: float, lean: int) -> float | None:
    """Since when it has been crossing at t2: for the accused it must at every instant that may be t2, against at any."""
    found = [walk.crossing_since(t2 + off) for off in (0.0, -doubt, doubt)]
    if lean < 0 and None in found:
        return None
    return next((begun for begun in found if begun is not None), None)


def _gave_way(case: Case, walk: Walk, past: Array, speed: Array, t: Array, lean: int) -> bool:
    """C2 point 4: it stood with its front before C and entered only when the pedestrian was past or turned back."""
    entered = np.flatnonzero(past >= case.road.stop_m)
    if not len(entered):
        return True
    at = int(entered[0])
    slow = (speed[:at] < STAND_MS - lean * case.margins.stand_ms) & (past[:at] > -25.0)
    longest, run = 0, 0
    for flag in slow.tolist():
        run = run + 1 if flag else 0
        longest = max(longest, run)
    step = float(np.median(np.diff(t)))
    if longest * step < STAND_S + lean * case.margins.time_s:
        return False
    return walk.out_of_the_way(float(t[at]))


def blocked(case: Case, passed: Passed) -> bool:
    """Whether for every accuser a bus or truck stands between the driver and the pedestrian at t1."""
    return bool(passed.accusers) and all(
        _between(case, passed.vehicle, name, t1) for name, t1 in passed.accusers.items()
    )


def _between(case: Case, vehicle: Actor, name: str, t1: float) -> bool:
    person = next(actor for actor in case.actors if actor.name == name)
    a = vehicle.way.places(np.array([t1]))[0]
    b = person.way.places(np.array([t1]))[0]
    for other in case.actors:
        if other is vehicle or other.kind not in {"bus", "truck"}:
            continue
        middle = other.way.places(np.array([t1]))[0]
        if np.isnan(middle).any() or np.isnan(a).any():
            continue
        half = np.array([other.dimensions[1] / 2, other.dimensions[0] / 2])
        steps = a + (b - a) * np.linspace(0, 1, 60)[:, None]
        if (np.abs(steps - middle) < half).all(axis=1).any():
            return True
    return False
