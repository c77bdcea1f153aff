"""Arithmetic of boxes: float64 (4,) or (N, 4), x1 y1 x2 y2 in pixels, x right, y down."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def iou_matrix(first: Array, second: Array) -> Array:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4)."""
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    common = overlaps(first, second)
    union = areas(first)[:, None] + areas(second)[None, :] - common
    shares: Array = common / np.maximum(union, 1e-9)
    return shares


def overlaps(first: Array, second: Array) -> Array:
    """Intersection areas (N, M) in square pixels of boxes (N, 4) and (M, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.clip(high - low, 0.0, None)
    common: Array = sides[..., 0] * sides[..., 1]
    return common


def areas(boxes: Array) -> Array:
    """Areas (N,) in square pixels."""
    found: Array = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return found


def iou(first: Array, second: Array) -> float:
    """Intersection over union of two boxes."""
    return float(iou_matrix(first[None], second[None])[0, 0])


def feet(boxes: Array) -> Array:
    """Bottom centres (N, 2) of boxes (N, 4): where a thing meets the road."""
    return np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])


def agreeing_edges(first: Array, second: Array, tolerance: float) -> tuple[int, int]:
    """How many upright and how many level edges of two boxes lie within `tolerance` px of each other."""
    near = np.abs(first - second) <= tolerance
    return int(near[0]) + int(near[2]), int(near[1]) + int(near[3])


def alike(whole: Array, box: Array, near: float) -> bool:
    """Whether all edges of two boxes agree within `near` x the root of the area of `whole`."""
    return bool(np.abs(whole - box).max() <= near * float(areas(whole[None])[0]) ** 0.5)


def one_edge_off(whole: Array, box: Array, near: float, off: float) -> bool:
    """Whether `box` is `whole` but for one edge: half hidden behind something, or run together with a neighbour.

    Three edges agree within `near` x the root of the area, the fourth is off by more than `off` x that. Something
    that moves shifts at least two edges, something that comes nearer all four.
    """
    shifts = np.sort(np.abs(whole - box)) / float(areas(whole[None])[0]) ** 0.5
    return bool(shifts[2] <= near and shifts[3] > off)


def displaced(whole: Array, box: Array, off: float) -> bool:
    """Whether `box` is `whole` moved elsewhere: two opposite edges have shifted the same way.

    Shifted: by more than `off` x the root of the area. What is half hidden, or run together with a neighbour, keeps
    one edge of each pair or spreads both.
    """
    shifts = (box - whole) / float(areas(whole[None])[0]) ** 0.5
    pairs = np.array([[shifts[0], shifts[2]], [shifts[1], shifts[3]]])
    return bool(((pairs > off).all(axis=1) | (pairs < -off).all(axis=1)).any())
