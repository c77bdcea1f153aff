"""Who is who: one mover keeps its identity through the tracker's id switches, by place and motion.

A track id is a hint that tracker and world may break; an unlikely jump under one id is not believed, a likely
continuation under another is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge.frames import BICYCLE, BUS, CAR, CLASSES, MOTORCYCLE, PERSON, TRUCK, Facts, Scene
from edge.rules.decision import Box
from edge.rules.ground import Plane
from edge.rules.sizes import Size, size_of

Array = NDArray[np.float64]

#: How long the past of a mover is remembered, seconds.
MEMORY_S = 120.0
#: How long a mover that is not seen may be found again by place alone, and by its id as well.
_UNSEEN_S = 2.0
_STOOD_UNSEEN_S = 12.0
_OTHER_ID = 0.35
#: No crossing has more of one group about it; of more boxes in a frame those nearest to it are followed.
MOST = 150
#: The way by which it is told where something came from, metres; and how far behind its place a standing vehicle may
#: be found again after a hole: sideways and on it goes, or rolls back a little, and what is farther back is another.
_CAME_M = 3.0
_BACK_M = (1.5, 0.5)
_HOLE_S = 0.5


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
#: Metres of surprise allowed at once, and more for each second unseen.
_SURPRISE = {Group.PERSON: (0.8, 1.5), Group.CYCLE: (1.2, 3.0), Group.VEHICLE: (1.5, 4.0)}


@dataclass(slots=True)
class Mover:
    """One person, cycle or vehicle through time. Lists run side by side, one entry a sighting.

    `anchors` are the middles of the lower box edges on the road, metres.
    """

    serial: int
    group: Group
    times: list[float] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    anchors: list[tuple[float, float]] = field(default_factory=list)
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
        self.times.append(t)
        self.boxes.append(box)
        self.scores.append(score)
        self.kinds.append(kind)
        self.ids.append(track_id)
        if self.times[0] < t - MEMORY_S - 10:
            self._forget(t - MEMORY_S)

    def learn(self, facts: Facts) -> None:
        """What other sources told stays known."""
        self.facts = Facts(
            facts.plate or self.facts.plate,
            facts.color or self.facts.color,
            self.facts.emergency if facts.emergency is None else facts.emergency,
        )

    def pace(self) -> tuple[float, float]:
        """Velocity over about the last half second, m/s."""
        first = max(0, len(self.times) - 8)
        while first < len(self.times) - 3 and self.times[first] < self.last - 0.6:
            first += 1
        t = np.array(self.times[first:])
        if len(t) < 3 or t[-1] - t[0] > 3.0:
            return 0.0, 0.0
        xy = np.array(self.anchors[first : len(self.times)])
        spread = t - t.mean()
        slope = spread @ xy / max(float(spread @ spread), 1e-9)
        return float(slope[0]), float(slope[1])

    def course(self) -> Array | None:
        """Unit vector (2,) in which it came to where it is; None while it has hardly moved."""
        ways = np.array(self.anchors[-1]) - np.array(self.anchors)
        lengths = np.hypot(*ways.T)
        far = np.flatnonzero(lengths > _CAME_M)
        return ways[far[-1]] / lengths[far[-1]] if len(far) else None

    def _forget(self, before: float) -> None:
        count = sum(1 for t in self.times if t < before)
        for column in (self.times, self.boxes, self.scores, self.kinds, self.ids, self.anchors):
            del column[:count]
        self.forgotten = True


class Movers:
    """All movers near one crossing. `near` says which road points (N, 2) are of interest to each group."""

    def __init__(self, plane: Plane, centre: tuple[float, float], radius: dict[Group, float]) -> None:
        self._plane = plane
        self._version = plane.version
        self._centre = np.array(centre)
        self._radius = radius
        self._serial = 0
        self.all: list[Mover] = []

    def of(self, group: Group) -> list[Mover]:
        """The movers of one group that are remembered."""
        return [mover for mover in self.all if mover.group is group]

    def moved_plane(self, centre: tuple[float, float]) -> None:
        """The plane has changed: all metres anew."""
        self._centre = np.array(centre)
        for mover in self.all:
            mover.anchors = [(float(x), float(y)) for x, y in self._plane.metres(_feet(np.array(mover.boxes)))]

    def take(self, scene: Scene) -> list[Mover]:
        """Link one scene's tracks; the movers that were seen in it. Boxes of NaN or no area are left out."""
        tracks = scene.tracks
        boxes = tracks.boxes.astype(np.float64)
        sane = np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        seen: list[Mover] = []
        feet = np.zeros((len(boxes), 2))
        feet[sane] = self._plane.metres(_feet(boxes[sane]))
        away = np.hypot(*(feet - self._centre).T)
        for group in Group:
            rows = [
                row
                for row in range(len(boxes))
                if sane[row] and GROUP_OF.get(int(tracks.classes[row])) is group and away[row] <= self._radius[group]
            ]
            if len(rows) > MOST:
                rows = sorted(sorted(rows, key=lambda row: float(away[row]))[:MOST])
            for row, mover in self._link(group, rows, scene, feet):
                box = boxes[row]
                kind, track_id = int(tracks.classes[row]), int(tracks.ids[row])
                mover.see(scene.t, _box(box), float(tracks.scores[row]), kind, track_id)
                mover.anchors.append((float(feet[row, 0]), float(feet[row, 1])))
                mover.learn(tracks.facts_of(track_id))
                seen.append(mover)
        self.all = [mover for mover in self.all if mover.last > scene.t - MEMORY_S / 2]
        return seen

    def _link(self, group: Group, rows: list[int], scene: Scene, feet: Array) -> Iterable[tuple[int, Mover]]:
        free = set(rows)
        taken: set[int] = set()
        for _, row, mover in sorted(self._pairs(group, rows, scene, feet), key=lambda pair: pair[0]):
            if row in free and mover.serial not in taken:
                free.discard(row)
                taken.add(mover.serial)
                yield row, mover
        for row in sorted(free):
            self._serial += 1
            mover = Mover(self._serial, group)
            self.all.append(mover)
            yield row, mover

    def _pairs(self, group: Group, rows: list[int], scene: Scene, feet: Array) -> list[tuple[float, int, Mover]]:
        """(cost, row, mover) of every link that could be; the cheapest are made first."""
        base, rate = _SURPRISE[group]
        ids = scene.tracks.ids[rows]
        pairs: list[tuple[float, int, Mover]] = []
        for mover in self.of(group):
            gap = scene.t - mover.last
            if not rows or gap > _STOOD_UNSEEN_S:
                continue
            pace = np.array(mover.pace())
            limit = _STOOD_UNSEEN_S if float(np.hypot(*pace)) < 0.8 and group is Group.VEHICLE else _UNSEEN_S
            expected = np.array(mover.anchors[-1]) + pace * min(gap, _UNSEEN_S)
            x1, _, x2, y2 = mover.boxes[-1]
            blur = 3 * self._plane.sigma(((x1 + x2) / 2, y2), 2.0)
            gate = base + rate * min(gap, _UNSEEN_S) + min(blur, 6.0)
            off = np.hypot(*(feet[rows] - expected).T)
            same = ids == mover.id
            likely = off <= gate * np.where(same, 2.5, 1.0)
            if limit == _STOOD_UNSEEN_S and gap > _HOLE_S and likely.any():
                likely &= _not_behind(mover, feet[rows], gap)
            near = np.flatnonzero((gap <= limit) & likely)
            pairs += [(float(off[n]) / gate + (0.0 if same[n] else _OTHER_ID), rows[n], mover) for n in near]
        return pairs


def _not_behind(mover: Mover, places: Array, gap: float) -> NDArray[np.bool_]:
    """Which places (N, 2) a vehicle that stood before `gap` seconds may have reached: not one farther back."""
    course = mover.course()
    if course is None:
        return np.ones(len(places), bool)
    ahead: NDArray[np.bool_] = (places - np.array(mover.anchors[-1])) @ course > -(_BACK_M[0] + _BACK_M[1] * gap)
    return ahead


def _feet(boxes: Array) -> Array:
    return np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])


def _box(box: Array) -> Box:
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])
