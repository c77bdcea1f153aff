"""Where something stands whose lower edge a nearer one hides: its upper edge and the height it has had tell.

All ground places hang on the lower edge of a box (domain section C2, foot point). Behind a passing car a pedestrian's
box ends at the car's roof, and taken as it is the pedestrian would stand metres farther away. Over a plane road the
pixels of a metre grow linearly with the image row, so a height in metres and an upper edge give the lower one.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge.rules.ground import Plane

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: What covers this share of a box's breadth, from its lower edge on, may hide it.
_COVERS = 0.3
#: A box ends where the nearer one begins, give or take this share of its height.
_TOUCH = 0.1
#: The nearer one stands lower in the image by at least this share of the height.
_NEARER = 0.08
#: A box is whole that falls short of its height by less than the first where something is seen to cover it, by less
#: than the second in open view: what covers it may itself be undetected. One that shows less than a fifth says nothing.
COVERED, OPEN = 1.08, 1.2
_LEAST_SHOWN = 0.2


@dataclass(frozen=True, slots=True)
class Footing:
    """Boxes (N, 4) px, side by side with `scale` (N,), the pixels of a metre across at the lower edge, and `growth`
    (N,), by how much that grows with each row."""

    boxes: Array
    scale: Array
    growth: Array

    @classmethod
    def of(cls, boxes: Array, plane: Plane) -> Self:
        """Measure the plane at the lower edges."""
        middle, low = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]
        further = low + np.maximum(0.1 * (low - boxes[:, 1]), 2.0)
        points = [np.column_stack([middle + off, row]) for row in (low, further) for off in (-1.0, 1.0)]
        metres = plane.metres(np.concatenate(points)).reshape(4, -1, 2)
        here, there = (2.0 / np.maximum(np.hypot(*(metres[n + 1] - metres[n]).T), 1e-6) for n in (0, 2))
        return cls(boxes, here, (there - here) / (further - low))

    @property
    def height(self) -> Array:
        """Metres (N,) that the boxes are high where they end."""
        tall: Array = (self.boxes[:, 3] - self.boxes[:, 1]) / self.scale
        return tall

    def low(self, height: Array | float, slack: Array | float) -> Array:
        """The lower edge (N,) px of something so many metres high with the upper edge of each box; the box's own where
        it falls short of that height by no more than the factor `slack`."""
        top, low = self.boxes[:, 1], self.boxes[:, 3]
        share = 1.0 - height * self.growth
        full = (top + height * (self.scale - self.growth * low)) / np.maximum(share, 0.1)
        shown = (low - top) / np.maximum(full - top, 1e-9)
        found: Array = np.where((share > 0.1) & (shown * slack < 1.0) & (shown > _LEAST_SHOWN), full, low)
        return found


def covered_feet(boxes: Array, solid: Flags) -> Flags:
    """Whether the lower edge of each box (N, 4) px may lie behind a nearer one; `solid` (N,) says which can hide."""
    x1, y1, x2, y2 = boxes.T
    height, width = y2 - y1, np.maximum(x2 - x1, 1e-9)
    shared = np.minimum(x2[:, None], x2[None, :]) - np.maximum(x1[:, None], x1[None, :])
    covers = shared >= _COVERS * width[:, None]
    touches = y1[None, :] - _TOUCH * height[:, None] <= y2[:, None]
    nearer = y2[None, :] > y2[:, None] + _NEARER * height[:, None]
    hidden: Flags = (covers & touches & nearer & solid[None, :]).any(axis=1)
    return hidden


def feet(boxes: Array) -> Array:
    """Middles (N, 2) px of the lower edges of boxes (N, 4)."""
    return np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])


def restored(boxes: Array, height: Array, plane: Plane) -> Array:
    """Boxes (N, 4) px of things `height` (N,) m high, their lower edges put where the upper ones and the height say."""
    full = boxes.copy()
    full[:, 3] = Footing.of(boxes, plane).low(height, COVERED)
    return full


def steady(values: Array) -> Array:
    """The running median of five of values (N,)."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(values, 2, mode="edge"), 5)
    middle: Array = np.median(around, axis=1)
    return middle
