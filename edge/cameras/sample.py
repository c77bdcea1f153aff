"""Samples of a picture's luma at full size, in which a sensor's noise can be read: squares on a wide grid."""

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
#: Side of a square, and the width to which a picture gives one beside the next; larger ones leave room between. Pixels.
BLOCK, DENSE = 16, 640


def step_of(width: int) -> int:
    """From one square to the next (px), in a picture of this width."""
    return BLOCK * max(1, round(width / DENSE))


def sample(luma: Grey) -> Grey:
    """The squares (n, 16, 16) of a luma picture (height, width), row by row."""
    step = step_of(luma.shape[1])
    rows, columns = luma.shape[0] // step, luma.shape[1] // step
    tiles = luma[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return np.ascontiguousarray(tiles[:, :BLOCK, :, :BLOCK].swapaxes(1, 2).reshape(-1, BLOCK, BLOCK))


__all__ = ["BLOCK", "DENSE", "sample", "step_of"]
