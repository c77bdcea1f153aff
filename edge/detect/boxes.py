"""From what a network says to `Detections`: reading its head, keeping the best box of each object.

One object gets one box. Suppression runs within a group of classes that are names for one thing: a van seen both as
car and as truck is one vehicle and must be one track, while a rider stays beside the motorcycle.
"""

import numpy as np
from numpy.typing import NDArray

from edge.detect.package import IOU
from edge.frames import BICYCLE, BUS, CAR, CLASSES, MOTORCYCLE, PERSON, TRUCK, Detections

#: Vehicles of whatever name that overlap more are the same vehicle. On the real clips nearly every pair above it was
#: one vehicle boxed twice (as car and as truck, with and without what hides it); a second box would be a second stay.
VEHICLE_IOU = 0.5
_GROUP = np.zeros(len(CLASSES), np.int8)
_GROUP[[PERSON]] = 0
_GROUP[[BICYCLE, MOTORCYCLE]] = 1
_VEHICLE = 2
_GROUP[[CAR, BUS, TRUCK]] = _VEHICLE
_MOST = 300
#: Candidates beyond this many are noise; the best are kept so that suppression stays cheap.
_MOST_CANDIDATES = 1500

Floats = NDArray[np.float32]


def class_table(names: list[str]) -> NDArray[np.int8]:
    """For each of a network's classes its index in CLASSES, -1 for what no rule knows."""
    return np.array([CLASSES.index(name) if name in CLASSES else -1 for name in names], np.int8)


def read_head(raw: Floats, table: NDArray[np.int8], score: float, iou: float = IOU) -> Detections:
    """`Detections` in input px from a head (1, 4 + C, N) of centre x, y, width, height and C scores.

    A head (1, N, 6) is one that already suppressed (x1 y1 x2 y2 score class), as YOLO26 exports have it.
    Raises ValueError when the shape fits neither.
    """
    if raw.ndim != 3 or raw.shape[0] != 1:
        raise ValueError(f"a head is (1, {4 + len(table)}, N) or (1, N, 6), not {raw.shape}")
    if raw.shape[1] == 4 + len(table):
        return _read_dense(raw[0], table, score, iou)
    if raw.shape[2] == 6:
        rows = raw[0][raw[0, :, 4] >= score]
        return _settle_known(rows[:, :4], rows[:, 4], table[rows[:, 5].astype(np.intp)], iou)
    raise ValueError(f"a head is (1, {4 + len(table)}, N) or (1, N, 6), not {raw.shape}")


def _read_dense(raw: Floats, table: NDArray[np.int8], score: float, iou: float) -> Detections:
    known = np.flatnonzero(table >= 0)
    hopeful = np.flatnonzero(raw[4 + known].max(axis=0) >= score)
    scores = raw[4:, hopeful]
    best = scores.argmax(axis=0)
    centre = raw[:4, hopeful].T
    half = centre[:, 2:] / 2
    boxes = np.concatenate([centre[:, :2] - half, centre[:, :2] + half], axis=1)
    return _settle_known(boxes, scores[best, np.arange(len(hopeful))], table[best], iou)


def _settle_known(boxes: Floats, scores: Floats, classes: NDArray[np.int8], iou: float) -> Detections:
    known = (classes >= 0) & np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return settle(boxes[known], scores[known], classes[known], iou)


def settle(boxes: Floats, scores: Floats, classes: NDArray[np.int8], iou: float = IOU) -> Detections:
    """The best box of each object, best first: at most 300. Boxes (N, 4) px, classes as in CLASSES."""
    order = np.argsort(-scores, kind="stable")[:_MOST_CANDIDATES]
    boxes, scores, classes = boxes[order].astype(np.float32), scores[order], classes[order]
    keep = _best(boxes, classes, iou)[:_MOST]
    return Detections(boxes[keep], scores[keep].astype(np.float32), classes[keep].astype(np.int8))


def _best(boxes: Floats, classes: NDArray[np.int8], iou: float) -> NDArray[np.intp]:
    """Indices that survive greedy suppression; `boxes` are sorted, best first."""
    alive = np.ones(len(boxes), bool)
    groups = _GROUP[classes]
    kept: list[int] = []
    for index in range(len(boxes)):
        if not alive[index]:
            continue
        kept.append(index)
        rest = slice(index + 1, None)
        limit = min(iou, VEHICLE_IOU) if groups[index] == _VEHICLE else iou
        same = groups[rest] == groups[index]
        alive[rest] &= ~(same & (overlaps(boxes[index : index + 1], boxes[rest])[0] > limit))
    return np.array(kept, np.intp)


def overlaps(one: Floats, other: Floats) -> Floats:
    """Intersection over union of every box of `one` (N, 4) with every box of `other` (M, 4): (N, M)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=2)
    area = (one[:, 2:] - one[:, :2]).prod(axis=1)[:, None] + (other[:, 2:] - other[:, :2]).prod(axis=1)[None, :]
    union = np.maximum(area - inter, np.float32(1e-9))
    return np.asarray(inter / union, np.float32)
