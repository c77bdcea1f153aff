"""A flat world in metres and a pinhole camera over it: things move, boxes come out, noise is drawn from a fixed seed.

World: x to the right, y forward (away from the camera's foot), z up, metres. Image: x right, y down, pixels.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.frames import CLASSES, Facts, Scene, Tracks

Array = NDArray[np.float64]
Place = Callable[[float], tuple[float, float] | None]

#: Length, width, height in metres of what is drawn; not those the rules assume, for no two cars are alike.
DRAWN = {
    "person": (0.45, 0.5, 1.72),
    "bicycle": (1.75, 0.55, 1.05),
    "motorcycle": (2.0, 0.75, 1.15),
    "car": (4.4, 1.8, 1.48),
    "bus": (11.5, 2.5, 3.0),
    "truck": (7.2, 2.4, 2.9),
}


@dataclass(frozen=True)
class Pinhole:
    """A camera without distortion `height` m above (x, y), turned `pan` to the right and `tilt` down (degrees)."""

    frame: tuple[int, int] = (1280, 720)
    focal: float = 1000.0
    height: float = 6.0
    x: float = 0.0
    y: float = 0.0
    tilt: float = 15.0
    pan: float = 0.0

    def project(self, points: Array) -> Array:
        """Pixels (N, 2) of world points (N, 3); points behind the camera are nan."""
        pan, tilt = np.deg2rad(self.pan), np.deg2rad(self.tilt)
        moved = np.asarray(points, dtype=np.float64) - (self.x, self.y, self.height)
        across = moved[:, 0] * np.cos(pan) - moved[:, 1] * np.sin(pan)
        ahead = moved[:, 0] * np.sin(pan) + moved[:, 1] * np.cos(pan)
        depth = ahead * np.cos(tilt) - moved[:, 2] * np.sin(tilt)
        down = -moved[:, 2] * np.cos(tilt) - ahead * np.sin(tilt)
        depth = np.where(depth > 0.2, depth, np.nan)
        return np.column_stack(
            [self.frame[0] / 2 + self.focal * across / depth, self.frame[1] / 2 + self.focal * down / depth]
        )

    def ground(self, points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        """Pixels of points of the road."""
        flat = np.array([(x, y, 0.0) for x, y in points])
        return [(float(x), float(y)) for x, y in self.project(flat)]


@dataclass(frozen=True)
class Thing:
    """Something that moves: class name, place (x, y) of its middle by time (None: not there), facts.

    `heading` (degrees, 0 = forward, 90 = right) is taken from its motion unless given. `lift` raises it (a rider).
    """

    kind: str
    place: Place
    id: int
    heading: float | None = None
    size: tuple[float, float, float] | None = None
    lift: float = 0.0
    facts: Facts = field(default_factory=Facts)

    def corners(self, t: float) -> Array | None:
        """The eight corners (8, 3) in metres at `t`."""
        middle = self.place(t)
        if middle is None:
            return None
        length, width, height = self.size or DRAWN[self.kind]
        turn = np.deg2rad(self.heading) if self.heading is not None else self._course(t, middle)
        along, across = np.array([np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), -np.sin(turn)])
        flat = [np.array(middle) + a * length / 2 * along + b * width / 2 * across for a in (-1, 1) for b in (-1, 1)]
        return np.array([[*point, z] for point in flat for z in (self.lift, self.lift + height)])

    def _course(self, t: float, middle: tuple[float, float]) -> float:
        for step in (0.1, -0.1, 1.0, -1.0, 4.0, -4.0, 15.0, -15.0):
            other = self.place(t + step)
            if other is not None and np.hypot(other[0] - middle[0], other[1] - middle[1]) > 0.02:
                sign = np.sign(step)
                return float(np.arctan2(sign * (other[0] - middle[0]), sign * (other[1] - middle[1])))
        return 0.0


@dataclass
class World:
    """Things before a camera, and what a detector would tell of them.

    `noise` is the standard deviation of each box edge in pixels, `miss` the share of sightings that are lost,
    `drop` the share of whole frames that are.
    """

    camera: Pinhole
    things: list[Thing]
    noise: float = 0.0
    miss: float = 0.0
    drop: float = 0.0
    seed: int = 1
    signal: Callable[[float], Mapping[str, str]] = field(default=lambda _t: {})

    def scenes(self, t0: float, t1: float, fps: float = 12.5, jitter: float = 0.0) -> Iterator[Scene]:
        """Scenes from `t0` to `t1` s; `jitter` (share of a frame) makes the time stamps irregular."""
        rng = np.random.default_rng(self.seed)
        for index in range(round((t1 - t0) * fps)):
            t = t0 + (index + jitter * float(rng.uniform(-0.5, 0.5))) / fps
            seen = [item for thing in self.things if (item := self._seen(thing, t, rng)) is not None]
            if rng.uniform() >= self.drop:
                yield Scene(t, tracks_of(seen), dict(self.signal(t)))

    def _seen(self, thing: Thing, t: float, rng: np.random.Generator) -> tuple[Thing, Array] | None:
        corners = thing.corners(t)
        shake = rng.normal(0.0, 1.0, 4) * self.noise
        missed = rng.uniform() < self.miss
        if corners is None or missed:
            return None
        pixels = self.camera.project(corners)
        if np.isnan(pixels).any():
            return None
        box = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)]) + shake
        width, height = self.camera.frame
        cut = np.clip(box, 0, [width, height, width, height])
        if (cut[2] - cut[0]) * (cut[3] - cut[1]) < 0.3 * (box[2] - box[0]) * (box[3] - box[1]):
            return None
        return thing, cut


def tracks_of(seen: list[tuple[Thing, Array]]) -> Tracks:
    """The arrays that a tracker hands to the rules."""
    if not seen:
        return Tracks.empty()
    return Tracks(
        ids=np.array([thing.id for thing, _ in seen], dtype=np.int64),
        boxes=np.array([box for _, box in seen], dtype=np.float32),
        scores=np.full(len(seen), 0.9, dtype=np.float32),
        classes=np.array([CLASSES.index(thing.kind) for thing, _ in seen], dtype=np.int8),
        facts={thing.id: thing.facts for thing, _ in seen},
    )


def path(*points: tuple[float, float, float]) -> Place:
    """A place that goes straight and evenly between (t, x, y), and does not exist outside them."""
    times, xs, ys = (np.array(column) for column in zip(*points, strict=True))

    def place(t: float) -> tuple[float, float] | None:
        if t < times[0] or t > times[-1]:
            return None
        return float(np.interp(t, times, xs)), float(np.interp(t, times, ys))

    return place
