"""How vehicles and people move: the Intelligent Driver Model for the first, waypoints with pauses for the second.

Treiber, Hennecke and Helbing, "Congested traffic states in empirical observations and microscopic simulations",
Phys. Rev. E 62 (2000): acceleration a (1 - (v/v0)^4 - (s*/s)^2), s* = s0 + v T + v dv / (2 sqrt(a b)).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.scenes.generate.actors import DT, Way

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Halt:
    """A place `s` (metres along the lane) where the front stops until `until` [s]; it is no matter before `since`."""

    s: float
    until: float
    since: float = -1e9


@dataclass(frozen=True)
class Driver:
    """How somebody drives: wished speed [m/s], acceleration, comfortable braking [m/s^2], headway [s]."""

    speed: float
    accelerates: float = 1.6
    brakes: float = 2.2
    headway: float = 1.1
    gap: float = 1.6


@dataclass(frozen=True)
class Ride:
    """A front's place `s` (N,) along a lane by time `t` (N,), and its speed `v` (N,)."""

    t: Array
    s: Array
    v: Array
    length: float

    def rear(self, t: float) -> tuple[float, float] | None:
        """(place of the rear, speed) at `t`; None when it is not there."""
        if not self.t[0] <= t <= self.t[-1]:
            return None
        return float(np.interp(t, self.t, self.s)) - self.length, float(np.interp(t, self.t, self.v))


def drive(
    driver: Driver,
    length: float,
    t0: float,
    s0: float,
    s_end: float,
    halts: Sequence[Halt] = (),
    leader: Ride | None = None,
    v0: float | None = None,
    t_end: float = 400.0,
    wish: Callable[[float, float], float] | None = None,
) -> Ride:
    """Drive from `s0` at `t0` until the front reaches `s_end`. `wish(t, s)` replaces the wished speed where given."""
    t, s, v = t0, s0, driver.speed if v0 is None else v0
    rows = [(t, s, v)]
    root = 2 * np.sqrt(driver.accelerates * driver.brakes)
    while s < s_end and t < t_end:
        wished = max(wish(t, s), 0.05) if wish else driver.speed
        pull = 1 - (v / wished) ** 4
        ahead = leader.rear(t) if leader else None
        push = 0.0
        if ahead is not None and ahead[0] > s - 1.0:
            star = driver.gap + v * driver.headway + v * (v - ahead[1]) / root
            push = (max(star, 0.0) / max(ahead[0] - s, 0.1)) ** 2
        for halt in halts:
            if halt.since <= t < halt.until and halt.s > s - 0.3:
                # gap 0.25: the front comes to rest that short of the place
                star = 0.25 + v * 0.35 + v * v / root
                push = max(push, (star / max(halt.s - s, 0.05)) ** 2)
        gain = max(driver.accelerates * (pull - push), -7.0)
        v = max(0.0, v + gain * DT)
        if v < 0.06 and gain < 0.02:
            v = 0.0
        s, t = s + v * DT, t + DT
        rows.append((t, s, v))
    table = np.array(rows)
    return Ride(table[:, 0], table[:, 1], table[:, 2], length)


def along(ride: Ride, x: float, y0: float, way: int, sway: Callable[[float], float] | None = None) -> Way:
    """The ride as places in the world: the lane's middle at `x`, s = 0 at `y0`, driving to +y (`way` 1) or -y (-1).

    `sway(s)` moves it sideways (to +x) as it goes, for pulling out and in.
    """
    middle = ride.s - ride.length / 2
    xs = np.array([x + (sway(float(one)) if sway else 0.0) for one in middle])
    xy = np.column_stack([xs, y0 + way * middle])
    return Way(ride.t, xy, headings(xy, 0.0 if way > 0 else np.pi))


def headings(xy: Array, at_rest: float, least: float = 0.02) -> Array:
    """Where each step goes; while it stands, where it went last (`at_rest` before it ever moved)."""
    steps = np.gradient(xy, axis=0)
    moving = np.hypot(steps[:, 0], steps[:, 1]) > least
    found = np.full(len(xy), at_rest)
    last = at_rest
    for index in range(len(xy)):
        if moving[index]:
            last = float(np.arctan2(steps[index, 0], steps[index, 1]))
        found[index] = last
    return found


@dataclass(frozen=True)
class Leg:
    """Walk to (x, y) at `speed` [m/s], then stand for `pause` [s]."""

    x: float
    y: float
    speed: float = 1.3
    pause: float = 0.0


def walk(t0: float, x: float, y: float, legs: Sequence[Leg], before: float = 8.0, after: float = 8.0) -> Way:
    """Somebody on foot who stands at (x, y) for `before` seconds, sets off at `t0` and stands `after` the last leg."""
    times, places = [t0 - before, t0], [(x, y), (x, y)]
    t = t0
    for leg in legs:
        last = places[-1]
        t += max(np.hypot(leg.x - last[0], leg.y - last[1]) / leg.speed, DT)
        times.append(t)
        places.append((leg.x, leg.y))
        if leg.pause:
            t += leg.pause
            times.append(t)
            places.append((leg.x, leg.y))
    times.append(t + after)
    places.append(places[-1])
    grid = np.arange(times[0], times[-1], DT)
    knots = np.array(places, dtype=np.float64)
    xy = np.column_stack([np.interp(grid, times, knots[:, axis]) for axis in (0, 1)])
    # Nobody starts or turns in no time: a mean over 0.4 s.
    width = round(0.4 / DT) | 1
    padded = np.pad(xy, ((width // 2, width // 2), (0, 0)), mode="edge")
    kernel = np.ones(width) / width
    smooth = np.column_stack([np.convolve(padded[:, axis], kernel, mode="valid") for axis in (0, 1)])
    return Way(grid, smooth, headings(smooth, 0.0))
