"""The rectangle on the road under a vehicle's box: where its front and rear are (domain section C2).

The box is explained by a rectangle of the class's length and width that lies along the heading: its nearest corner
on the box's lower edge; sideways, the middles meet when the vehicle is seen from front or rear and the leading edges
when it is seen from the side. So an approaching vehicle has its front at the lower edge, a receding one at its visible
rear plus the class length, and one seen from the side at the leading lower corner, as C2 asks, without a step between.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.rules.ground import Plane
from edge.rules.sizes import Size

Array = NDArray[np.float64]

_ROUNDS = 6
_CLOSE_M = 0.005


@dataclass(frozen=True, slots=True)
class Footprints:
    """Rectangles on the road, metres: middles (N, 2), one heading (2,) of length 1, one size."""

    middle: Array
    heading: Array
    size: Size

    @property
    def front(self) -> Array:
        """Middle of the front edge, (N, 2)."""
        ahead: Array = self.middle + self.heading * self.size.length / 2
        return ahead

    @property
    def rear(self) -> Array:
        """Middle of the rear edge, (N, 2)."""
        behind: Array = self.middle - self.heading * self.size.length / 2
        return behind

    def corners(self) -> Array:
        """(N, 4, 2) in order round the rectangle."""
        return rectangles(self.middle, self.heading, self.size)


def rectangles(middle: Array, heading: Array, size: Size) -> Array:
    """Corners (N, 4, 2) of rectangles of `size` around `middle` (N, 2) along `heading` (2,)."""
    along = heading * size.length / 2
    across = np.array([heading[1], -heading[0]]) * size.width / 2
    corners: Array = (
        middle[:, None, :] + np.array([along + across, along - across, -along - across, across - along])[None]
    )
    return corners


def footprints(boxes: Array, heading: Array, size: Size, plane: Plane) -> Footprints:
    """Footprints of boxes (N, 4) px of vehicles that head along `heading` (2,), a unit vector in metres."""
    foot = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])
    side = _side(foot, heading, plane)
    target = foot + np.column_stack([side * (boxes[:, 2] - boxes[:, 0]) / 2, np.zeros(len(boxes))])
    middle, goal = plane.metres(foot), plane.metres(target)
    for _ in range(_ROUNDS):
        drawn = plane.pixels(rectangles(middle, heading, size).reshape(-1, 2)).reshape(-1, 4, 2)
        left, right, low = drawn[:, :, 0].min(axis=1), drawn[:, :, 0].max(axis=1), drawn[:, :, 1].max(axis=1)
        lead = np.column_stack([(left + right) / 2 + side * (right - left) / 2, low])
        step = goal - plane.metres(lead)
        middle = middle + step
        if float(np.abs(step).max(initial=0.0)) < _CLOSE_M:
            break
    return Footprints(middle, heading, size)


def _side(foot: Array, heading: Array, plane: Plane) -> Array:
    """Share (N,) -1..1 in which a vehicle at `foot` is seen from the side, signed by where it goes in the image."""
    here = plane.metres(foot)
    away = here - plane.metres(foot - np.array([0.0, -2.0]))
    away = away / np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)[:, None]
    sine = np.abs(away[:, 0] * heading[1] - away[:, 1] * heading[0])
    moved = plane.pixels(here + heading * 0.5) - foot
    signed: Array = sine * np.sign(moved[:, 0])
    return signed


def trusted(boxes: Array, heading: Array, frame: tuple[int, int], plane: Plane) -> NDArray[np.bool_]:
    """Which boxes (N, 4) show what a footprint hangs on: the lower edge, and the leading side (both sides seen end on).

    A box cut there by the edge of the frame (width, height) px says nothing of where the vehicle is.
    """
    margin = max(2.0, 0.004 * frame[1])
    side = _side(np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]]), heading, plane)
    cut_left, cut_right = boxes[:, 0] <= margin, boxes[:, 2] >= frame[0] - margin
    lead_cut = np.where(side > 0.3, cut_right, np.where(side < -0.3, cut_left, cut_left | cut_right))
    seen: NDArray[np.bool_] = (boxes[:, 3] < frame[1] - margin) & ~lead_cut
    return seen


def at_edge(box: tuple[float, float, float, float], frame: tuple[int, int]) -> bool:
    """Whether a box touches the edge of the frame, where things leave the view."""
    x_margin, y_margin = max(3.0, 0.01 * frame[0]), max(3.0, 0.01 * frame[1])
    beside = box[0] <= x_margin or box[2] >= frame[0] - x_margin
    return beside or box[1] <= y_margin or box[3] >= frame[1] - y_margin
