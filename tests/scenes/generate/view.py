"""The camera of a scene: a pinhole with a pose of its own, mirrored or not, and what it would see without any fault.

Nothing here is noisy: boxes are exact, and how much of each is hidden behind nearer road users is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.scenes.generate.actors import Actor
from tests.scenes.world import Pinhole

Array = NDArray[np.float64]
_GRID = 12
#: An occluder's silhouette fills about this much of its box, side by side.
_SOLID = 0.9


@dataclass(frozen=True)
class View:
    """A pinhole and whether its picture is mirrored (traffic then keeps left)."""

    pinhole: Pinhole
    mirrored: bool = False

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pinhole.frame

    def pixels(self, metres: Iterable[tuple[float, float]]) -> list[list[float]]:
        """Pixels of points of the road, to a tenth. Raises ValueError for a point behind the camera."""
        found = np.array(self.pinhole.ground(metres))
        if np.isnan(found).any():
            raise ValueError("a point of the site lies behind the camera")
        if self.mirrored:
            found[:, 0] = self.frame[0] - found[:, 0]
        return [[round(float(x), 1), round(float(y), 1)] for x, y in found]

    def boxes(self, actor: Actor, times: Array) -> tuple[Array, Array, Array]:
        """Exact boxes (T, 4) clipped to the frame, share of each that is in the frame (T,), distance in metres (T,).

        Rows of nan where the actor is not there or is behind the camera.
        """
        middle, turn = actor.way.places(times), actor.way.headings(times)
        length, width, height = actor.dimensions
        ahead = np.column_stack([np.sin(turn), np.cos(turn)]) * length / 2
        aside = np.column_stack([np.cos(turn), -np.sin(turn)]) * width / 2
        corners = [
            np.column_stack([middle + a * ahead + b * aside, np.full(len(times), z)])
            for a in (-1, 1)
            for b in (-1, 1)
            for z in (actor.lift, actor.lift + height)
        ]
        seen = np.stack([self.pinhole.project(corner) for corner in corners])
        whole = np.concatenate([seen.min(axis=0), seen.max(axis=0)], axis=1)
        if self.mirrored:
            whole[:, [0, 2]] = self.frame[0] - whole[:, [2, 0]]
        limits = np.array([*self.frame, *self.frame], dtype=np.float64)
        cut = np.clip(whole, 0, limits)
        inside = _area(cut) / np.maximum(_area(whole), 1e-9)
        away = np.hypot(middle[:, 0] - self.pinhole.x, middle[:, 1] - self.pinhole.y)
        return cut, inside, away


@dataclass(frozen=True)
class Sight:
    """What is to be seen of one actor: `box` (T, 4) of its visible part, `shown` (T,) share that is visible and
    in the frame (0 where it is not there), `whole` (T, 4) the box without occlusion."""

    actor: Actor
    box: Array
    shown: Array
    whole: Array


def sights(view: View, actors: Sequence[Actor], times: Array) -> list[Sight]:
    """Every actor with what nearer ones leave of it."""
    seen = [(actor, *view.boxes(actor, times)) for actor in actors]
    found = []
    for number, (actor, box, inside, away) in enumerate(seen):
        nearer = [
            (other_box, other_away < away - 0.15, _same_body(actor, other))
            for index, (other, other_box, _, other_away) in enumerate(seen)
            if index != number and not actor.role == other.role == "ghost"
        ]
        visible, shown = _uncovered(box, [(b, near) for b, near, together in nearer if not together])
        shown = np.where(np.isnan(box).any(axis=1), 0.0, shown * inside)
        found.append(Sight(actor, visible, shown, box))
    return found


def _same_body(one: Actor, other: Actor) -> bool:
    """A rider does not hide his own bicycle: their names begin alike."""
    return one.name.split("/")[0] == other.name.split("/")[0]


def _uncovered(box: Array, nearer: list[tuple[Array, NDArray[np.bool_]]]) -> tuple[Array, Array]:
    """(box of the part that no nearer box covers (T, 4), its share (T,))."""
    free = np.ones((len(box), _GRID, _GRID), dtype=bool)
    steps = (np.arange(_GRID) + 0.5) / _GRID
    xs = box[:, [0]] + steps * (box[:, [2]] - box[:, [0]])
    ys = box[:, [1]] + steps * (box[:, [3]] - box[:, [1]])
    for other, near in nearer:
        if not near.any():
            continue
        margin = (1 - _SOLID) / 2 * (other[:, 2] - other[:, 0])
        in_x = (xs > (other[:, 0] + margin)[:, None]) & (xs < (other[:, 2] - margin)[:, None])
        in_y = (ys > other[:, [1]]) & (ys < other[:, [3]])
        free &= ~((in_y[:, :, None] & in_x[:, None, :]) & near[:, None, None])
    share = free.mean(axis=(1, 2))
    rows, columns = free.any(axis=2), free.any(axis=1)
    cell = (box[:, 2:] - box[:, :2]) / _GRID
    low = np.column_stack([columns.argmax(axis=1), rows.argmax(axis=1)])
    high = _GRID - np.column_stack([columns[:, ::-1].argmax(axis=1), rows[:, ::-1].argmax(axis=1)])
    return np.concatenate([box[:, :2] + low * cell, box[:, :2] + high * cell], axis=1), share


def _area(box: Array) -> Array:
    sides = np.clip(box[:, 2:] - box[:, :2], 0, None)
    area: Array = sides[:, 0] * sides[:, 1]
    return area
