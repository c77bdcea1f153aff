"""One box of one vehicle, as the parking rule is given it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.frames import BICYCLE, MOTORCYCLE, Facts

Array = NDArray[np.float64]

TWO_WHEELERS = frozenset({BICYCLE, MOTORCYCLE})


@dataclass(frozen=True, slots=True)
class Sighting:
    """One box of one vehicle: stream time, box (4,) px, class, score, and the tracker's hint who it is."""

    t: float
    box: Array
    kind: int
    score: float
    track_id: int
    facts: Facts

    @property
    def two_wheeler(self) -> bool:
        """Whether this is a bicycle or motorcycle."""
        return self.kind in TWO_WHEELERS
