"""Since when a thing has stood where it is, told from its boxes alone: for deciding whether it could matter."""

import numpy as np
from numpy.typing import NDArray

from edge.plan.choice import Boxes, overlaps

#: What overlaps its first box here by so much has not gone on.
STILL_IOU = 0.8
#: What was not seen for so long [s] is forgotten: for as long as it stood, within these, and not between two looks.
FORGET_LEAST_S, FORGET_S = 0.3, 12.0
#: ... so much longer than between the last two looks: the detector may miss it in one, and looks are not punctual.
_LOOKS = 1.5


class Stood:
    """Boxes of one kind of road user before one camera, fed in rising stream time.

    What drives leaves a trail of places where it was: they are forgotten before the next vehicle comes along.
    """

    def __init__(self) -> None:
        self._anchors: list[tuple[Boxes, float, float]] = []
        self._t = float("-inf")

    def since(self, t: float, boxes: Boxes) -> NDArray[np.float64]:
        """For each box (N, 4) px seen at stream second `t`, how long it has stood [s]; 0.0 for a newcomer."""
        stood = np.zeros(len(boxes))
        apart, self._t = t - self._t, t
        known = [anchor for anchor in self._anchors if t - anchor[2] <= _remembered_s(anchor, apart)]
        kept: list[tuple[Boxes, float, float]] = []
        fits = overlaps(boxes, np.array([anchor[0] for anchor in known]).reshape(-1, 4))
        used: set[int] = set()
        for row, box in enumerate(boxes):
            best = int(fits[row].argmax()) if known else -1
            if best >= 0 and best not in used and fits[row, best] >= STILL_IOU:
                used.add(best)
                anchor, begun, _ = known[best]
                stood[row] = t - begun
                kept.append((anchor, begun, t))
            else:
                kept.append((box, t, t))
        self._anchors = kept + [anchor for number, anchor in enumerate(known) if number not in used]
        return stood


def _remembered_s(anchor: tuple[Boxes, float, float], apart: float) -> float:
    """How long a place is kept where nobody is seen any more; `apart` [s] are the last two looks."""
    _, begun, last = anchor
    return min(FORGET_S, max(FORGET_LEAST_S, _LOOKS * apart, last - begun))
