"""The boxes of one group in one frame, and where each would stand if it were this or that mover."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edge.frames import Scene
from edge.rules.footing import COVERED, OPEN, Footing, covered_feet, feet
from edge.rules.ground import Plane

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Known(Protocol):
    """Something whose height may be known from before."""

    def stature(self) -> float | None:
        """Metres that its box is high when its feet are free; None while they never were."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """Boxes (N, 4) px of one group at stream time `t`, their track ids, the road points (N, 2) m under their lower
    edges as they are, the unit vectors `sight` (N, 2) towards the camera there, and whether something nearer covers
    the lower edges."""

    t: float
    boxes: Array
    ids: NDArray[np.int64]
    stands: Array
    sight: Array
    covered: Flags
    footing: Footing
    plane: Plane

    @classmethod
    def of(cls, scene: Scene, boxes: Array, rows: list[int], solid: list[int], plane: Plane) -> Self:
        """Of all `boxes` of a scene those in `rows`; those in `solid` can hide others."""
        mine = boxes[rows]
        both = np.concatenate([mine, boxes[solid]])
        covered = covered_feet(both, np.arange(len(both)) >= len(mine))[: len(mine)]
        stands = plane.metres(feet(mine))
        sight = _towards(mine, stands, plane)
        return cls(scene.t, mine, scene.tracks.ids[rows], stands, sight, covered, Footing.of(mine, plane), plane)

    def places(self, mover: Known) -> tuple[Array, Flags]:
        """Where (N, 2) m the boxes would stand if they were this mover's, and whose lower edges (N,) are then hidden.

        The height it has had tells; while that is unknown, what is covered counts as hidden and stays where it seems.
        """
        stature = mover.stature()
        if stature is None:
            return self.stands, self.covered
        full = self.boxes.copy()
        full[:, 3] = self.footing.low(stature, np.where(self.covered, COVERED, OPEN))
        hidden: Flags = full[:, 3] > self.boxes[:, 3]
        if not hidden.any():
            return self.stands, hidden
        found = self.stands.copy()
        found[hidden] = self.plane.metres(feet(full[hidden]))
        return found, hidden


def _towards(boxes: Array, stands: Array, plane: Plane) -> Array:
    nearer = plane.metres(feet(boxes) + np.array([0.0, 2.0])) - stands
    unit: Array = nearer / np.maximum(np.hypot(nearer[:, 0], nearer[:, 1]), 1e-9)[:, None]
    return unit
