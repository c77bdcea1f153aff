"""What can be done about one look, and what the plans go by."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge.rules.stander import Stander

Boxes = NDArray[np.float64]


class Choice(StrEnum):
    """How the span of stream time up to one look is looked at.

    HOLD: nothing changed, what was detected last still stands. DEFER: something moves, and the next look tells whether
    any of it stays; this one proves nothing. DETECT: the detector is asked about the look itself.
    WAIT: it was, and the next look decides whether the span matters. STRETCH: the whole span is decoded and looked at,
    and with it those that wait.
    """

    HOLD = "hold"
    DEFER = "defer"
    DETECT = "detect"
    WAIT = "wait"
    STRETCH = "stretch"


class Watch(StrEnum):
    """How closely a crossing is watched: by its keyframes, at a low rate, at half the rule's rate, or at the rule's."""

    IDLE = "idle"
    VIGIL = "vigil"
    COMING = "coming"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Heed:
    """What the rules know as of the last scene: who stands, and whether a vehicle is on its way over a crossing."""

    standers: Sequence[Stander] = ()
    following: bool = False


def overlaps(first: Boxes, second: Boxes) -> Boxes:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.clip(high - low, 0, None)
    common = sides[..., 0] * sides[..., 1]
    union = _areas(first)[:, None] + _areas(second)[None, :] - common
    shares: Boxes = common / np.maximum(union, 1e-9)
    return shares


def matched(boxes: Boxes, others: Boxes, iou: float) -> NDArray[np.bool_]:
    """Which of `boxes` (N, 4) overlap one of `others` (M, 4) by at least `iou`; (N,) bool."""
    if not len(boxes) or not len(others):
        return np.zeros(len(boxes), dtype=bool)
    found: NDArray[np.bool_] = overlaps(boxes, others).max(axis=1) >= iou
    return found


def _areas(boxes: Boxes) -> Boxes:
    areas: Boxes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


NOBODY: Boxes = np.zeros((0, 4))
