"""How far a picture has shifted against another: phase correlation of their fine structure."""

from functools import lru_cache

import cv2
import numpy as np

from edge.plan.texture import Grid, Texture

#: Structure above this counts no more [grey levels], so that one moving lamp does not speak for the picture.
_LOUD = 24.0
#: Below this height of the correlation's peak the pictures do not say how they are shifted (identical ones: 1).
_PEAK = 0.1


def shift(before: Texture, now: Texture) -> tuple[float, float] | None:
    """By how many px (x right, y down) the content of `now` lies off that of `before`; None when it cannot be told."""
    height, width = (_even(side) for side in before.fine.shape)
    window = _window(width, height)
    (dx, dy), peak = cv2.phaseCorrelate(_quiet(before, width, height), _quiet(now, width, height), window)
    return (float(dx), float(dy)) if peak >= _PEAK else None


def _quiet(one: Texture, width: int, height: int) -> Grid:
    return np.minimum(np.maximum(one.fine[:height, :width], -_LOUD), _LOUD)


@lru_cache(maxsize=256)
def _even(side: int) -> int:
    """The longest even side that a DFT takes as it is; OpenCV pads others, and to an odd one is half a pixel wrong."""
    side -= side % 2
    while cv2.getOptimalDFTSize(side) != side:
        side -= 2
    return side


@lru_cache(maxsize=64)
def _window(width: int, height: int) -> Grid:
    return np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F), np.float32)


__all__ = ["shift"]
