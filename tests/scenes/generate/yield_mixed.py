"""Yield scenes of more than one matter: signals, views that are blocked, several road users, busy streets."""

import numpy as np

from tests.scenes.generate import yield_kinds as k
from tests.scenes.generate import yield_odd as odd
from tests.scenes.generate.actors import Actor
from tests.scenes.generate.draft import Draft
from tests.scenes.generate.motion import Halt
from tests.scenes.generate.road import Road
from tests.scenes.generate.yield_cast import before, beside_bicycle, crosses, on_bicycle, person, stands, vehicle
from tests.scenes.generate.yield_kinds import AT, Kind, row, some_lane, some_road, speed

Rng = np.random.Generator


def signalised(rng: Rng) -> "Draft[Road]":
    """At lights: the vehicles' green excuses, the pedestrians' accuses, silence of the signal asks a person."""
    road = some_road(rng, signal=True)
    lane = some_lane(rng, road)
    state = [None, "vehicle_green", "pedestrian_green"][int(rng.integers(3))]
    changes = AT - float(rng.uniform(4, 8))

    def signal(t: float) -> str | None:
        if state is None:
            return "pedestrian_green" if t < 2.0 else None
        return state if t >= changes else {"vehicle_green": "pedestrian_green"}.get(state, "vehicle_green")

    walker = person(rng, "p1", before(rng, road, lane, AT))
    car, _ = vehicle(rng, road, "v1", lane, AT, speed(rng, 14, 28))
    name = f"signal: {state or 'unknown'}".replace("_", " ")
    return Draft(name, road, [car, walker], 0.0, AT + 12.0, signal=signal)


def emergency(rng: Rng) -> "Draft[Road]":
    """An ambulance on task, told by a source."""
    road = some_road(rng)
    lane = some_lane(rng, road)
    car, _ = vehicle(rng, road, "v1", lane, AT, speed(rng, 14, 28), kind="truck", facts={"emergency": True})
    walker = person(rng, "p1", before(rng, road, lane, AT))
    return Draft("emergency vehicle on task", road, [car, walker], 0.0, AT + 12.0)


def bus_between(rng: Rng) -> "Draft[Road]":
    """A bus stands in the lane beside and hides who comes from before it."""
    road = some_road(rng, lanes_each_way=2)
    side = "l" if rng.uniform() < 0.75 else "r"
    bus, _ = vehicle(rng, road, "v1", f"{side}2", AT - 5.0, speed(rng, 18, 25), [Halt(-0.5, AT + 6)], kind="bus")
    lane = f"{side}1"
    car, _ = vehicle(rng, road, "v2", lane, AT, speed(rng, 14, 26))
    kerb_left = side == "l"
    walker = person(
        rng, "p1", crosses(rng, road, road.middle(lane), AT + float(rng.uniform(0.2, 0.8)), kerb_left, speed=1.2)
    )
    return Draft("occluding bus", road, [bus, car, walker], 0.0, AT + 14)


def several(rng: Rng) -> "Draft[Road]":
    """Two or three vehicles and as many people, some yield and some do not."""
    road = some_road(rng)
    actors: list[Actor] = []
    for number in range(int(rng.integers(2, 4))):
        lane = road.middle(str(rng.choice(road.names())))
        way = crosses(rng, road, lane, AT + float(rng.uniform(-2, 3)), bool(rng.uniform() < 0.5))
        actors.append(person(rng, f"p{number}", way))
    taken: dict[str, tuple[float, object]] = {}
    for number in range(int(rng.integers(2, 4))):
        lane_id = str(rng.choice(road.names()))
        at = AT + float(rng.uniform(-3, 3))
        if lane_id in taken and abs(taken[lane_id][0] - at) < 2.5:
            continue
        leader = taken.get(lane_id, (0.0, None))[1] if at > taken.get(lane_id, (0.0, None))[0] else None
        halts = [Halt(-0.8, at + float(rng.uniform(5, 7)))] if rng.uniform() < 0.35 else []
        car, ride = vehicle(rng, road, f"v{number}", lane_id, at, speed(rng, 14, 28), halts, leader)  # type: ignore[arg-type]
        if lane_id not in taken or at > taken[lane_id][0]:
            taken[lane_id] = (at, ride)
            actors.append(car)
    return Draft("several at once", road, actors, 0.0, AT + 16, busy=True)


def busy(rng: Rng) -> "Draft[Road]":
    """A busy street: traffic in every lane for half a minute, people, riders and waiting people all about."""
    road = some_road(rng, lanes_each_way=2)
    actors: list[Actor] = []
    for lane in road.names():
        at, leader = float(rng.uniform(4, 9)), None
        v = speed(rng, 18, 36)
        while at < 27:
            halts = [Halt(-0.8, at + float(rng.uniform(4, 6)))] if rng.uniform() < 0.25 else []
            kind = str(rng.choice(["car", "truck", "bus"], p=[0.85, 0.08, 0.07]))
            car, leader = vehicle(rng, road, f"{lane}-{at:.1f}", lane, at, v, halts, leader, kind)
            actors.append(car)
            at += float(rng.uniform(4, 11))
    for number in range(int(rng.integers(3, 7))):
        lane = road.middle(str(rng.choice(road.names())))
        way = crosses(rng, road, lane, float(rng.uniform(5, 26)), bool(rng.uniform() < 0.5))
        one = rng.uniform()
        if one < 0.7:
            actors.append(person(rng, f"p{number}", way))
        elif one < 0.85:
            actors += beside_bicycle(rng, f"p{number}", way)
        else:
            fast = crosses(rng, road, lane, float(rng.uniform(5, 26)), bool(rng.uniform() < 0.5), speed=3.0)
            actors += on_bicycle(rng, f"p{number}", fast)
    for number in range(int(rng.integers(0, 3))):
        side = float(rng.choice([-1, 1]))
        x = road.kerbs[0 if side < 0 else 1] + side * float(rng.uniform(0.6, 1.8))
        actors.append(person(rng, f"w{number}", stands(rng, x, row(rng, road), 30.0)))
    return Draft("busy street", road, actors, 0.0, 34.0, busy=True)


SIMPLE: tuple[Kind, ...] = (
    k.far_half,
    k.kerb_wait,
    k.into_lane,
    k.next_lane,
    k.centre_line,
    k.past_centre,
    k.late_step_out,
    k.yielded,
    k.moved_off,
    k.followers,
    odd.u_turn,
    odd.reversing,
    odd.rider_on,
    odd.walks_bicycle,
    odd.pushchair,
    odd.motorcycle,
    k.turned_back,
    k.nobody,
    k.behind,
    k.trapped,
)
#: Kinds that hold no offence however they are drawn: none is looked for in them.
INNOCENT = frozenset(
    {
        "behind",
        "emergency",
        "far_half",
        "kerb_wait",
        "late_step_out",
        "nobody",
        "reversing",
        "rider_on",
        "trapped",
        "turned_back",
        "u_turn",
        "yielded",
    }
)
#: Every kind with its weight in a campaign.
KINDS: tuple[tuple[Kind, float], ...] = (
    *((kind, 1.0) for kind in SIMPLE),
    (signalised, 2.0),
    (emergency, 0.7),
    (bus_between, 1.5),
    (several, 2.5),
    (busy, 2.5),
)
