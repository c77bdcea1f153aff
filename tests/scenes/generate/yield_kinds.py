"""The situations of domain C1 and C2, each drawn anew by a random generator.

A kind says what happens, not what is right: that is for the law in `yield_law.py` to find from the exact truth.
"""

from collections.abc import Callable

import numpy as np

from tests.scenes.generate.actors import Actor
from tests.scenes.generate.draft import Draft
from tests.scenes.generate.motion import Halt, Leg, walk
from tests.scenes.generate.road import Road
from tests.scenes.generate.yield_cast import (
    KMH,
    before,
    comes_and_waits,
    crosses,
    person,
    row,
    stands,
    vehicle,
)

Rng = np.random.Generator
Kind = Callable[[Rng], "Draft[Road]"]
POLICIES = ("same_lane", "half_lane", "adjacent", "half_road")
#: When the vehicle would be at its stop line [s].
AT = 12.0


def some_road(rng: Rng, **fixed: object) -> Road:
    """A street drawn at random; `fixed` wins."""
    chosen: dict[str, object] = {
        "policy": str(rng.choice(POLICIES)),
        "lanes_each_way": int(rng.choice([1, 2], p=[0.55, 0.45])),
        "lane_m": float(rng.uniform(3.1, 3.75)),
        "depth": float(rng.uniform(3.2, 5.5)),
        "stop_m": float(rng.uniform(1.0, 2.5)),
        "centre": str(rng.choice(["paint", "barrier", "island"], p=[0.75, 0.1, 0.15])),
        "calibrated": bool(rng.uniform() < 0.85),
        "drawn_stop_lines": True,
        "drawn_carriageway": bool(rng.uniform() < 0.85),
    }
    return Road(**{**chosen, **fixed})  # type: ignore[arg-type]


def speed(rng: Rng, low: float = 14, high: float = 38) -> float:
    """Metres a second from km/h."""
    return float(rng.uniform(low, high)) * KMH


def some_lane(rng: Rng, road: Road) -> str:
    """Towards the camera more often: only there 30 m of approach are in the picture."""
    names = road.names()
    weights = np.array([3.0 if name[0] == "l" else 1.0 for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def one_vehicle(
    rng: Rng, kind: str, road: Road, lane: str, people: list[Actor], v: float | None = None, **how: object
) -> "Draft[Road]":
    car, _ = vehicle(
        rng,
        road,
        "v1",
        lane,
        AT,
        v or speed(rng),
        kind=str(how.get("vehicle", rng.choice(["car", "truck", "bus"], p=[0.86, 0.08, 0.06]))),
        halts=how.get("halts", ()),
        facts=how.get("facts"),
    )  # type: ignore[arg-type]
    return Draft(kind, road, [car, *people], 0.0, AT + 12.0)


def far_half(rng: Rng) -> "Draft[Road]":
    """C1 1: on the far half, not at the centre."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    far = road.kerbs[1] if lane[0] == "l" else road.kerbs[0]
    x = far * float(rng.uniform(0.55, 0.8))
    return one_vehicle(
        rng,
        "1 far half",
        road,
        lane,
        [person(rng, "p1", crosses(rng, road, x, AT + rng.uniform(-0.5, 0.5), lane[0] == "r", speed=0.9))],
    )


def kerb_wait(rng: Rng) -> "Draft[Road]":
    """C1 2: waiting at the kerb."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    side = float(rng.choice([-1, 1]))
    x = road.kerbs[0 if side < 0 else 1] + side * float(rng.uniform(0.55, 1.6))
    return one_vehicle(rng, "2 kerb wait", road, lane, [person(rng, "p1", stands(rng, x, row(rng, road), AT + 5))])


def into_lane(rng: Rng) -> "Draft[Road]":
    """C1 3: past the line, in the lane."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    people = [person(rng, "p1", before(rng, road, lane, AT))]
    return one_vehicle(rng, "3 into the lane", road, lane, people, speed(rng, 13, 26))


def next_lane(rng: Rng) -> "Draft[Road]":
    """C1 4: in the lane beside; who is accused hangs on the policy."""
    road = some_road(rng, lanes_each_way=2)
    lane = str(rng.choice(["l1", "l2", "r1", "r2"], p=[0.35, 0.35, 0.15, 0.15]))
    other = road.middle(lane[0] + ("2" if lane[1] == "1" else "1"))
    to_kerb = abs(other) > abs(road.middle(lane))
    from_left = (other < 0) == to_kerb
    x = other + (1 if from_left else -1) * float(rng.uniform(-0.28, 0.33)) * road.lane_m
    return one_vehicle(
        rng,
        "4 next lane",
        road,
        lane,
        [person(rng, "p1", crosses(rng, road, x, AT, from_left, speed=float(rng.uniform(0.6, 1.1))))],
        speed(rng, 13, 24),
    )


def centre_line(rng: Rng) -> "Draft[Road]":
    """C1 5 and 7: waits on the painted centre line, at a barrier, or on an island."""
    centre = str(rng.choice(["paint", "barrier", "island"], p=[0.6, 0.1, 0.3]))
    road = some_road(rng, centre=centre, refuge_m=1.3 if centre == "island" and rng.uniform() < 0.5 else None)
    lane = str(rng.choice(["l1", "r1"], p=[0.7, 0.3]))
    x = float(rng.normal(0, 0.1))
    people = [person(rng, "p1", comes_and_waits(rng, road, x, AT - float(rng.uniform(4.5, 9)), lane[0] == "r", 14.0))]
    name = {"paint": "5 painted centre", "barrier": "5 barrier", "island": "7 island"}[centre]
    return one_vehicle(rng, name, road, lane, people, speed(rng, 13, 26))


def past_centre(rng: Rng) -> "Draft[Road]":
    """C1 6: past the centre, into the lane."""
    road = some_road(rng, centre="paint")
    lane = str(rng.choice(["l1", "r1"], p=[0.7, 0.3]))
    x = road.middle(lane) * float(rng.uniform(0.5, 1.7))
    return one_vehicle(
        rng,
        "6 past the centre",
        road,
        lane,
        [person(rng, "p1", crosses(rng, road, x, AT + 0.4, lane[0] == "r", speed=float(rng.uniform(0.8, 1.3))))],
        speed(rng, 13, 26),
    )


def late_step_out(rng: Rng) -> "Draft[Road]":
    """Steps out when nobody could stop any more."""
    road = some_road(rng)
    lane = road.names()[road.lanes_each_way - 1] if rng.uniform() < 0.7 or road.one_way else road.names()[-1]
    v = speed(rng, 28, 55)
    left, right = road.kerbs
    begin = left - 0.9 if lane[0] == "l" else right + 0.9
    y = row(rng, road)
    way = walk(
        AT - float(rng.uniform(0.4, 1.3)), begin, y, [Leg(-begin * 1.3, y, float(rng.uniform(1.2, 1.9)))], before=11.0
    )
    return one_vehicle(rng, "late step-out", road, lane, [person(rng, "p1", way)], v)


def yielded(rng: Rng) -> "Draft[Road]":
    """Stands before the line until the pedestrian is well past the lane, then drives on."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    from_left = bool(rng.uniform() < 0.5)
    way = crosses(rng, road, road.middle(lane), AT + float(rng.uniform(1.5, 3)), from_left)
    low, high = road.span(lane)
    exit_x = high if from_left else low
    clear = float(
        way.t[np.argmax(((way.xy[:, 0] - exit_x) * (1 if from_left else -1) > rng.uniform(0.8, 2.5)) & (way.t > AT))]
    )
    inside = bool(rng.uniform() < 0.2)
    place = road.stop_m * 0.55 if inside else -float(rng.uniform(0.2, 2.0))
    return one_vehicle(rng, "yielded, then moved", road, lane, [person(rng, "p1", way)], halts=[Halt(place, clear)])


def moved_off(rng: Rng) -> "Draft[Road]":
    """Stands, then moves off while the pedestrian is still before it."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    from_left = bool(rng.uniform() < 0.5)
    go = AT + float(rng.uniform(4.5, 7))
    way = crosses(
        rng,
        road,
        road.middle(lane) - (0.9 if from_left else -0.9),
        go + 1.2,
        from_left,
        speed=float(rng.uniform(0.9, 1.4)),
    )
    return one_vehicle(
        rng,
        "stood, then moved off in front",
        road,
        lane,
        [person(rng, "p1", way)],
        halts=[Halt(-float(rng.uniform(0.3, 1.5)), go)],
    )


def followers(rng: Rng) -> "Draft[Road]":
    """Two cars one behind the other: the first yields or not, the second is judged alone."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    v, from_left = speed(rng, 16, 32), bool(rng.uniform() < 0.5)
    first_yields = bool(rng.uniform() < 0.5)
    way = crosses(
        rng, road, road.middle(lane), AT + (2.0 if first_yields else float(rng.uniform(0.3, 2.0))), from_left, speed=0.9
    )
    low, high = road.span(lane)
    exit_x = high if from_left else low
    clear = float(way.t[np.argmax(((way.xy[:, 0] - exit_x) * (1 if from_left else -1) > 1.2) & (way.t > AT - 2))])
    halts = [Halt(-0.8, clear)] if first_yields else []
    first, ride = vehicle(rng, road, "v1", lane, AT, v, halts)
    second, _ = vehicle(rng, road, "v2", lane, AT + float(rng.uniform(1.8, 3.0)), v, halts, leader=ride)
    return Draft("followers", road, [first, second, person(rng, "p1", way)], 0.0, AT + 16)


def turned_back(rng: Rng) -> "Draft[Road]":
    """Steps on, thinks better of it and goes back before the vehicle is at its line."""
    road = some_road(rng)
    lane = road.names()[road.lanes_each_way - 1]
    left, right = road.kerbs
    begin = left - 1.2 if lane[0] == "l" else right + 1.2
    reach = (left if lane[0] == "l" else right) * (1 - float(rng.uniform(0.25, 0.5)) / road.lanes_each_way)
    y = row(rng, road)
    way = walk(
        AT - float(rng.uniform(5.5, 7.5)),
        begin,
        y,
        [Leg(reach, y, 1.2, float(rng.uniform(0.0, 0.6))), Leg(begin, y, 1.3)],
        before=5.0,
        after=12.0,
    )
    return one_vehicle(rng, "turned back", road, lane, [person(rng, "p1", way)], speed(rng, 13, 26))


def nobody(rng: Rng) -> "Draft[Road]":
    """Nobody near, or somebody along the pavement only."""
    road = some_road(rng)
    people = []
    if rng.uniform() < 0.7:
        side = float(rng.choice([-1, 1]))
        x = road.kerbs[0 if side < 0 else 1] + side * float(rng.uniform(1.0, 2.0))
        down = bool(rng.uniform() < 0.5)
        y0, y1 = (road.near - 6, road.far + 14) if down else (road.far + 14, road.near - 6)
        people = [person(rng, "p1", walk(3.0, x, y0, [Leg(x, y1, 1.3)], before=3.0))]
    return one_vehicle(rng, "nobody on the crosswalk", road, some_lane(rng, road), people, speed(rng, 15, 50))


def behind(rng: Rng) -> "Draft[Road]":
    """The pedestrian has left the lane and the danger zone before the vehicle is near: nothing to yield to."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    way = crosses(rng, road, road.middle(lane), AT - float(rng.uniform(4.5, 7.0)), bool(rng.uniform() < 0.5))
    return one_vehicle(rng, "already over", road, lane, [person(rng, "p1", way)], speed(rng, 14, 35))


def trapped(rng: Rng) -> "Draft[Road]":
    """Stops on the crosswalk because the car ahead stands; only then somebody steps on."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    v, until = speed(rng, 14, 22), AT + float(rng.uniform(11, 13))
    ahead = road.stop_m + road.depth + float(rng.uniform(5.2, 6.2))
    first, ride = vehicle(rng, road, "v1", lane, AT - 4.5, v, [Halt(ahead, until)])
    second, _ = vehicle(rng, road, "v2", lane, AT - 2.0, v, leader=ride)
    way = crosses(
        rng,
        road,
        road.middle(lane),
        AT + float(rng.uniform(5.5, 8)),
        bool(rng.uniform() < 0.5),
        y=road.near + 0.6 if road.way(lane) > 0 else road.far - 0.6,
    )
    return Draft("trapped by a queue", road, [first, second, person(rng, "p1", way)], 0.0, AT + 20)
