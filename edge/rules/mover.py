"""One person, cycle or vehicle through time: its sightings, and what they tell of its pace, course and height."""

from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.frames import BICYCLE, BUS, CAR, CLASSES, MOTORCYCLE, PERSON, TRUCK, Facts
from edge.rules.decision import Box
from edge.rules.footing import restored, steady
from edge.rules.ground import Plane
from edge.rules.reach import HOLE_S
from edge.rules.sizes import Size, size_of

Array = NDArray[np.float64]

#: How long the past of a mover is remembered, seconds.
MEMORY_S = 120.0
#: The way by which it is told where something came from, metres.
_CAME_M = 3.0
#: So many free sightings tell the height something has, when they are among so many of the last.
_LATE, _RECENT = 5, 41
#: So long after a hole it is known which way somebody goes, and this fast it goes somewhere, m/s.
_TELLS_S, _WALKS_MS = 0.6, 0.6


class Group(StrEnum):
    """What may be linked with what: a detector confuses cars with trucks, never a person with a bus."""

    PERSON = "person"
    CYCLE = "cycle"
    VEHICLE = "vehicle"


GROUP_OF = {
    PERSON: Group.PERSON,
    BICYCLE: Group.CYCLE,
    MOTORCYCLE: Group.VEHICLE,
    CAR: Group.VEHICLE,
    BUS: Group.VEHICLE,
    TRUCK: Group.VEHICLE,
}


@dataclass(slots=True)
class Mover:
    """One person, cycle or vehicle through time. Lists run side by side, one entry a sighting.

    `anchors` are where it stands on the road, metres: the middles of the lower box edges, put right where `hidden` says
    that a nearer one may cover them; `heights` are the metres that the boxes are high. `hole` is when it was seen again
    after a hole that leaves doubt whether it is the same one.
    """

    serial: int
    group: Group
    times: list[float] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    anchors: list[tuple[float, float]] = field(default_factory=list)
    hidden: list[bool] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    hole: float | None = None
    facts: Facts = field(default_factory=Facts)
    forgotten: bool = False

    @property
    def last(self) -> float:
        """Stream time of the last sighting."""
        return self.times[-1]

    @property
    def id(self) -> int:
        """The track id it goes by now."""
        return self.ids[-1]

    @property
    def kind(self) -> int:
        """The class that most of the last hundred sightings name."""
        recent = self.kinds[-100:]
        return max(sorted(set(recent)), key=recent.count)

    @property
    def name(self) -> str:
        """Its class in words."""
        return CLASSES[self.kind]

    @property
    def size(self) -> Size:
        """Metres that its class has."""
        return size_of(self.kind)

    def see(self, t: float, box: Box, score: float, kind: int, track_id: int) -> None:
        """Add a sighting; `anchors` follows."""
        if self.times and t - self.last > HOLE_S:
            self.hole = t
        self.times.append(t)
        self.boxes.append(box)
        self.scores.append(score)
        self.kinds.append(kind)
        self.ids.append(track_id)
        if self.times[0] < t - MEMORY_S - 10:
            self._forget(t - MEMORY_S)

    def stature(self) -> float | None:
        """Metres that its box is high when its feet are free, of late; None while they never were."""
        late = zip(self.heights[:-_RECENT:-1], self.hidden[:-_RECENT:-1], strict=True)
        free = sorted(islice((height for height, hidden in late if not hidden), _LATE))
        return free[len(free) // 2] if free else None

    def whole(self, plane: Plane, first: int = 0) -> Array:
        """Its boxes (N, 4) px from sighting `first` on, with the lower edges that were hidden put right."""
        boxes = np.array(self.boxes[first:], dtype=np.float64).reshape(-1, 4)
        hidden = np.array(self.hidden, dtype=bool)
        mine = hidden[first:]
        if not mine.any() or hidden.all():
            return boxes
        t = np.array(self.times)
        height = np.interp(t[first:][mine], t[~hidden], steady(np.array(self.heights)[~hidden]))
        boxes[mine] = restored(boxes[mine], height, plane)
        return boxes

    def learn(self, facts: Facts) -> None:
        """What other sources told stays known."""
        self.facts = Facts(
            facts.plate or self.facts.plate,
            facts.color or self.facts.color,
            self.facts.emergency if facts.emergency is None else facts.emergency,
        )

    def pace(self, end: int | None = None) -> tuple[float, float]:
        """Velocity over about the last half second before sighting `end` (default: the last), m/s."""
        end = len(self.times) if end is None else end
        first = max(0, end - 8)
        while first < end - 3 and self.times[first] < self.times[end - 1] - 0.6:
            first += 1
        t = np.array(self.times[first:end])
        if len(t) < 3 or t[-1] - t[0] > 3.0:
            return 0.0, 0.0
        xy = np.array(self.anchors[first:end])
        spread = t - t.mean()
        slope = spread @ xy / max(float(spread @ spread), 1e-9)
        return float(slope[0]), float(slope[1])

    def turned(self) -> int | None:
        """The first sighting after the hole when it goes the other way since then; None when not, or not yet known."""
        if self.hole is None or self.last - self.hole < _TELLS_S:
            return None
        at, self.hole = bisect_left(self.times, self.hole), None
        before, after = np.array(self.pace(at)), np.array(self.pace())
        speeds = float(np.hypot(*before)), float(np.hypot(*after))
        if at == 0 or min(speeds) < _WALKS_MS or float(before @ after) > -0.7 * speeds[0] * speeds[1]:
            return None
        return at

    def part(self, serial: int, first: int) -> "Mover":
        """Give away the sightings from `first` on: they are another's."""
        other = Mover(serial, self.group)
        for mine, theirs in zip(self._columns(), other._columns(), strict=True):
            theirs.extend(mine[first:])
            del mine[first:]
        return other

    def course(self) -> Array | None:
        """Unit vector (2,) in which it came to where it is; None while it has hardly moved."""
        ways = np.array(self.anchors[-1]) - np.array(self.anchors)
        lengths = np.hypot(*ways.T)
        far = np.flatnonzero(lengths > _CAME_M)
        return ways[far[-1]] / lengths[far[-1]] if len(far) else None

    def _forget(self, before: float) -> None:
        count = sum(1 for t in self.times if t < before)
        for column in self._columns():
            del column[:count]
        self.forgotten = True

    def _columns(self) -> tuple[list[Any], ...]:
        sightings = self.times, self.boxes, self.scores, self.kinds, self.ids
        return *sightings, self.anchors, self.hidden, self.heights
