"""Where a moving vehicle can be when it is seen next: between where it was and where its pace would have taken it.

At one or two pictures a second the boxes of a vehicle that arrives or drives off need not overlap from one sighting to
the next, and a tracker gives it a new id. Its way does not break off for that: braking it is found short of where its
pace leads, pulling away somewhat beyond.
"""

import numpy as np
from numpy.typing import NDArray

from edge.rules import boxes
from edge.rules.vehicle import Vehicle

Array = NDArray[np.float64]

#: Its pace is taken from sightings at least this far apart [s], and no farther than that.
LEAST_PACE_S, MOST_PACE_S = 0.25, 2.5
#: Shares of the way that its pace leads, from braking to pulling away.
SHARES = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.5])


def way_on(vehicle: Vehicle, t: float) -> Array:
    """Boxes (K, 4) px where a vehicle may be seen at stream second `t`; its last box alone while no pace is known."""
    last = vehicle.last
    before = next(
        (one for one in reversed(vehicle.recent) if LEAST_PACE_S <= last.t - one.t <= MOST_PACE_S),
        None,
    )
    if before is None or t <= last.t:
        return last.box[None]
    ratio = SHARES[:, None] * (t - last.t) / (last.t - before.t)
    feet = boxes.feet(np.array([before.box, last.box]))
    ahead = feet[1] + ratio * (feet[1] - feet[0])
    sides = np.log(np.array([_sides(before.box), _sides(last.box)]))
    # Perspective: nearer by so much is larger by so much, and no pace makes a box twice as large.
    growth = np.exp(np.clip(ratio * (sides[1] - sides[0]), -0.7, 0.7))
    width, height = (_sides(last.box) * growth).T
    return np.column_stack([ahead[:, 0] - width / 2, ahead[:, 1] - height, ahead[:, 0] + width / 2, ahead[:, 1]])


def on_the_way(vehicle: Vehicle, seen: Array, t: float) -> Array:
    """How well (N,) boxes (N, 4) fit the way on of a vehicle: the best overlap 0..1."""
    if not len(seen):
        return np.zeros(0)
    best: Array = boxes.iou_matrix(way_on(vehicle, t), seen).max(axis=0)
    return best


def _sides(box: Array) -> Array:
    sides: Array = np.maximum(np.array([box[2] - box[0], box[3] - box[1]]), 1.0)
    return sides
