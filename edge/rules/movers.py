"""Who is who: one mover keeps its identity through the tracker's id switches, by place and motion.

A track id is a hint that tracker and world may break; an unlikely jump under one id is not believed, a likely
continuation under another is.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.frames import Scene
from edge.rules.decision import Box
from edge.rules.footing import Footing, feet
from edge.rules.ground import Plane
from edge.rules.look import Look
from edge.rules.mover import GROUP_OF, MEMORY_S, Group, Mover
from edge.rules.reach import HOLE_S, not_behind, not_beside

__all__ = ["MEMORY_S", "MOST", "Group", "Mover", "Movers"]

Array = NDArray[np.float64]

#: How long a mover that is not seen may be found again by place alone, and by its id as well.
_UNSEEN_S = 2.0
_STOOD_UNSEEN_S = 12.0
_OTHER_ID = 0.35
#: What has been seen less often may be a piece of another: it yields to that one.
_YOUNG, _YOUNG_OF = 0.2, 4
#: No crossing has more of one group about it; of more boxes in a frame those nearest to it are followed.
MOST = 150
#: Metres of surprise allowed at once, and more for each second unseen.
_SURPRISE = {Group.PERSON: (0.8, 1.5), Group.CYCLE: (1.2, 3.0), Group.VEHICLE: (1.5, 4.0)}


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
            places = self._plane.metres(feet(mover.whole(self._plane)))
            mover.anchors = [(float(x), float(y)) for x, y in places]
            mover.heights = Footing.of(np.array(mover.boxes), self._plane).height.tolist()

    def take(self, scene: Scene) -> list[Mover]:
        """Link one scene's tracks; the movers that were seen in it. Boxes of NaN or no area are left out."""
        tracks = scene.tracks
        boxes = tracks.boxes.astype(np.float64)
        sane = np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        places = np.zeros((len(boxes), 2))
        places[sane] = self._plane.metres(feet(boxes[sane]))
        away = np.hypot(*(places - self._centre).T)
        groups = [GROUP_OF.get(int(kind)) for kind in tracks.classes]
        chosen: dict[Group, list[int]] = {}
        for group in Group:
            near = np.flatnonzero(sane & (away <= self._radius[group]))
            rows = [int(row) for row in near if groups[row] is group]
            if len(rows) > MOST:
                rows = sorted(sorted(rows, key=lambda row: float(away[row]))[:MOST])
            chosen[group] = rows
        seen = [mover for group in Group for mover in self._see(group, chosen, scene, boxes)]
        seen = [self._unmixed(mover) for mover in seen]
        self.all = [mover for mover in self.all if mover.last > scene.t - MEMORY_S / 2]
        return seen

    def _unmixed(self, mover: Mover) -> Mover:
        """Nobody turns round in a hole of his sightings at full pace: who comes out the other way is another."""
        turned = mover.turned()
        if turned is None:
            return mover
        self._serial += 1
        other = mover.part(self._serial, turned)
        self.all.append(other)
        return other

    def _see(self, group: Group, chosen: dict[Group, list[int]], scene: Scene, boxes: Array) -> Iterable[Mover]:
        """Link the boxes of one group; what rides or stands before them may hide their lower edges."""
        rows = chosen[group]
        if not rows:
            return
        solid = chosen[Group.VEHICLE] + chosen[Group.PERSON]
        look = Look.of(scene, boxes, rows, solid, self._plane)
        for at, mover in self._link(group, look):
            places, hidden = look.places(mover)
            x, y = places[at]
            kind, score = int(scene.tracks.classes[rows[at]]), float(scene.tracks.scores[rows[at]])
            mover.see(scene.t, _box(look.boxes[at]), score, kind, int(look.ids[at]))
            mover.anchors.append((float(x), float(y)))
            mover.hidden.append(bool(hidden[at]))
            mover.heights.append(float(look.footing.height[at]))
            mover.learn(scene.tracks.facts_of(mover.id))
            yield mover

    def _link(self, group: Group, look: "Look") -> list[tuple[int, Mover]]:
        """(row of `look`, mover) of every box, the cheapest links first; what fits none is new."""
        free, taken = set(range(len(look.ids))), set[int]()
        linked: list[tuple[int, Mover]] = []
        for _, at, mover in sorted(self._pairs(group, look), key=lambda pair: pair[0]):
            if at in free and mover.serial not in taken:
                free.discard(at)
                taken.add(mover.serial)
                linked.append((at, mover))
        for at in sorted(free):
            self._serial += 1
            mover = Mover(self._serial, group)
            self.all.append(mover)
            linked.append((at, mover))
        return linked

    def _pairs(self, group: Group, look: "Look") -> list[tuple[float, int, Mover]]:
        """(cost, row, mover) of every link that could be."""
        base, rate = _SURPRISE[group]
        pairs: list[tuple[float, int, Mover]] = []
        for mover in self.of(group):
            gap = look.t - mover.last
            if gap > _STOOD_UNSEEN_S:
                continue
            pace = np.array(mover.pace())
            limit = _STOOD_UNSEEN_S if float(np.hypot(*pace)) < 0.8 and group is Group.VEHICLE else _UNSEEN_S
            if gap > limit:
                continue
            places, _ = look.places(mover)
            expected = np.array(mover.anchors[-1]) + pace * min(gap, _UNSEEN_S)
            x1, _, x2, y2 = mover.boxes[-1]
            blur = min(3 * self._plane.sigma(((x1 + x2) / 2, y2), 2.0), 6.0)
            gate = base + rate * min(gap, _UNSEEN_S) + blur
            off = np.hypot(*(places - expected).T)
            same = look.ids == mover.id
            likely = off <= gate * np.where(same, 2.5, 1.0)
            if group is Group.VEHICLE and gap > HOLE_S and likely.any():
                likely &= not_beside(places - expected, pace, look.sight, base, blur, gap)
                if limit == _STOOD_UNSEEN_S:
                    likely &= not_behind(places - np.array(mover.anchors[-1]), mover.course(), gap)
            cost = off / gate + np.where(same, 0.0, _OTHER_ID) + (_YOUNG if len(mover.times) < _YOUNG_OF else 0.0)
            pairs += [(float(cost[n]), int(n), mover) for n in np.flatnonzero(likely)]
        return pairs


def _box(box: Array) -> Box:
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])
