"""How far a picture has shifted against another: phase correlation of their fine structure."""

import cv2
import numpy as np

from edge.plan.texture import Grid, Texture

#: Structure above this counts no more [grey levels], so that one moving lamp does not speak for the picture.
_LOUD = 24.0
#: Below this height of the correlation's peak the pictures do not say how they are shifted (identical ones: 1).
_PEAK = 0.1


def shift(before: Texture, now: Texture) -> tuple[float, float] | None:
    """By how many px (x right, y down) the content of `now` lies off that of `before`; None when it cannot be told."""
    height, width = before.fine.shape
    (dx, dy), peak = cv2.phaseCorrelate(
        _quiet(before), _quiet(now), cv2.createHanningWindow((width, height), cv2.CV_32F)
    )
    return (float(dx), float(dy)) if peak >= _PEAK else None


def _quiet(one: Texture) -> Grid:
    return np.clip(one.fine, -_LOUD, _LOUD)


__all__ = ["shift"]
