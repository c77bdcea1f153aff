"""How one vehicle drove over a crossing, measured along one lane."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from edge.rules.body import footprints, rectangles, trusted
from edge.rules.crosswalk import Approach, Crosswalk
from edge.rules.ground import Plane
from edge.rules.motion import Motion, runs, smooth
from edge.rules.movers import Mover

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: C2: a vehicle stands below 3 km/h, and has stood after half a second of it.
STANDING_MS = 3.0 / 3.6
STOOD_S = 0.5
#: C2: reaction 1.0 s, deceleration 3.0 m/s2.
REACTION_S = 1.0
BRAKING_MS2 = 3.0


def stopping_distance(speed: float) -> float:
    """Metres in which a vehicle at `speed` m/s can be asked to stop (C2); a standing one needs none."""
    return 0.0 if speed < STANDING_MS else speed * REACTION_S + speed**2 / (2 * BRAKING_MS2)


#: Half the time over which a speed that decides is measured, seconds: even braking does not bend a slope so taken.
_SPEED_S = 0.6
#: No vehicle gains speed faster than this, m/s2: it had at least so much of it a moment before.
_GAIN_MS2 = 5.0
_GAIN_S = 1.0
#: Longest hole over which place and speed on both sides tell that it is one vehicle, and by how much they may miss.
_CARRIED_S = 1.5
_CARRIED_M = 1.5


@dataclass(frozen=True, slots=True)
class Drive:
    """Side by side at the trusted sightings `t` (N,): metres `past` the stop line (negative before it), `speed` m/s,
    whether the body is `over` the crosswalk and whether its middle is `beyond` the middle of the lane's cell.
    """

    mover: Mover
    motion: Motion
    front: Array
    past: Array
    over: Flags
    beyond: Flags

    @property
    def t(self) -> Array:
        """Stream seconds (N,)."""
        return self.motion.t

    @property
    def speed(self) -> Array:
        """Metres a second (N,)."""
        return self.motion.speed

    def entered(self, since: float) -> float | None:
        """When the body first came over the crosswalk from `since` on; None when it did not."""
        entering = np.flatnonzero(self.over & (self.t >= since))
        return float(self.t[entering[0]]) if len(entering) else None

    def left(self, since: float) -> float | None:
        """When the body had left the crosswalk on its far side, after having been over it; None when it has not."""
        entered = self.entered(since)
        if entered is None:
            return None
        gone = np.flatnonzero(~self.over & self.beyond & (self.t > entered))
        return float(self.t[gone[0]]) if len(gone) else None

    def crossed(self) -> float:
        """Metres from where the body was first over the crosswalk to where it was last."""
        places = self.motion.xy[self.over]
        return float(np.hypot(*(places[-1] - places[0]))) if len(places) else 0.0

    def stood(self, since: float, until: float) -> bool:
        """Whether it stood (below 3 km/h for at least 0.5 s) at some time between."""
        slow = (self.speed < STANDING_MS) & (self.t >= since - STOOD_S) & (self.t <= until)
        return any(self.t[last] - self.t[first] >= STOOD_S for first, last in runs(slow))

    def speed_at(self, t: float) -> float:
        """The speed (m/s) by which a driver is judged: over 1.2 s around `t`, and not less than physics leaves.

        A box that comes out from behind another grows, and seems to creep; the speed a moment later tells.
        """
        return max(self._slope(t), self._least(t))

    def _slope(self, t: float) -> float:
        reach = max(min(_SPEED_S, t - float(self.t[0]), float(self.t[-1]) - t), _SPEED_S / 2)
        near = np.abs(self.t - t) <= reach + 1e-9
        if int(near.sum()) < 4:
            return float(np.interp(t, self.t, self.speed))
        times, places = self.t[near] - self.t[near].mean(), self.motion.xy[near]
        return float(np.hypot(*(times @ places / (times @ times))))

    def _least(self, t: float) -> float:
        later = self.t[(self.t > t) & (self.t <= t + _GAIN_S)]
        return max((self._slope(float(one)) - _GAIN_MS2 * (float(one) - t) for one in later), default=0.0)

    def unbroken(self, first: float, last: float, gap_s: float) -> bool:
        """Whether the sightings from `first` to `last` are surely one vehicle's: no hole above `gap_s` seconds.

        Over a longer one place and speed on both sides must fit far better than the next vehicle's could.
        """
        times = np.concatenate([[first], self.t[(self.t > first) & (self.t < last)], [last]])
        return all(self._carried(float(times[n]), float(times[n + 1])) for n in np.flatnonzero(np.diff(times) > gap_s))

    def _carried(self, left: float, right: float) -> bool:
        a, b = self.at(left), self.at(right)
        gap = float(self.t[b] - self.t[a])
        expected = (self.motion.v[a] + self.motion.v[b]) / 2 * gap
        off = float(np.hypot(*(self.motion.xy[b] - self.motion.xy[a] - expected)))
        return gap <= _CARRIED_S and off <= _CARRIED_M

    def at(self, t: float) -> int:
        """Index of the sighting nearest to `t`."""
        return int(np.argmin(np.abs(self.t - t)))


def drive_of(
    mover: Mover,
    crosswalk: Crosswalk,
    approach: Approach,
    plane: Plane,
    frame: tuple[int, int],
    since: float,
) -> Drive | None:
    """The drive from `since` on as seen along one lane; None with fewer than three sightings that can be trusted."""
    times = np.array(mover.times)
    first = int(np.searchsorted(times, since))
    boxes = mover.whole(plane, first)
    good = trusted(boxes, approach.direction, frame, plane) if len(boxes) else np.zeros(0, bool)
    if int(good.sum()) < 3:
        return None
    stand = footprints(boxes[good], approach.direction, mover.size, plane)
    motion = smooth(times[first:][good], stand.middle)
    bodies = shapely.polygons(rectangles(motion.xy, approach.direction, mover.size))
    front = motion.xy + approach.direction * mover.size.length / 2
    middle = shapely.get_coordinates(approach.cell.centroid)[0]
    return Drive(
        mover=mover,
        motion=motion,
        front=front,
        past=approach.stop.past(front),
        over=shapely.intersects(bodies, crosswalk.area),
        beyond=(motion.xy - middle) @ approach.direction > 0,
    )
