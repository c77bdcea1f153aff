"""The situations of domain D2, each drawn anew by a random generator. What is right, `parking_law.py` finds."""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from tests.scenes.generate.actors import Actor, sized
from tests.scenes.generate.draft import Draft
from tests.scenes.generate.kerb import LANE, STRIP, Area, Kerb
from tests.scenes.generate.parking_cast import Stop, parked, queue, strip_x, traffic, visitor

Rng = np.random.Generator
Kind = Callable[[Rng], "Draft[Kerb]"]
START = "2026-01-05T10:00:00+08:00"
WAITS = (20.0, 30.0, 45.0, 60.0, 90.0)


def _wait(rng: Rng) -> float:
    return float(rng.choice(WAITS, p=[0.25, 0.25, 0.2, 0.2, 0.1]))


def _strip(
    rng: Rng, wait: float, kind: str | None = None, y: tuple[float, float] = (12.0, 42.0), **more: object
) -> Kerb:
    """The kerb strip as a zone."""
    kind = kind or str(rng.choice(["no_parking", "no_stopping"]))
    zone = Area("kerb", kind, (STRIP[0], y[0], STRIP[1], y[1]))
    chosen: dict[str, object] = {"calibrated": bool(rng.uniform() < 0.8), "drawn_lanes": bool(rng.uniform() < 0.7)}
    areas = (zone, *more.pop("areas", ()))  # type: ignore[misc, attr-defined]
    return Kerb(areas, wait, **{**chosen, **more})  # type: ignore[arg-type]


def _y(rng: Rng) -> float:
    return float(rng.uniform(17, 37))


def _some(rng: Rng) -> str:
    return str(rng.choice(["car", "car", "car", "car", "truck"]))


def short_stop(rng: Rng) -> "Draft[Kerb]":
    """Stops and goes on within the wait."""
    wait = _wait(rng)
    kerb = _strip(rng, wait)
    stay = wait * float(rng.uniform(0.15, 0.85))
    car = visitor(rng, "v1", [Stop(strip_x(rng), _y(rng), 15 + stay)], 15.0, _some(rng))
    t1 = 15 + stay + 15
    return Draft("short stop", kerb, [car, *traffic(rng, 0, t1, 9.0)], 0.0, t1)


def long_stay(rng: Rng) -> "Draft[Kerb]":
    """Stands for longer than is permitted."""
    wait = _wait(rng)
    kerb = _strip(rng, wait)
    stay = wait * float(rng.uniform(1.15, 2.5)) + 4
    ends = bool(rng.uniform() < 0.75)
    t1 = 15 + stay + (15 if ends else -3)
    if rng.uniform() < 0.2:
        car = parked(rng, "v1", strip_x(rng), _y(rng), t1, _some(rng))
        return Draft("there from the start", kerb, [car, *traffic(rng, 0, t1, 9.0)], 0.0, t1)
    car = visitor(rng, "v1", [Stop(strip_x(rng), _y(rng), 15 + stay)], 15.0, _some(rng))
    return Draft("long stay", kerb, [car, *traffic(rng, 0, t1, float(rng.uniform(4, 12)))], 0.0, t1)


def creeping(rng: Rng) -> "Draft[Kerb]":
    """A queue creeps through a no-stopping lane: nobody stands for long."""
    wait = float(rng.choice([30.0, 45.0, 60.0]))
    zone = Area("kerb", "no_stopping", (LANE[0], 14.0, LANE[1], 38.0))
    kerb = Kerb((zone,), wait, calibrated=bool(rng.uniform() < 0.8), drawn_lanes=bool(rng.uniform() < 0.5))
    moves, t, y = [], 22.0, 42.0
    for _ in range(int(rng.integers(4, 8))):
        t += float(rng.uniform(0.25, 0.7)) * wait
        y += float(rng.uniform(5, 9))
        moves.append((t, y))
    cars = queue(rng, int(rng.integers(5, 8)), 10.0, 42.0, moves)
    return Draft("creeping queue", kerb, [*cars, *traffic(rng, 0, t + 10, 8.0, near=False)], 0.0, t + 12)


def red_light(rng: Rng) -> "Draft[Kerb]":
    """A queue at a red light stands in a queue area inside a no-stopping stretch, longer than that permits."""
    wait = 20.0
    zone = Area("kerb", "no_stopping", (LANE[0], 12.0, LANE[1], 42.0))
    where = Area("q1", "queue_area", (LANE[0], 11.0, LANE[1], 43.0))
    kerb = Kerb((zone, where), wait, calibrated=bool(rng.uniform() < 0.8), drawn_lanes=bool(rng.uniform() < 0.5))
    red = float(rng.uniform(30, 70))
    cars = queue(rng, int(rng.integers(1, 5)), 8.0, 40.0, [(14 + red, 300.0)])
    return Draft("red light", kerb, [*cars, *traffic(rng, 0, red + 25, 9.0, near=False)], 0.0, red + 28)


def double_parking(rng: Rng) -> "Draft[Kerb]":
    """Stands in the running lane beside cars in their bays."""
    wait = float(rng.choice([20.0, 30.0, 45.0]))
    zone = Area("kerb", "no_stopping", (LANE[0], 12.0, LANE[1], 42.0))
    bay = Area("bay", "parking_bay", (STRIP[0], 12.0, STRIP[1], 42.0))
    kerb = Kerb((zone, bay), wait, calibrated=bool(rng.uniform() < 0.8), drawn_lanes=bool(rng.uniform() < 0.5))
    stay = wait * float(rng.choice([rng.uniform(0.2, 0.8), rng.uniform(1.2, 2.2) + 4 / wait]))
    y = _y(rng)
    t1 = 30 + stay
    standing = [parked(rng, f"b{at}", 1.3, at, t1) for at in np.arange(15.0, 41.0, 6.4).tolist() if rng.uniform() < 0.8]
    car = visitor(rng, "v1", [Stop(float(rng.uniform(-1.7, -1.1)), y, 15 + stay)], 15.0)
    return Draft("double parking", kerb, [car, *standing, *traffic(rng, 0, t1, 7.0, near=False)], 0.0, t1)


def occluding_bus(rng: Rng) -> "Draft[Kerb]":
    """A bus stops in the lane before the parked car and hides it for a while."""
    wait = float(rng.choice([45.0, 60.0, 90.0]))
    kerb = _strip(rng, wait)
    stay = wait * float(rng.choice([rng.uniform(0.5, 0.85), rng.uniform(1.2, 1.8) + 4 / wait]))
    y = float(rng.uniform(20, 32))
    car = visitor(rng, "v1", [Stop(strip_x(rng), y, 15 + stay)], 15.0)
    begin = 15 + stay * float(rng.uniform(0.15, 0.5))
    bus = visitor(
        rng, "v2", [Stop(-1.75, y + float(rng.uniform(-3, 2)), begin + float(rng.uniform(12, 40)))], begin, "bus"
    )
    t1 = 15 + stay + 18
    return Draft("occluding bus", kerb, [car, bus, *traffic(rng, 0, t1, 14.0, near=False)], 0.0, t1)


def returns(rng: Rng) -> "Draft[Kerb]":
    """Leaves within the wait, comes back to the same place: the clock begins anew."""
    wait = float(rng.choice([20.0, 30.0, 45.0]))
    kerb = _strip(rng, wait)
    x, y, size = strip_x(rng), _y(rng), sized("car", rng)
    one = wait * float(rng.uniform(0.5, 0.85))
    two = wait * float(rng.choice([rng.uniform(0.4, 0.8), rng.uniform(1.2, 1.8) + 4 / wait]))
    again = 15 + one + float(rng.uniform(25, 80))
    first = visitor(rng, "v1", [Stop(x, y, 15 + one)], 15.0, size=size)
    second = visitor(
        rng, "v2", [Stop(x + float(rng.normal(0, 0.05)), y + float(rng.normal(0, 0.3)), again + two)], again, size=size
    )
    t1 = again + two + 15
    return Draft("leaves and returns", kerb, [first, second, *traffic(rng, 0, t1, 10.0)], 0.0, t1)


def swapped(rng: Rng) -> "Draft[Kerb]":
    """Two cars that look alike stand in the same place one after the other; neither, or only the second, for long."""
    wait = float(rng.choice([20.0, 30.0, 45.0]))
    kerb = _strip(rng, wait)
    x, y, size = strip_x(rng), _y(rng), sized("car", rng)
    one = wait * float(rng.uniform(0.55, 0.85))
    two = wait * float(rng.choice([rng.uniform(0.5, 0.85), rng.uniform(1.25, 1.8) + 4 / wait], p=[0.7, 0.3]))
    again = 15 + one + float(rng.uniform(11, 25))
    first = visitor(rng, "v1", [Stop(x, y, 15 + one)], 15.0, size=size)
    second = visitor(rng, "v2", [Stop(x, y + float(rng.normal(0, 0.3)), again + two)], again, size=size)
    t1 = again + two + 15
    return Draft("cars swap places", kerb, [first, second, *traffic(rng, 0, t1, 15.0)], 0.0, t1)


def wakes(rng: Rng) -> "Draft[Kerb]":
    """The zone comes into force while the car stands in it."""
    wait = float(rng.choice([30.0, 45.0, 60.0]))
    opens = float(rng.uniform(35, 80))
    start = datetime.fromisoformat(START).replace(hour=9, minute=59, second=0) + timedelta(seconds=60 - opens)
    kerb = _strip(rng, wait, hours="Mo-Su 10:00-22:00")
    after = wait * float(rng.choice([rng.uniform(0.3, 0.8), rng.uniform(1.2, 1.7) + 4 / wait]))
    car = visitor(rng, "v1", [Stop(strip_x(rng), _y(rng), opens + after)], float(rng.uniform(12, 20)))
    t1 = opens + after + 15
    return Draft("zone wakes mid-stay", kerb, [car, *traffic(rng, 0, t1, 10.0)], 0.0, t1, start=start.isoformat())


def sleeps(rng: Rng) -> "Draft[Kerb]":
    """A long stay while the zone is not in force."""
    wait = float(rng.choice([20.0, 30.0]))
    kerb = _strip(rng, wait, hours=str(rng.choice(["Mo-Fr 16:00-19:00", "Sa-Su 07:00-22:00", "Mo-Su 07:00-09:00"])))
    stay = wait * float(rng.uniform(1.5, 3))
    car = visitor(rng, "v1", [Stop(strip_x(rng), _y(rng), 15 + stay)], 15.0)
    return Draft("zone asleep", kerb, [car, *traffic(rng, 0, stay + 30, 9.0)], 0.0, stay + 30)


def bays(rng: Rng) -> "Draft[Kerb]":
    """Legal bays follow the zone along the kerb: who stands in one is no offender, who stands before it is."""
    wait = _wait(rng)
    split = float(rng.uniform(24, 30))
    bay = Area("bay", "parking_bay", (STRIP[0], split, STRIP[1], 44.0))
    kerb = _strip(rng, wait, y=(12.0, split), areas=(bay,))
    stay = wait * float(rng.uniform(1.2, 2)) + 4
    t1 = 30 + stay
    inside = visitor(rng, "v1", [Stop(strip_x(rng), split + float(rng.uniform(1.2, 9)), 15 + stay)], 15.0)
    actors: list[Actor] = [inside]
    if rng.uniform() < 0.5:
        actors.append(visitor(rng, "v2", [Stop(strip_x(rng), split - float(rng.uniform(3.2, 8)), 17 + stay)], 18.0))
    return Draft("bays beside the zone", kerb, [*actors, *traffic(rng, 0, t1, 9.0)], 0.0, t1)


def outside(rng: Rng) -> "Draft[Kerb]":
    """Stands for long on a forecourt beyond the kerb, or with little of its footprint in the zone."""
    wait = _wait(rng)
    kerb = _strip(rng, wait, two_way=True)
    stay = wait * float(rng.uniform(1.2, 2)) + 4
    x = float(rng.choice([rng.uniform(3.1, 3.5), rng.uniform(4, 6)]))
    car = visitor(rng, "v1", [Stop(x, _y(rng), 15 + stay)], 15.0)
    return Draft("outside the zone", kerb, [car, *traffic(rng, 0, stay + 30, 9.0)], 0.0, stay + 30)


def passing(rng: Rng) -> "Draft[Kerb]":
    """Traffic, and nobody stops."""
    kerb = _strip(rng, _wait(rng))
    return Draft("passing traffic", kerb, traffic(rng, 0, 90, 4.0), 0.0, 90.0)


def jam(rng: Rng) -> "Draft[Kerb]":
    """The lane beside stands in a jam: the clock of who stands in the zone does not run meanwhile."""
    wait = float(rng.choice([30.0, 45.0, 60.0]))
    kerb = _strip(rng, wait, y=(12.0, 40.0))
    jam_s = float(rng.uniform(45, 110))
    free = wait * float(rng.choice([rng.uniform(0.2, 0.7), rng.uniform(1.25, 1.7) + 6 / wait], p=[0.6, 0.4]))
    begin = 14.0
    cars = queue(rng, int(rng.integers(5, 8)), begin, 44.0, [(begin + 8 + jam_s, 300.0)])
    arrives = begin + float(rng.uniform(14, 20))
    leaves = begin + 8 + jam_s + free
    car = visitor(rng, "v1", [Stop(strip_x(rng), float(rng.uniform(18, 34)), leaves)], arrives)
    t1 = leaves + 14
    return Draft(
        "jam beside the zone", kerb, [*cars, car, *traffic(rng, begin + jam_s + 30, t1, 6.0, far=False)], 0.0, t1
    )


def two_wheelers(rng: Rng) -> "Draft[Kerb]":
    """Motorcycles and bicycles stand in the zone: a matter of their own, no 1039 case."""
    wait = float(rng.choice([20.0, 30.0]))
    kerb = _strip(rng, wait)
    t1 = wait * 2.5
    kinds = [str(rng.choice(["motorcycle", "bicycle"])) for _ in range(int(rng.integers(1, 4)))]
    y = _y(rng)
    standing = [parked(rng, f"m{at}", strip_x(rng), y + 1.6 * at, t1, kind) for at, kind in enumerate(kinds)]
    return Draft("two-wheelers", kerb, [*standing, *traffic(rng, 0, t1, 9.0)], 0.0, t1)


def bus_stop(rng: Rng) -> "Draft[Kerb]":
    """A bus at its stop, or a car that stands there."""
    wait = float(rng.choice([20.0, 30.0, 45.0]))
    kerb = _strip(rng, wait, "bus_stop")
    kind = str(rng.choice(["bus", "car"]))
    stay = wait * float(rng.uniform(1.2, 2)) + 4
    one = visitor(rng, "v1", [Stop(strip_x(rng), float(rng.uniform(20, 33)), 15 + stay)], 15.0, kind)
    return Draft(f"{kind} at a bus stop", kerb, [one, *traffic(rng, 0, stay + 30, 9.0)], 0.0, stay + 30)


def emergency(rng: Rng) -> "Draft[Kerb]":
    """An ambulance on task, told by a source."""
    wait = float(rng.choice([20.0, 30.0]))
    kerb = _strip(rng, wait)
    stay = wait * float(rng.uniform(1.4, 2.2))
    one = visitor(rng, "v1", [Stop(strip_x(rng), _y(rng), 15 + stay)], 15.0, "truck", facts={"emergency": True})
    return Draft("emergency vehicle on task", kerb, [one, *traffic(rng, 0, stay + 30, 9.0)], 0.0, stay + 30)


def shuffles(rng: Rng) -> "Draft[Kerb]":
    """Moves up by some metres within the zone: the clock begins anew, the stay does not."""
    wait = float(rng.choice([20.0, 30.0, 45.0]))
    kerb = _strip(rng, wait)
    x, y = strip_x(rng), float(rng.uniform(16, 24))
    one = wait * float(rng.uniform(0.5, 0.8))
    two = wait * float(rng.choice([rng.uniform(0.4, 0.8), rng.uniform(1.2, 1.7) + 4 / wait]))
    stops = [Stop(x, y, 15 + one), Stop(x, y + float(rng.uniform(2.5, 9)), 15 + one + 5 + two)]
    t1 = 15 + one + two + 22
    return Draft("shuffles in the zone", kerb, [visitor(rng, "v1", stops, 15.0), *traffic(rng, 0, t1, 10.0)], 0.0, t1)


def many(rng: Rng) -> "Draft[Kerb]":
    """A busy kerb: stays of every length beside each other, traffic passing all the time."""
    wait = float(rng.choice([20.0, 30.0, 45.0]))
    kerb = _strip(rng, wait, y=(11.0, 44.0))
    places = [14.0, 21.5, 29.0, 36.5]
    actors: list[Actor] = []
    t1 = 60 + 2 * wait
    for number, y in enumerate(places):
        if rng.uniform() < 0.8:
            stay = wait * float(rng.choice([rng.uniform(0.2, 0.8), rng.uniform(1.2, 1.7) + 4 / wait]))
            arrives = float(rng.uniform(12, 40))
            stop = Stop(strip_x(rng), y + float(rng.uniform(-0.4, 0.4)), arrives + stay)
            actors.append(visitor(rng, f"v{number}", [stop], arrives, _some(rng)))
    return Draft("busy kerb", kerb, [*actors, *traffic(rng, 0, t1, 5.0)], 0.0, t1, busy=True)


#: Every kind with its weight in a campaign.
KINDS: tuple[tuple[Kind, float], ...] = (
    (short_stop, 2.0),
    (long_stay, 4.0),
    (creeping, 1.5),
    (red_light, 1.0),
    (double_parking, 2.0),
    (occluding_bus, 2.0),
    (returns, 1.5),
    (swapped, 1.5),
    (wakes, 1.5),
    (sleeps, 0.7),
    (bays, 1.5),
    (outside, 1.0),
    (passing, 0.7),
    (jam, 2.0),
    (two_wheelers, 0.7),
    (bus_stop, 1.2),
    (emergency, 0.5),
    (shuffles, 1.5),
    (many, 3.0),
)
