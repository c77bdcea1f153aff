"""What was detected last, and still stands because nothing changed where it is: fed again without asking the detector.

A held detection is proven by pixels, not by hope: it is given out only while the gate sees no change in any zone that
it stands in. Its box is the median of its last real ones, so that one that wavered is not repeated for seconds.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.frames import BICYCLE, BUS, CAR, MOTORCYCLE, PERSON, TRUCK, Detections
from edge.plan.choice import Boxes, overlaps
from edge.plan.ground import Areas, Point

SAME_IOU = 0.5
#: So much of the lower half of a box must lie in zones for the pixels of the zones to speak for it.
IN_ZONES = 0.25
#: A box takes part in a zone, and is not held while that changes, from this share on.
_PART = 0.04
#: What the detector missed so often in a row, though its pixels did not change, is held no longer.
MISSES_MOST = 3
_GROUP = {PERSON: 0, BICYCLE: 1, MOTORCYCLE: 1, CAR: 2, BUS: 2, TRUCK: 2}
_KEPT = 5


@dataclass(slots=True, eq=False)
class _Thing:
    """One standing thing: its last real boxes (4,) px, classes, the last score, looks in a row that missed it."""

    boxes: deque[Boxes] = field(default_factory=lambda: deque(maxlen=_KEPT))
    kinds: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    score: float = 0.0
    missed: int = 0

    def see(self, box: Boxes, kind: int, score: float) -> None:
        self.boxes.append(box)
        self.kinds.append(kind)
        self.score, self.missed = score, 0

    @property
    def box(self) -> Boxes:
        return np.median(np.array(self.boxes), axis=0)

    @property
    def kind(self) -> int:
        return Counter(self.kinds).most_common(1)[0][0]


class Held:
    """The standing things in the zones of one camera, in pixels of its `frame`."""

    def __init__(self, zones: Sequence[Sequence[Point]]) -> None:
        """`zones`: the polygons that the gate watches, in its order."""
        self._areas = Areas(zones)
        self._things: list[_Thing] = []

    def note(self, seen: Detections, changed: Sequence[bool] | None = None) -> None:
        """Take a real detection. `changed`: what the gate said of each zone at that look; None where it was not asked.

        What is not seen any more is forgotten at once, unless the gate says that nothing changed where it stands.
        """
        things, self._things = self._things, []
        for box, score, kind in zip(seen.boxes.astype(np.float64), seen.scores, seen.classes, strict=True):
            thing = _nearest(things, box, int(kind))
            if thing is None:
                thing = _Thing()
            else:
                things.remove(thing)
            thing.see(box, int(kind), float(score))
            self._things.append(thing)
        shares = self._shares(things)
        for thing, share in zip(things, shares, strict=True):
            thing.missed += 1
            if changed is not None and thing.missed < MISSES_MOST and _still(share, changed):
                self._things.append(thing)

    def unseen(self, changed: Sequence[bool]) -> Detections:
        """What the detector missed at this look although nothing changed where it stands."""
        return self._of([thing for thing in self._things if thing.missed], changed)

    def at(self, changed: Sequence[bool]) -> Detections:
        """What stands where nothing changed: `changed` is what the gate says of each zone at this look."""
        return self._of(self._things, changed)

    def _of(self, things: list[_Thing], changed: Sequence[bool]) -> Detections:
        held = [thing for thing, share in zip(things, self._shares(things), strict=True) if _still(share, changed)]
        return Detections(
            np.array([thing.box for thing in held], dtype=np.float32).reshape(-1, 4),
            np.array([thing.score for thing in held], dtype=np.float32),
            np.array([thing.kind for thing in held], dtype=np.int8),
        )

    def _shares(self, things: list[_Thing]) -> NDArray[np.float64]:
        return self._areas.shares(np.array([thing.box for thing in things]).reshape(-1, 4))


def joined(first: Detections, second: Detections) -> Detections:
    """Both together."""
    return Detections(
        np.concatenate([first.boxes, second.boxes]),
        np.concatenate([first.scores, second.scores]),
        np.concatenate([first.classes, second.classes]),
    )


def _still(share: NDArray[np.float64], changed: Sequence[bool]) -> bool:
    """Whether the zones speak for a thing with these shares, and none that it stands in changed."""
    part = share >= _PART
    return bool(share.sum() >= IN_ZONES and not (part & np.array(changed, dtype=bool)).any())


def _nearest(things: list[_Thing], box: Boxes, kind: int) -> _Thing | None:
    alike = [thing for thing in things if _GROUP[thing.kinds[-1]] == _GROUP[kind]]
    if not alike:
        return None
    fits = overlaps(box[None], np.array([thing.box for thing in alike]).reshape(-1, 4))[0]
    best = int(fits.argmax())
    return alike[best] if fits[best] >= SAME_IOU else None


__all__ = ["Held", "joined"]
