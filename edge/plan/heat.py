"""Where between two looks the picture changed, window by window, and so whether what stands in a box stood still."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.plan.choice import Boxes
from edge.plan.region import Hot, Region

#: Fewer windows than these say nothing about a box.
_LEAST = 4


@dataclass(frozen=True, slots=True)
class Heat:
    """Windows that differ between two looks, of each watched region with what lies around its zone.

    `everywhere`: the view is another, nothing can be compared.
    """

    regions: Sequence[Region] = ()
    hot: Sequence[Hot] = ()
    everywhere: bool = False

    def shares(self, boxes: Boxes) -> NDArray[np.float64]:
        """Of each box (N, 4) px of `frame` the share 0..1 of its windows that changed; NaN where none can tell."""
        found = np.full(len(boxes), np.nan)
        for row, box in enumerate(boxes):
            counted = hot = 0
            for region, grid in zip(self.regions, self.hot, strict=True):
                part = grid[region.windows_in(box)]
                counted += part.size
                hot += int(part.sum())
            if counted >= _LEAST:
                found[row] = 1.0 if self.everywhere else hot / counted
        return found

    def still(self, boxes: Boxes, most: float) -> NDArray[np.bool_]:
        """Which boxes (N, 4) px of `frame` are known to have changed in no more than `most` of their windows."""
        found: NDArray[np.bool_] = np.nan_to_num(self.shares(boxes), nan=np.inf) <= most
        return found

    def moved(self, boxes: Boxes, most: float) -> NDArray[np.bool_]:
        """Which boxes (N, 4) px of `frame` are known to have changed in more than `most` of their windows."""
        found: NDArray[np.bool_] = np.nan_to_num(self.shares(boxes), nan=0.0) > most
        return found


__all__ = ["Heat"]
