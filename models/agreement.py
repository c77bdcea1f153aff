"""Does the exported network see what the original sees? Boxes of both on the same pictures, matched one to one."""

from collections.abc import Iterable

import numpy as np

from edge.detect.boxes import overlaps
from edge.detect.package import Agreement
from edge.detect.protocol import Detector, Picture
from edge.frames import Detections

#: Boxes of the one at or above this must be found again by the other, at half of it: a score that lies just on the
#: threshold on one side would otherwise count as disagreement.
SCORE = 0.3
IOU = 0.5


def agree(reference: Detector, export: Detector, pictures: Iterable[Picture], name: str) -> Agreement:
    """Compare two detectors. Recall and precision are 1 where there is nothing to find."""
    boxes = found = own = confirmed = frames = 0
    ious: list[float] = []
    for picture in pictures:
        one, other = reference.detect(picture), export.detect(picture)
        frames += 1
        matched = _matched(one, other)
        boxes, found = boxes + int((one.scores >= SCORE).sum()), found + len(matched)
        own, confirmed = own + int((other.scores >= SCORE).sum()), confirmed + len(_matched(other, one))
        ious.extend(matched)
    return Agreement(
        frames=frames,
        reference=name,
        score=SCORE,
        reference_boxes=boxes,
        recall=round(found / boxes, 4) if boxes else 1.0,
        precision=round(confirmed / own, 4) if own else 1.0,
        mean_iou=round(float(np.mean(ious)), 4) if ious else 0.0,
    )


def _matched(one: Detections, other: Detections) -> list[float]:
    """IoU of each sure box of `one` that `other` has too (same class), best pairs first."""
    sure, there = one.scores >= SCORE, other.scores >= SCORE / 2
    pairs = overlaps(one.boxes[sure], other.boxes[there])
    pairs[one.classes[sure][:, None] != other.classes[there][None, :]] = 0
    found: list[float] = []
    while pairs.size and (best := float(pairs.max())) >= IOU:
        row, column = np.unravel_index(int(pairs.argmax()), pairs.shape)
        pairs[row, :], pairs[:, column] = 0, 0
        found.append(best)
    return found
