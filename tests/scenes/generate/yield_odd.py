"""Unusual road users at a crosswalk: who turns round, backs up, rides, pushes a bicycle or a pushchair."""

import numpy as np

from tests.scenes.generate.actors import Actor, Way, sized
from tests.scenes.generate.draft import Draft
from tests.scenes.generate.motion import Driver, along, drive, headings
from tests.scenes.generate.road import Road
from tests.scenes.generate.yield_cast import (
    FROM_M,
    before,
    beside_bicycle,
    crosses,
    on_bicycle,
    person,
    with_pushchair,
)
from tests.scenes.generate.yield_kinds import AT, Rng, one_vehicle, some_lane, some_road, speed


def u_turn(rng: Rng) -> "Draft[Road]":
    """Turns round before the stop line while somebody crosses."""
    road = some_road(rng, one_way=False, centre="paint")
    lane = "l1"
    v = speed(rng, 14, 24)
    size = sized("car", rng)
    before = float(rng.uniform(6, 12))
    approach = drive(
        Driver(v),
        size[0],
        AT + FROM_M / v,
        FROM_M,
        -before,
        wish=lambda _t, s: max(2.2, min(v, 2.2 + 0.35 * (-before - s))),
    )
    x0, y0 = road.middle(lane), road.stop(lane) + before + size[0] / 2
    radius = road.lane_m * 0.5 + 1.2
    centre_x = x0 + radius
    swing = np.linspace(0, np.pi, 80)
    arc = np.column_stack([centre_x - radius * np.cos(swing), y0 - radius * np.sin(swing)])
    tail = np.array([[arc[-1, 0], y0 + step] for step in np.arange(0.3, 50, 0.3)])
    lead = np.column_stack([np.full(len(approach.s), x0), road.stop(lane) - (approach.s - size[0] / 2)])
    rest = np.vstack([arc, tail])
    distance = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(rest, axis=0).T))])
    pace = np.where(np.arange(len(rest)) < 80, 2.4, 5.0)
    clock = approach.t[-1] + 0.05 + np.concatenate([[0.0], np.cumsum(np.diff(distance) / pace[1:])])
    grid = np.arange(approach.t[0], clock[-1], 0.05)
    t = np.concatenate([approach.t, clock])
    xy = np.vstack([lead, rest])
    whole = np.column_stack([np.interp(grid, t, xy[:, axis]) for axis in (0, 1)])
    car = Actor("v1", "car", Way(grid, whole, headings(whole, np.pi)), "vehicle", size, lane=lane)
    walker = person(
        rng, "p1", crosses(rng, road, road.middle(lane), AT + float(rng.uniform(-1, 2)), bool(rng.uniform() < 0.5))
    )
    return Draft("u-turn", road, [car, walker], 0.0, min(AT + 14, float(grid[-1])))


def reversing(rng: Rng) -> "Draft[Road]":
    """Backs over the crosswalk against its lane's direction."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    size = sized("car", rng)
    v = float(rng.uniform(1.2, 2.2))
    way = -road.way(lane)
    ride = drive(Driver(v), size[0], 1.0, -16.0, 26.0)
    drawn = along(ride, road.middle(lane), road.stop(lane) - way * (road.depth + 2 * road.stop_m), way)
    facing = Way(drawn.t, drawn.xy, np.full(len(drawn.t), 0.0 if road.way(lane) > 0 else np.pi))
    back = Actor("v1", "car", facing, "vehicle", size, lane=lane)
    walker = person(rng, "p1", crosses(rng, road, road.middle(lane), 12.0, bool(rng.uniform() < 0.5), speed=1.0))
    return Draft("reversing", road, [back, walker], 0.0, 24.0)


def rider_on(rng: Rng) -> "Draft[Road]":
    """Rides a bicycle over the crosswalk: no pedestrian."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    way = crosses(
        rng,
        road,
        road.middle(lane),
        AT + float(rng.uniform(-0.2, 0.8)),
        bool(rng.uniform() < 0.5),
        speed=float(rng.uniform(1.8, 4.0)),
    )
    return one_vehicle(rng, "rider on a bicycle", road, lane, on_bicycle(rng, "p1", way), speed(rng, 14, 26))


def walks_bicycle(rng: Rng) -> "Draft[Road]":
    """Pushes a bicycle over: a pedestrian."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    way = before(rng, road, lane, AT)
    return one_vehicle(rng, "walks a bicycle", road, lane, beside_bicycle(rng, "p1", way), speed(rng, 14, 26))


def pushchair(rng: Rng) -> "Draft[Road]":
    """Pushes a chair with a child over."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    way = before(rng, road, lane, AT)
    return one_vehicle(rng, "pushchair", road, lane, with_pushchair(rng, "p1", way), speed(rng, 14, 26))


def motorcycle(rng: Rng) -> "Draft[Road]":
    """A motorcycle or an e-bike, which no box tells apart, drives on before a pedestrian."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    v = speed(rng, 16, 28)
    size = sized("motorcycle", rng)
    ride = drive(Driver(v), size[0], AT + FROM_M / v, FROM_M, 40.0)
    way = along(ride, road.middle(lane) + float(rng.normal(0, 0.4)), road.stop(lane), road.way(lane))
    both = [
        Actor("v1/rider", "person", way, "rider", (0.7, 0.5, 1.35), lift=0.35),
        Actor("v1/cycle", "motorcycle", way, "vehicle", size, lane=lane),
    ]
    walker = person(rng, "p1", before(rng, road, lane, AT))
    return Draft("motorcycle", road, [*both, walker], 0.0, AT + 12)
