"""When a pedestrian is *crossing* for a lane: intervals, as domain section C2 defines them.

Inside the crosswalk, for at least half a second beyond the edge of the carriageway, and in the lane's conflict cell K
or in its danger zone D on the way to it. A short pause keeps it, turning back ends it. Holes up to 0.5 s are filled:
what a law calls crossing does not flicker with a detector.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from edge.rules.crosswalk import Approach, Crosswalk
from edge.rules.footing import feet
from edge.rules.ground import Plane
from edge.rules.motion import Motion, fill, runs, smooth
from edge.rules.movers import Mover

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

BEYOND_EDGE_S = 0.5
HOLE_S = 0.5
WALKING_MS = 0.3
PAUSE_S = 3.0
CENTRE_M = 0.4
_ALONG_MS = -0.1
#: Who walks or has turned back makes way: a moment's speed of somebody who stands is the sway of the box.
_STRIDE_M = 0.3
_STRIDE_S = 1.5
#: Along the lane lies mostly along the view, where noise is largest: what counts as walking there is set higher.
_SURELY_MS = 0.45
_DEEP_M = 0.25


@dataclass(frozen=True, slots=True)
class Walk:
    """One pedestrian at the instants `t` (N,) of the stream between its first and last sighting.

    `seen` says at which it was detected; between sightings its place is taken to lie on the line from one to the next.
    """

    mover: Mover
    motion: Motion
    seen: Flags

    @property
    def t(self) -> Array:
        """Stream seconds, (N,)."""
        return self.motion.t


def walk_of(mover: Mover, instants: Array, since: float, plane: Plane) -> Walk | None:
    """The walk from `since` on; None when it was seen fewer than three times."""
    times = np.array(mover.times)
    chosen = times >= since
    if int(chosen.sum()) < 3:
        return None
    motion = smooth(times[chosen], plane.metres(feet(mover.whole(plane)[chosen])))
    frames = instants[(instants >= motion.t[0]) & (instants <= motion.t[-1])]
    grid = np.union1d(frames, motion.t)
    return Walk(mover, motion.at(grid), np.isin(grid, motion.t))


@dataclass(frozen=True, slots=True)
class Crossing:
    """A walk measured against one lane, instant by instant (N,).

    `crossing`: crossing for this lane. `in_cell`: the foot in K. `in_danger`: in D. `on_area`: on the crosswalk and
    the carriageway. `cleared`: not in K and past it, turned back, or off. `turned`: has turned back.
    """

    walk: Walk
    crossing: Flags
    in_cell: Flags
    in_danger: Flags
    on_area: Flags
    leaving: Flags
    turned: Flags

    def interval(self, t: float, grace_s: float) -> tuple[float, float] | None:
        """The interval of crossing that holds `t`, or that ends with the last sighting at most `grace_s` before."""
        times = self.walk.t
        for first, last in runs(self.crossing):
            ends_unseen = last == len(times) - 1 and t - times[last] <= grace_s
            if times[first] < t and (t <= times[last] or ends_unseen):
                return float(times[first]), float(times[last])
        return None

    def index(self, t: float) -> int:
        """The instant at or just before `t`."""
        return max(0, int(np.searchsorted(self.walk.t, t + 1e-9)) - 1)


def crossing_of(walk: Walk, crosswalk: Crosswalk, approach: Approach) -> Crossing:
    """Measure a walk against a lane."""
    xy = walk.motion.xy
    on_road = _inside(crosswalk.carriageway, xy)
    if crosswalk.refuge is not None:
        on_road &= ~_inside(crosswalk.refuge, xy)
    on_road = fill(on_road, walk.t, HOLE_S)
    in_cell = _inside(approach.cell, xy) & on_road
    in_danger = _inside(approach.danger, xy) & on_road
    across = approach.across
    lateral, drift = xy @ across, walk.motion.v @ across
    low, high = approach.span()
    side = np.where(lateral < low, 1.0, np.where(lateral > high, -1.0, 0.0))
    state = _Judge(walk, crosswalk, in_cell, in_danger, _inside(crosswalk.area, xy), lateral, drift, side)
    flags, turned = np.zeros(len(xy), bool), np.zeros(len(xy), bool)
    for first, last in runs(on_road):
        state.enter(first, last)
        for index in range(first, last + 1):
            flags[index] = state.crossing(index)
            turned[index] = state.turned
    leaving = ~in_cell & ((drift * side < _ALONG_MS) | ~on_road | turned | _beyond(side, on_road))
    return Crossing(
        walk, fill(flags, walk.t, HOLE_S), in_cell, in_danger, on_road & _inside(crosswalk.area, xy), leaving, turned
    )


def strides(t: Array, place: Array, speed: Array, least: float) -> Array:
    """Which way somebody walks along one axis, (N,): 1, -1, or 0 who stands and only sways.

    `t` stream seconds, `place` m, `speed` m/s. C2's 0.3 m/s, from the first instant of a way of at least `least` metres
    in 1.5 s.
    """
    ways = np.zeros(len(t))
    until = np.searchsorted(t, t + _STRIDE_S, side="right")
    for index in np.flatnonzero(np.abs(speed) >= WALKING_MS):
        way = float(np.sign(speed[index]))
        if _goes(way * place[index : until[index]], least):
            ways[index] = way
    return ways


def _goes(place: Array, least: float) -> bool:
    """Whether `place` gains `least` metres over its first before it loses a third of that."""
    gain = place - place[0]
    reached, lost = gain >= least, gain <= -least / 3
    return bool(reached.any()) and not bool(lost[: int(reached.argmax())].any())


def _beyond(side: Array, on_road: Flags) -> Flags:
    """Past the lane: on the other side of K than where this stretch of the road was entered."""
    past = np.zeros(len(side), bool)
    for first, last in runs(on_road):
        entered = next((s for s in side[first : last + 1] if s != 0), 0.0)
        past[first : last + 1] = (entered != 0) & (side[first : last + 1] == -entered)
        inside = np.flatnonzero(side[first : last + 1] == 0)
        if len(inside) and side[first] == 0:
            # first seen inside K: whichever side it comes out at is beyond
            past[first + inside[-1] + 1 : last + 1] = True
    return past


def _inside(shape: object, xy: Array) -> Flags:
    inside: Flags = shapely.contains_xy(shape, xy[:, 0], xy[:, 1])
    return inside


class _Judge:
    """Walks along one stretch on the carriageway and remembers what C2 makes the next instant depend on."""

    def __init__(
        self,
        walk: Walk,
        crosswalk: Crosswalk,
        in_cell: Flags,
        in_danger: Flags,
        in_area: Flags,
        lateral: Array,
        drift: Array,
        side: Array,
    ) -> None:
        self._t, self._speed = walk.t, walk.motion.speed
        self._in_cell, self._in_danger, self._in_area = in_cell, in_danger, in_area
        self._lateral, self._drift, self._side = lateral, drift, side
        self._born_here = not walk.mover.forgotten and walk.t[0] <= walk.mover.times[0]
        points = shapely.points(walk.motion.xy)
        self._depth = shapely.distance(points, crosswalk.carriageway.boundary)
        self._sigma = walk.motion.sigma
        self._noise = min(_DEEP_M, self._sigma)
        paint = crosswalk.painted and crosswalk.centre_line is not None
        self._centre = shapely.distance(points, crosswalk.centre_line) if paint else np.full(len(points), np.inf)
        self.turned = False
        self._ways = np.zeros(len(walk.t))
        self._entry = 0.0
        self._since = -np.inf
        self._heading = 0.0
        self._towards_at = -np.inf

    def enter(self, first: int, last: int) -> None:
        """A stretch on the carriageway begins at index `first`; the edge line counts from there."""
        self._since = -np.inf if first == 0 and self._born_here else float(self._t[first])
        stretch = slice(first, last + 1)
        least = max(_STRIDE_M, 3 * self._sigma)
        self._ways[stretch] = strides(self._t[stretch], self._lateral[stretch], self._drift[stretch], least)
        entering = np.flatnonzero(self._ways[stretch])
        self._entry = float(self._ways[first + entering[0]]) if len(entering) else 0.0
        self.turned = False
        self._heading, self._towards_at = 0.0, -np.inf

    def crossing(self, index: int) -> bool:
        """Whether the pedestrian is crossing at this instant; to be asked in order."""
        t, drift, side = float(self._t[index]), float(self._drift[index]), float(self._side[index])
        way = float(self._ways[index])
        if way:
            self.turned = way == -self._entry
            self._heading = way
        on_way = drift * side >= WALKING_MS or (bool(self._speed[index] >= _SURELY_MS) and drift * side >= _ALONG_MS)
        if on_way and self._in_danger[index]:
            self._towards_at = t
        beyond_edge = t - self._since >= BEYOND_EDGE_S and self._depth[index] > self._noise
        if self.turned or not beyond_edge or not self._in_area[index]:
            return False
        return bool(self._in_cell[index]) or (bool(self._in_danger[index]) and (on_way or self._waits(index, t, side)))

    def _waits(self, index: int, t: float, side: float) -> bool:
        """A pause on the way, or standing on the painted centre line with the lane ahead (C1 situation 5)."""
        if self._heading != side:
            return False
        return bool(t - self._towards_at <= PAUSE_S or self._centre[index] <= CENTRE_M)
