"""How the actors of the scene move: a vehicle along a path with stops, a person from point to point.

Metres and seconds of the scene; headings are unit vectors of the ground plane.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.demo.scene.world import CROSS_STREET

Floats = NDArray[np.float64]
_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a vehicle's middle is (m) and where it heads (unit vector)."""

    x: float
    y: float
    heading: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stop:
    """Come to rest with the middle of the vehicle at `y` (m) and stay until `until` (s)."""

    y: float
    until: float


class Path:
    """A line on the ground, sampled every quarter metre."""

    def __init__(self, points: Floats) -> None:
        steps = np.hypot(*np.diff(points, axis=0).T)
        self._along = np.concatenate([[0.0], np.cumsum(steps)])
        self._points = points

    @property
    def length(self) -> float:
        """Metres."""
        return float(self._along[-1])

    def at(self, s: float) -> tuple[float, float]:
        """The point `s` metres along."""
        return (
            float(np.interp(s, self._along, self._points[:, 0])),
            float(np.interp(s, self._along, self._points[:, 1])),
        )

    def pose(self, s: float) -> Pose:
        """Position and heading, the heading taken over the wheel base."""
        back, front = self.at(max(0.0, s - 1.5)), self.at(min(self.length, s + 1.5))
        dx, dy = front[0] - back[0], front[1] - back[1]
        size = math.hypot(dx, dy) or 1.0
        x, y = self.at(s)
        return Pose(x, y, (dx / size, dy / size))

    def where(self, y: float) -> float:
        """How far along the path last comes by `y`, metres."""
        near = np.flatnonzero(np.abs(self._points[:, 1] - y) < 0.3)
        return float(self._along[near[np.argmin(np.abs(self._points[near, 1] - y))]])


def down_the_street(lane: float, kerb: tuple[float, float, float, float] | None = None) -> Path:
    """From the cross street around the corner into the lane at x = `lane`, and down past the camera.

    `kerb` = (x, pulled in at y, pulls out from y, back in lane at y) visits the strip along the kerb on the way.
    """
    radius, middle = 6.0, sum(CROSS_STREET) / 2
    turn = np.linspace(0, math.pi / 2, 30)
    corner = np.stack([lane + radius - radius * np.sin(turn), middle - radius + radius * np.cos(turn)], axis=1)
    start = np.stack(
        [np.arange(22.0, lane + radius, -0.25), np.full_like(np.arange(22.0, lane + radius, -0.25), middle)], 1
    )
    ys = np.arange(middle - radius - 0.25, -14.0, -0.25)
    xs = np.full_like(ys, lane)
    if kerb is not None:
        x, arrived, leaves, back = kerb
        share = _smooth((arrived + 11.5 - ys) / 11.5) - _smooth((leaves - ys) / (leaves - back))
        xs = lane + (x - lane) * share
    return Path(np.concatenate([start, corner[1:], np.stack([xs, ys], axis=1)]))


def _smooth(share: Floats) -> Floats:
    part = np.clip(share, 0, 1)
    return np.asarray(part * part * part * (part * (part * 6 - 15) + 10))


class Drive:
    """A vehicle that follows a path: speeds up gently, brakes gently, stands where it is told to."""

    def __init__(self, path: Path, speed: float, start: float, stops: Sequence[Stop] = ()) -> None:
        self.path, self.start = path, start
        self._s = self._driven(speed, [(path.where(stop.y), stop.until) for stop in stops])

    def _driven(self, cruise: float, stops: list[tuple[float, float]]) -> Floats:
        s, v, t, out = 0.0, cruise, self.start, [0.0]
        waiting = list(stops)
        while s < self.path.length and len(out) < 10_000:
            room = waiting[0][0] - s if waiting else math.inf
            wanted = min(cruise, math.sqrt(2 * 1.7 * max(0.0, room)))
            v = min(wanted, v + 1.5 * _STEP)
            if waiting and room < 0.02 and t >= waiting[0][1]:
                waiting.pop(0)
            s, t = s + v * _STEP, t + _STEP
            out.append(s)
        return np.array(out)

    def pose(self, t: float) -> Pose | None:
        """Where it is at scene second `t`; None before it came and after it has gone."""
        index = (t - self.start) / _STEP
        if not 0 <= index < len(self._s) - 1:
            return None
        return self.path.pose(float(np.interp(index, np.arange(len(self._s)), self._s)))

    def reaches(self, y: float) -> float:
        """The scene second at which its middle passes `y`."""
        return self.start + float(np.searchsorted(self._s, self.path.where(y))) * _STEP


@dataclass(frozen=True, slots=True)
class Walk:
    """A person walking from point to point: (t s, x m, y m), straight between them."""

    points: tuple[tuple[float, float, float], ...]

    def at(self, t: float) -> tuple[float, float, float] | None:
        """(x, y, metres walked so far), or None when not in the scene."""
        table = np.array(self.points)
        if not table[0, 0] <= t <= table[-1, 0]:
            return None
        steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(table[:, 1:], axis=0).T))])
        x, y, walked = (float(np.interp(t, table[:, 0], column)) for column in (table[:, 1], table[:, 2], steps))
        return x, y, walked
