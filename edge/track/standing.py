"""Gives a faint detection back to the standing thing that it is.

ByteTrack continues a track by a detection of low score only in the very next frame; one missed frame at 2 frames/s and
a parked car that the detector sees faintly is lost for many seconds, although it stands where it stood. What has
stood still is therefore remembered by its place for a while. Moving tracks are left to ByteTrack alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A track whose box has overlapped its own anchor by this much, for this long [s], stands.
STILL_IOU, STILL_S = 0.6, 1.5
#: A detection that no track claims is a standing track's when it overlaps its box so much, within that many seconds.
SAME_IOU, MEMORY_S = 0.6, 20.0

Array = NDArray[np.float32]


@dataclass(slots=True)
class _Seen:
    anchor: Array
    since: float
    box: Array
    last: float

    @property
    def stands(self) -> bool:
        return self.last - self.since >= STILL_S


class Standing:
    """What stands before one camera, by track id. Fed in rising stream time."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}

    def claim(self, t: float, ids: NDArray[np.int64], boxes: Array, free: Array) -> list[tuple[int, int]]:
        """(row of `free`, track id) of unclaimed boxes (M, 4) px that are standing tracks which nobody saw at `t`.

        `ids` (N,) and `boxes` (N, 4) px are the tracks seen at `t`; they and the claimed ones are remembered.
        """
        for one, box in zip(ids.tolist(), boxes, strict=True):
            self._note(t, one, box)
        self._seen = {one: seen for one, seen in self._seen.items() if t - seen.last <= MEMORY_S}
        claimed: list[tuple[int, int]] = []
        taken: set[int] = set()
        for one, seen in self._seen.items():
            if seen.last >= t or not seen.stands or not len(free):
                continue
            overlaps = _iou(seen.box, free)
            overlaps[list(taken)] = 0.0
            row = int(overlaps.argmax())
            # Where another track stands on the place, the place is that track's now.
            if overlaps[row] >= SAME_IOU and not (len(boxes) and _iou(seen.box, boxes).max() >= SAME_IOU):
                claimed.append((row, one))
                taken.add(row)
        for _, one in claimed:
            # Its box stays that of a sure sighting, so that faint ones cannot lead it away step by step.
            self._seen[one].last = t
        return claimed

    def _note(self, t: float, one: int, box: Array) -> None:
        seen = self._seen.get(one)
        if seen is None or _iou(seen.anchor, box[None])[0] < STILL_IOU:
            self._seen[one] = _Seen(box, t, box, t)
        else:
            seen.box, seen.last = box, t


def _iou(box: Array, others: Array) -> Array:
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    sides = np.clip(high - low, 0, None)
    common = sides[:, 0] * sides[:, 1]
    union = _area(box[None]) + _area(others) - common
    shares: Array = common / np.maximum(union, 1e-9)
    return shares


def _area(boxes: Array) -> Array:
    areas: Array = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas
