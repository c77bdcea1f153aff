"""When somebody on foot is *crossing* for a lane, on the exact truth: the first half of domain section C2.

See `yield_law` for what `lean` and the margins are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.scenes.generate.actors import Actor
from tests.scenes.generate.road import Road

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Margins:
    """How far each threshold of C2 is moved; metres, seconds, metres a second, share of the stopping distance.

    Places: domain C2 asks for a homography good to 0.3 m near C, a box's foot is good to about as much.
    """

    place_m: float = 0.4
    time_s: float = 0.3
    pause_s: float = 0.8
    speed_ms: float = 0.15
    distance_m: float = 1.2
    distance_share: float = 0.12
    stand_ms: float = 0.35
    #: The front of a vehicle seen from behind is its rear and the length of its class: 0.5 m more of doubt.
    receding_m: float = 0.5

    def times(self, factor: float) -> "Margins":
        """All of them wider."""
        return Margins(*(factor * getattr(self, name) for name in self.__dataclass_fields__))


MARGINS = Margins()
#: Without calibration metres come from object sizes: distances are good to about a sixth, places to 0.8 m.
UNCALIBRATED = MARGINS.times(2.0)
REACTION_S, BRAKING_MS2 = 1.0, 3.0
BEYOND_EDGE_S, WALKING_MS, PAUSE_S, CENTRE_M, HOLE_S = 0.5, 0.3, 3.0, 0.4, 0.5
CLEARED_S, STAND_MS, STAND_S, SHORTEST_S = 3.0, 3 / 3.6, 0.5, 1.0
SHARES = {"same_lane": 0.0, "half_lane": 0.5, "adjacent": 1.0}


@dataclass(frozen=True)
class Case:
    """What the law needs to know beside the actors: when each was seen well enough ((first, last), third sighting)."""

    road: Road
    actors: Sequence[Actor]
    seen: dict[str, tuple[float, float]]
    margins: Margins = MARGINS


@dataclass(frozen=True)
class Walk:
    """One pedestrian measured against one lane, instant by instant (N,)."""

    t: Array
    crossing: Flags
    in_cell: Flags
    on_area: Flags
    away: Flags

    @classmethod
    def of(cls, case: Case, person: Actor, lane: str, lean: int) -> "Walk":
        """Apply the definition of *crossing*; `lean` +1 makes more of the walk count."""
        road, grow = case.road, lean * case.margins.place_m
        first, last = case.seen[person.name]
        mine = (person.way.t >= first) & (person.way.t <= last)
        t, xy = person.way.t[mine], person.way.xy[mine]
        if len(t) < 3:
            none = np.zeros(len(t), bool)
            return cls(t if len(t) else np.zeros(1), none, none, none, none)
        vx, vy = np.gradient(xy[:, 0], t), np.gradient(xy[:, 1], t)
        left, right = road.kerbs
        on_road = (xy[:, 0] > left - grow) & (xy[:, 0] < right + grow) & ~_on_refuge(road, xy[:, 0], -grow)
        in_c = (
            (xy[:, 1] > road.near - grow)
            & (xy[:, 1] < road.far + grow)
            & (xy[:, 0] > left - 1)
            & (xy[:, 0] < right + 1)
        )
        low, high = road.span(lane)
        in_cell = (xy[:, 0] > low - grow) & (xy[:, 0] < high + grow) & on_road & in_c
        d_low, d_high = danger(road, lane)
        in_danger = (xy[:, 0] > d_low - grow) & (xy[:, 0] < d_high + grow) & on_road & in_c
        side = np.where(xy[:, 0] <= low, 1.0, np.where(xy[:, 0] >= high, -1.0, 0.0))
        counted = _Counted(case, lean, t, on_road, in_cell, in_danger & in_c, vx, vy, side, xy[:, 0])
        crossing, turned = counted.run()
        away = ~in_cell & ((vx * side < -0.05) | turned | ~on_road | (side == 0))
        return cls(t, _filled(crossing, t), in_cell, on_road & in_c, away)

    def crossing_since(self, t2: float) -> float | None:
        """Since when it has been crossing without a break up to `t2`."""
        at = int(np.searchsorted(self.t, t2 + 1e-9)) - 1
        if at < 0 or t2 > self.t[-1] + 0.3 or not self.crossing[at]:
            return None
        while at > 0 and self.crossing[at - 1]:
            at -= 1
        return float(self.t[at])

    def still_matters(self, t3: float, cleared_s: float) -> bool:
        """Point 3: on the crosswalk when the body leaves it, or out of the lane for no longer than 3 s."""
        at = min(int(np.searchsorted(self.t, t3)), len(self.t) - 1)
        recent = (self.t >= t3 - cleared_s) & (self.t <= t3)
        return bool(self.on_area[at]) or bool(self.in_cell[recent].any())

    def out_of_the_way(self, t: float) -> bool:
        """Outside the lane and moving away from it, turned back, or off the road."""
        at = min(int(np.searchsorted(self.t, t)), len(self.t) - 1)
        return bool(self.away[at])


@dataclass
class _Counted:
    """Walks along and remembers what C2 makes the next instant depend on."""

    case: Case
    lean: int
    t: Array
    on_road: Flags
    in_cell: Flags
    in_danger: Flags
    vx: Array
    vy: Array
    side: Array
    x: Array

    def run(self) -> tuple[Flags, Flags]:
        """(crossing (N,), turned back (N,))."""
        margins, lean = self.case.margins, self.lean
        needs_s = BEYOND_EDGE_S - lean * margins.time_s
        walks = WALKING_MS - lean * margins.speed_ms
        back = WALKING_MS + lean * margins.speed_ms
        crossing, turned_at = np.zeros(len(self.t), bool), np.zeros(len(self.t), bool)
        since, entry, heading, towards_at, turned = -np.inf, 0.0, 0.0, -np.inf, False
        for at, t in enumerate(self.t.tolist()):
            if not self.on_road[at]:
                since, entry, heading, towards_at, turned = np.inf, 0.0, 0.0, -np.inf, False
                continue
            if since == np.inf:
                since = t
            vx, side = float(self.vx[at]), float(self.side[at])
            if abs(vx) >= WALKING_MS:
                entry = entry or float(np.sign(vx))
                heading = float(np.sign(vx))
            turned = vx * entry <= -back if not turned else not vx * entry >= WALKING_MS
            speed = float(np.hypot(vx, self.vy[at]))
            # at the side of K: towards it; or along it (mostly along y) without drawing off
            on_way = vx * side >= walks or (speed >= walks and vx * side >= -0.05 and abs(vx) < abs(self.vy[at]))
            if on_way and self.in_danger[at]:
                towards_at = t
            turned_at[at] = turned
            if turned or t - since < needs_s:
                continue
            crossing[at] = self.in_cell[at] or (
                self.in_danger[at] and (on_way or self._waits(t, towards_at, heading, side, at))
            )
        return crossing, turned_at

    def _waits(self, t: float, towards_at: float, heading: float, side: float, at: int) -> bool:
        margins = self.case.margins
        if heading != side or side == 0:
            return False
        painted = self.case.road.centre == "paint" and not self.case.road.one_way
        at_centre = painted and abs(float(self.x[at])) <= CENTRE_M + self.lean * 0.75 * margins.place_m
        return t - towards_at <= PAUSE_S + self.lean * margins.pause_s or at_centre


def danger(road: Road, lane: str) -> tuple[float, float]:
    """x of the edges of D within the carriageway: K widened by policy; over a barrier or an island it ends there."""
    low, high = road.span(lane)
    left, right = road.kerbs
    mine = (left, 0.0) if lane[0] == "l" else (0.0, right)
    if road.policy == "half_road":
        return (left, right) if road.one_way else mine
    widened = SHARES[road.policy] * (high - low)
    limits = (left, right) if road.centre == "paint" else mine
    return max(low - widened, limits[0]), min(high + widened, limits[1])


def _on_refuge(road: Road, x: Array, grow: float) -> Flags:
    """On a refuge; an island without a drawn one is the shared edge of opposing lanes +-1 m."""
    if road.refuge_m is None and road.centre != "island":
        return np.zeros(len(x), bool)
    half = (road.refuge_m if road.refuge_m is not None else 1.0) + grow
    inside: Flags = np.abs(x) < half
    return inside


def _filled(flags: Flags, t: Array) -> Flags:
    """Holes of up to half a second in being *crossing* are closed."""
    found = flags.copy()
    on = np.flatnonzero(flags)
    for first, after in zip(on[:-1].tolist(), on[1:].tolist(), strict=True):
        if after - first > 1 and t[after] - t[first] <= HOLE_S:
            found[first:after] = True
    return found
