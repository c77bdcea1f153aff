"""Who takes part in yield scenes: vehicles by when their front reaches the stop line, people by when they are where."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.scenes.generate.actors import Actor, Way, sized
from tests.scenes.generate.motion import Driver, Halt, Leg, Ride, along, drive, walk
from tests.scenes.generate.road import Road

#: How far before the stop line a vehicle's front begins, and how far past it it is followed [m].
FROM_M, TO_M = -62.0, 45.0
KMH = 1 / 3.6


def vehicle(
    rng: np.random.Generator,
    road: Road,
    name: str,
    lane: str,
    at_line: float,
    speed: float,
    halts: Sequence[Halt] = (),
    leader: Ride | None = None,
    kind: str = "car",
    facts: dict[str, Any] | None = None,
    to: float = TO_M,
) -> tuple[Actor, Ride]:
    """A vehicle that would reach the stop line at `at_line` if nothing held it up; `halts` are metres past the line."""
    size = sized(kind, rng)
    driver = Driver(speed, accelerates=float(rng.uniform(1.2, 2.2)), brakes=float(rng.uniform(1.6, 2.8)))
    ride = drive(driver, size[0], at_line + FROM_M / speed, FROM_M, to + size[0], halts, leader, t_end=120.0)
    aside = float(rng.normal(0, 0.15))
    way = along(ride, road.middle(lane) + aside, road.stop(lane), road.way(lane))
    return Actor(name, kind, way, "vehicle", size, lane=lane, facts=facts or {}), ride


def person(rng: np.random.Generator, name: str, way: Way, role: str = "pedestrian") -> Actor:
    """Somebody on foot."""
    return Actor(name, "person", way, role, sized("person", rng))


def row(rng: np.random.Generator, road: Road) -> float:
    """y of somebody who crosses, well inside the crosswalk."""
    return float(rng.uniform(road.near + 0.9, road.far - 0.9))


def crosses(
    rng: np.random.Generator,
    road: Road,
    x_at: float,
    when: float,
    from_left: bool,
    speed: float | None = None,
    pauses: Sequence[tuple[float, float]] = (),
    y: float | None = None,
) -> Way:
    """From 1.8 m behind one kerb to behind the other, at `x_at` at `when`; `pauses` are (x, seconds) after `when`."""
    left, right = road.kerbs
    speed = speed or float(rng.uniform(1.0, 1.6))
    begin, end = (left - 1.8, right + 1.8) if from_left else (right + 1.8, left - 1.8)
    y = row(rng, road) if y is None else y
    t0 = when - abs(x_at - begin) / speed
    stops = sorted(pauses, key=lambda pause: abs(pause[0] - begin))
    legs = [Leg(x, y + float(rng.normal(0, 0.08)), speed, pause) for x, pause in stops]
    return walk(t0, begin, y, [*legs, Leg(end, y + float(rng.normal(0, 0.15)), speed)], before=6.0, after=4.0)


def before(rng: np.random.Generator, road: Road, lane: str, at: float, pace: tuple[float, float] = (0.8, 1.25)) -> Way:
    """Crosses in front of a vehicle of `lane` that is at its line at `at`: mostly early enough that it could stop."""
    from_left = bool(rng.uniform() < 0.5)
    towards = 1 if from_left else -1
    x = road.middle(lane) + towards * road.lane_m * float(rng.uniform(-0.35, 0.4))
    return crosses(rng, road, x, at + float(rng.uniform(-0.1, 0.5)), from_left, speed=float(rng.uniform(*pace)))


def stands(rng: np.random.Generator, x: float, y: float, until: float) -> Way:
    """Stands there from the start of the scene."""
    wander = [Leg(x + float(rng.normal(0, 0.1)), y + float(rng.normal(0, 0.1)), 0.3)]
    return walk(until - 3.0, x, y, wander, before=until + 10.0, after=6.0)


def comes_and_waits(rng: np.random.Generator, road: Road, x: float, when: float, from_left: bool, wait: float) -> Way:
    """Walks onto the crosswalk to `x`, is there at `when`, stands for `wait` seconds, then goes back the same way."""
    left, right = road.kerbs
    begin = left - 1.8 if from_left else right + 1.8
    y, speed = row(rng, road), float(rng.uniform(1.0, 1.5))
    t0 = when - abs(x - begin) / speed
    return walk(t0, begin, y, [Leg(x, y, speed, wait), Leg(begin, y, speed)], before=5.0, after=3.0)


def on_bicycle(rng: np.random.Generator, name: str, way: Way, kind: str = "bicycle") -> list[Actor]:
    """A rider on a two-wheeler: feet on pedals 0.25 m above the road, the head at about 1.75 m (C2's 8 % of height)."""
    rider_h = float(rng.uniform(1.4, 1.55))
    return [
        Actor(f"{name}/rider", "person", way, "rider", (0.7, 0.5, rider_h), lift=float(rng.uniform(0.24, 0.32))),
        Actor(f"{name}/cycle", kind, way, "cycle" if kind == "bicycle" else "vehicle", sized(kind, rng)),
    ]


def beside_bicycle(rng: np.random.Generator, name: str, way: Way) -> list[Actor]:
    """Somebody on foot who pushes a bicycle along: it rolls 0.3 to 0.5 m beside, a little ahead."""
    turn = np.column_stack([np.cos(way.heading), -np.sin(way.heading)])
    ahead = np.column_stack([np.sin(way.heading), np.cos(way.heading)])
    side = float(rng.choice([-1, 1])) * float(rng.uniform(0.3, 0.5))
    cycle = Way(way.t, way.xy + side * turn + 0.25 * ahead, way.heading)
    return [
        person(rng, f"{name}/walker", way),
        Actor(f"{name}/cycle", "bicycle", cycle, "cycle", sized("bicycle", rng)),
    ]


def with_pushchair(rng: np.random.Generator, name: str, way: Way) -> list[Actor]:
    """Somebody who pushes a chair with a child: the child is sometimes found as a small person 0.7 m ahead."""
    ahead = np.column_stack([np.sin(way.heading), np.cos(way.heading)])
    chair = Way(way.t, way.xy + 0.7 * ahead, way.heading)
    child = Actor(f"{name}/child", "person", chair, "passenger", (0.5, 0.45, 0.55), lift=0.4)
    return [person(rng, f"{name}/pusher", way), child]


def leads(ride: Ride, s: float) -> float:
    """When the front of a ride is at `s` [s]; the end of the ride when it never is."""
    past = np.flatnonzero(ride.s >= s)
    return float(ride.t[past[0]]) if len(past) else float(ride.t[-1])
