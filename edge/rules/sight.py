"""Whether somebody was in view: a detector that blinks is not a view that is blocked (domain section C2, element 5)."""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from edge.rules.decision import Box
from edge.rules.movers import Mover

Array = NDArray[np.float64]

#: A hole no longer than this, with nothing before the person, is the detector's (C2 fills holes as short in crossing).
BLINK_S = 0.5
#: What covers this share of a person's box hides it.
_HIDES = 0.35


def visible_share(person: Mover, frames: Array, movers: list[Mover]) -> float:
    """Share of `frames` (N,), stream seconds, in which the person was seen, or only missed by a blink in free view."""
    if len(frames) == 0:
        return 1.0
    times = np.array(person.times)
    missed = frames[~np.isin(frames, times)]
    blinks = sum(_blinked(person, times, float(t), movers) for t in missed)
    return float((len(frames) - len(missed) + blinks) / len(frames))


def _blinked(person: Mover, times: Array, t: float, movers: list[Mover]) -> bool:
    after = int(np.searchsorted(times, t))
    if after in (0, len(times)) or times[after] - times[after - 1] > BLINK_S:
        return False
    share = (t - times[after - 1]) / (times[after] - times[after - 1])
    before, then = np.array(person.boxes[after - 1]), np.array(person.boxes[after])
    x1, y1, x2, y2 = (before + share * (then - before)).tolist()
    return not any(_hides(other, t, (x1, y1, x2, y2)) for other in movers if other.serial != person.serial)


def _hides(other: Mover, t: float, box: Box) -> bool:
    """Whether `other`, nearer to the camera, was before `box` at `t`."""
    at = min(bisect_left(other.times, t), len(other.times) - 1)
    if abs(other.times[at] - t) > BLINK_S:
        return False
    x1, y1, x2, y2 = other.boxes[at]
    if y2 <= box[3]:
        return False
    width, height = min(x2, box[2]) - max(x1, box[0]), min(y2, box[3]) - max(y1, box[1])
    return width > 0 and height > 0 and width * height >= _HIDES * (box[2] - box[0]) * (box[3] - box[1])
