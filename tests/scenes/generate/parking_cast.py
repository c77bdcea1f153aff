"""Who takes part in parking scenes: vehicles that pull in and stand, traffic that passes, what stands in bays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.scenes.generate.actors import DT, Actor, Way, sized
from tests.scenes.generate.kerb import LANE, OPPOSITE, STRIP
from tests.scenes.generate.motion import Driver, Halt, Ride, along, drive

Rng = np.random.Generator
FROM_Y, TO_Y = -35.0, 85.0
_RAMP_M = 9.0


@dataclass(frozen=True)
class Stop:
    """Stands with its middle at (x, y) until `until` [s]."""

    x: float
    y: float
    until: float


def strip_x(rng: Rng) -> float:
    """x of a vehicle that stands along the kerb, well in the strip."""
    return float(rng.uniform(1.1, 1.5))


def visitor(
    rng: Rng,
    name: str,
    stops: Sequence[Stop],
    arrives: float,
    kind: str = "car",
    size: tuple[float, float, float] | None = None,
    facts: dict[str, object] | None = None,
) -> Actor:
    """Comes up the lane, pulls in, stands at each of `stops` in turn, and drives off ahead.

    It comes to rest at the first about `arrives`; the exact instant is what its motion makes of it.
    """
    size = size or sized(kind, rng)
    v = float(rng.uniform(6, 10))
    halts = [Halt(stop.y + size[0] / 2, stop.until) for stop in stops]
    driver = Driver(v, accelerates=float(rng.uniform(1.1, 2.0)), brakes=float(rng.uniform(1.4, 2.4)))
    t0 = arrives - (halts[0].s - FROM_Y) / v - v / 4 - 1.0
    ride = drive(driver, size[0], t0, FROM_Y, TO_Y + size[0], halts, t_end=1500.0)
    return Actor(name, kind, along(ride, _middle(), 0.0, 1, pulls(stops)), "vehicle", size, facts=facts or {})


def pulls(stops: Sequence[Stop]) -> Callable[[float], float]:
    """Sideways from the lane's middle, by the middle's y: into the first place over nine metres and out likewise."""

    def sway(y: float) -> float:
        if y <= stops[0].y:
            return (stops[0].x - _middle()) * _smooth(1 - (stops[0].y - y) / _RAMP_M)
        for one, two in pairwise(stops):
            if y <= two.y:
                share = (y - one.y) / max(two.y - one.y, 1e-6)
                return one.x - _middle() + (two.x - one.x) * _smooth(share)
        return (stops[-1].x - _middle()) * _smooth(1 - (y - stops[-1].y) / _RAMP_M)

    return sway


def _middle() -> float:
    return sum(LANE) / 2


def _smooth(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def parked(rng: Rng, name: str, x: float, y: float, t1: float, kind: str = "car") -> Actor:
    """Stands there before, during and after the scene."""
    grid = np.arange(-5.0, t1 + 5.0, 1.0)
    turn = float(rng.normal(0, 0.02))
    place = Way(grid, np.tile([x, y], (len(grid), 1)).astype(np.float64), np.full(len(grid), turn))
    return Actor(name, kind, place, "vehicle", sized(kind, rng))


def traffic(rng: Rng, t0: float, t1: float, every: float, near: bool = True, far: bool = True) -> list[Actor]:
    """Vehicles that drive through, `every` so many seconds in each lane on average."""
    found: list[Actor] = []
    for lane, way, wanted in ((LANE, 1, near), (OPPOSITE, -1, far)):
        t = t0 - 4 + float(rng.exponential(every))
        while wanted and t < t1:
            kind = str(rng.choice(["car", "truck", "bus"], p=[0.86, 0.08, 0.06]))
            size, v = sized(kind, rng), float(rng.uniform(6, 13))
            ride = drive(Driver(v), size[0], t, -35.0, 120.0)
            x, y0 = sum(lane) / 2 + float(rng.normal(0, 0.2)), 0.0 if way > 0 else 85.0
            found.append(Actor(f"t{way}-{t:.1f}", kind, along(ride, x, y0, way), "vehicle", size))
            t += 2.5 + float(rng.exponential(every))
    return found


def queue(
    rng: Rng,
    count: int,
    begin: float,
    front_y: float,
    moves: Sequence[tuple[float, float]],
    x: float | None = None,
    prefix: str = "q",
) -> list[Actor]:
    """A line of vehicles in the lane: the first stands at `front_y` until the first of `moves` (until, next front y).

    Each follows the one ahead, so that they creep as queues do; after the last move they drive away.
    """
    found: list[Actor] = []
    leader: Ride | None = None
    middle = _middle() if x is None else x
    for number in range(count):
        kind = str(rng.choice(["car", "truck"], p=[0.92, 0.08]))
        size = sized(kind, rng)
        halts = []
        if number == 0:
            place = front_y
            for until, ahead in moves:
                halts.append(Halt(place, until))
                place = ahead
        v = float(rng.uniform(7, 10))
        driver = Driver(v, gap=float(rng.uniform(1.6, 2.6)))
        start = begin - 60 / v + number * 2.5
        ride = drive(driver, size[0], start, -45.0, TO_Y + size[0], halts, leader, t_end=1500.0)
        leader = ride
        found.append(
            Actor(f"{prefix}{number}", kind, along(ride, middle + float(rng.normal(0, 0.08)), 0.0, 1), "vehicle", size)
        )
    return found


__all__ = ["DT", "FROM_Y", "STRIP", "Stop", "parked", "queue", "strip_x", "traffic", "visitor"]
