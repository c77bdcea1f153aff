"""Who is in a scene and where at every instant: exact positions in metres, before any camera.

World as in `tests.scenes.world`: x to the right, y forward, metres; headings in radians, 0 is +y, pi/2 is +x.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.scenes.world import DRAWN

Array = NDArray[np.float64]
#: Step of the simulated truth [s].
DT = 0.05


@dataclass(frozen=True)
class Way:
    """Truth of one actor: instants `t` (N,) evenly `DT` apart, places `xy` (N, 2) of its middle, `heading` (N,)."""

    t: Array
    xy: Array
    heading: Array

    def places(self, times: Array) -> Array:
        """(M, 2) at `times`, nan where it does not exist."""
        found = np.column_stack([np.interp(times, self.t, self.xy[:, axis]) for axis in (0, 1)])
        found[(times < self.t[0]) | (times > self.t[-1])] = np.nan
        return found

    def headings(self, times: Array) -> Array:
        """(M,) at `times`."""
        turned = np.interp(times, self.t, np.unwrap(self.heading))
        return np.asarray(turned, dtype=np.float64)

    @property
    def speed(self) -> Array:
        """Metres a second (N,), without direction."""
        steps = np.gradient(self.xy, self.t, axis=0)
        found: Array = np.hypot(steps[:, 0], steps[:, 1])
        return found


@dataclass(frozen=True)
class Actor:
    """One road user. `kind` is the detector's class, `size` length, width, height in metres, `lift` metres above road.

    `role`: vehicle, pedestrian, rider (on a two-wheeler), cycle, passenger (a child in a pushchair counts with its
    pusher), ghost (something the detector never sees, for the law alone). `lane` names the lane a vehicle drives in.
    """

    name: str
    kind: str
    way: Way
    role: str
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lift: float = 0.0
    lane: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def length(self) -> float:
        """Metres along its heading."""
        return self.dimensions[0]

    @property
    def dimensions(self) -> tuple[float, float, float]:
        """Length, width, height in metres."""
        return self.size if self.size[0] else DRAWN[self.kind]


def sized(kind: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """A size of its own for every road user, around what is drawn for its class."""
    spread = {"car": (0.45, 0.08, 0.12), "bus": (0.9, 0.05, 0.2), "truck": (1.2, 0.1, 0.4)}.get(kind, (0.08, 0.04, 0.1))
    drawn = np.array(DRAWN[kind]) + np.clip(rng.normal(0, 1, 3), -2, 2) * np.array(spread) * 0.6
    return float(drawn[0]), float(drawn[1]), float(drawn[2])


__all__ = ["DT", "Actor", "Way", "sized"]
