"""The law of the scene generator on truths made by hand: the sentences of domain C2 and D2, one by one."""

import numpy as np
import pytest

from tests.scenes.generate import parking_law, yield_law, yield_walk
from tests.scenes.generate.actors import Actor, Way
from tests.scenes.generate.kerb import Area, Kerb
from tests.scenes.generate.motion import Leg, headings, walk
from tests.scenes.generate.road import Road

ROAD = Road(policy="half_lane")
V = 20 / 3.6


def car(lane: str = "l1", at: float = 10.0, *profile: tuple[float, float], kind: str = "car") -> Actor:
    """Its front is `s` metres past the stop line at `t` for (t, s) given; without any, 20 km/h, at the line at `at`."""
    knots = profile or ((at - 10, -10 * V), (at + 10, 10 * V))
    t = np.arange(knots[0][0], knots[-1][0], 0.05)
    s = np.interp(t, *zip(*knots, strict=True))
    length = 4.4
    way = ROAD.way(lane)
    xy = np.column_stack([np.full(len(t), ROAD.middle(lane)), ROAD.stop(lane) + way * (s - length / 2)])
    actor = Actor("v", kind, Way(t, xy, np.full(len(t), 0.0 if way > 0 else np.pi)), "vehicle", (length, 1.8, 1.5))
    return Actor(**{**actor.__dict__, "lane": lane})


def person(t0: float, x: float, *legs: Leg, name: str = "p", role: str = "pedestrian") -> Actor:
    return Actor(name, "person", walk(t0, x, 20.0, legs), role, (0.45, 0.5, 1.7))


def guilty(*actors: Actor, road: Road = ROAD, lean: int = 0) -> bool:
    seen = {actor.name: (float(actor.way.t[0]), float(actor.way.t[-1])) for actor in actors}
    (passed,) = yield_law.passages(yield_walk.Case(road, actors, seen), lean)
    return passed.guilty


def test_driving_on_before_who_crosses_in_the_lane() -> None:
    assert guilty(car(), person(6.0, 3.5, Leg(-3.5, 20, 1.0)))


def test_nobody_or_somebody_at_the_kerb_accuses_nobody() -> None:
    assert not guilty(car())
    assert not guilty(car(), person(30.0, -4.2, Leg(-3.5, 20, 1.0)))


def test_stopping_distance_is_asked_at_the_first_moment() -> None:
    """At 20 km/h 10.7 m are needed, 1.9 s before the line; 0.5 s beyond the edge and the way into D come before that."""
    assert guilty(car(), person(7.0, -3.9, Leg(3.9, 20, 1.2)))
    assert not guilty(car(), person(8.9, -3.9, Leg(3.9, 20, 1.2)))


@pytest.mark.parametrize(
    ("policy", "expected"), [("same_lane", False), ("half_lane", False), ("adjacent", True), ("half_road", True)]
)
def test_the_lane_beside_is_a_matter_of_policy(policy: str, expected: bool) -> None:
    road = Road(policy=policy, lanes_each_way=2)
    assert guilty(car("l1"), person(6.2, -7.6, Leg(-3.6, 20, 0.65)), road=road) is expected


def test_painted_centre_accuses_a_barrier_and_an_island_do_not() -> None:
    waits = person(2.0, 3.8, Leg(0.0, 20, 1.0, 20.0))
    assert guilty(car(), waits)
    for centre in ("island", "barrier"):
        assert not guilty(car(), waits, road=Road(centre=centre))


def test_giving_way_and_moving_off_in_front() -> None:
    stands = (0.0, -40.0), (8.0, -1.0), (14.0, -1.0), (20.0, 30.0)
    let_go = person(8.0, -3.9, Leg(3.9, 20, 1.3))
    in_front = person(11.5, -3.9, Leg(3.9, 20, 0.9))
    assert not guilty(car("l1", 0, *stands), let_go)
    assert guilty(car("l1", 0, *stands), in_front)


def test_who_turned_back_crosses_no_longer() -> None:
    assert not guilty(car(), person(5.0, -3.9, Leg(-1.5, 20, 1.2), Leg(-4.0, 20, 1.2)))


def test_riders_and_passengers_are_no_pedestrians() -> None:
    for role in ("rider", "passenger"):
        assert not guilty(car(), person(6.0, 3.5, Leg(-3.5, 20, 1.0), role=role))


def test_reversing_is_no_passage() -> None:
    actor = car("l1", 0, (0.0, 20.0), (20.0, -20.0))
    seen = {"v": (0.0, 20.0)}
    assert yield_law.passages(yield_walk.Case(ROAD, [actor], seen), 0) == []


def test_a_bus_between_blocks_the_view() -> None:
    road = Road(lanes_each_way=2)
    walker = person(7.5, -7.8, Leg(3.9, 20, 1.6))
    bus = car("l2", 0, (0.0, -1.0), (30.0, -1.0), kind="bus")
    bus = Actor(**{**bus.__dict__, "name": "b", "size": (11.0, 2.5, 3.0)})
    vehicle = car("l1", 10.5)
    passed = yield_law.Passed(vehicle, "l1", 10.5, 13.0, {"p": 8.4})
    assert yield_law.blocked(yield_walk.Case(road, [vehicle, bus, walker], {}), passed)
    assert not yield_law.blocked(yield_walk.Case(road, [vehicle, walker], {}), passed)


def test_leaning_against_the_accused_never_acquits() -> None:
    rng = np.random.default_rng(3)
    for _ in range(150):
        walker = person(
            float(rng.uniform(3, 11)),
            float(rng.choice([-4, 4])),
            Leg(float(rng.uniform(-3, 3)), 20, float(rng.uniform(0.6, 1.8)), 2.0),
            Leg(-4, 20, 1.2),
        )
        vehicle = car("l1", 10.0)
        found = [guilty(vehicle, walker, lean=lean) for lean in (-1, 0, 1)]
        assert found == sorted(found)


def stay(*rests: tuple[float, float, float], x: float = 1.3, name: str = "v", kind: str = "car") -> Actor:
    """Stands at y from `begin` to `end` for each (begin, end, y); drives between, and to and from afar."""
    knots = [(rests[0][0] - 5, -20.0)]
    for begin, end, y in rests:
        knots += [(begin, y), (end, y)]
    knots.append((rests[-1][1] + 8, 90.0))
    t = np.arange(knots[0][0], knots[-1][0], 0.05)
    y = np.interp(t, *zip(*knots, strict=True))
    xy = np.column_stack([np.full(len(t), x), y])
    return Actor(name, kind, Way(t, xy, headings(xy, 0.0)), "vehicle", (4.4, 1.8, 1.5))


KERB = Kerb((Area("kerb", "no_parking", (0.0, 10.0, 2.6, 40.0)),), 30.0)


def offences(
    *actors: Actor,
    kerb: Kerb = KERB,
    hours: parking_law.Hours = lambda t: True,
    hidden: tuple[float, float] = (-2, -1),
    left: float = 0.0,
    lean: int = 0,
) -> list[parking_law.Offence]:
    """All wholly shown, but only the share `left` of them between the two instants of `hidden`."""
    times = np.arange(0.0, 300.0, 0.5)
    shown = {}
    for actor in actors:
        there = ~np.isnan(actor.way.places(times)[:, 0])
        shown[actor.name] = there * np.where((times > hidden[0]) & (times < hidden[1]), left, 1.0)
    return parking_law.offences(parking_law.Case(kerb, actors, times, hours, shown), lean)


@pytest.mark.parametrize(
    ("left", "verdicts"), [(0.7, (True, True, True)), (0.44, (False, False, True)), (0.2, (False, False, False))]
)
def test_what_is_hidden_until_it_drives_off_is_an_offence_for_who_finds_it(
    left: float, verdicts: tuple[bool, ...]
) -> None:
    found = [offences(stay((20, 90, 25)), hidden=(40, 300), left=left, lean=lean) for lean in (-1, 0, 1)]
    assert tuple(bool(one) for one in found) == verdicts


def test_a_stay_longer_than_the_wait() -> None:
    (offence,) = offences(stay((20, 90, 25)))
    assert offence.t_first == pytest.approx(20, abs=0.3)
    assert offence.t_trigger == pytest.approx(50, abs=0.8)
    assert offence.t_end == pytest.approx(90, abs=0.3)
    assert offences(stay((20, 48, 25))) == []


def test_only_a_sighting_proves_the_wait() -> None:
    (offence,) = offences(stay((20, 120, 25)), hidden=(40, 70))
    assert offence.t_trigger == pytest.approx(70, abs=0.6)


def test_a_gap_over_two_minutes_proves_nothing() -> None:
    (offence,) = offences(stay((20, 280, 25)), hidden=(40, 200))
    assert offence.t_first == pytest.approx(200, abs=0.6)


def test_shuffling_restarts_the_clock() -> None:
    assert offences(stay((20, 45, 20), (48, 70, 26))) == []
    (offence,) = offences(stay((20, 45, 20), (48, 100, 26)))
    assert offence.t_first == pytest.approx(48, abs=0.3)


def test_a_move_that_is_neither_makes_the_scene_unclear() -> None:
    with pytest.raises(parking_law.UnclearError):
        offences(stay((20, 45, 20), (46, 70, 20.6)))


def test_most_of_the_footprint_must_be_in_the_zone() -> None:
    assert offences(stay((20, 90, 25), x=2.2)) != []
    assert offences(stay((20, 90, 25), x=2.9)) == []


def test_zone_hours_start_the_clock_at_waking() -> None:
    (offence,) = offences(stay((20, 120, 25)), hours=lambda t: t >= 60)
    assert offence.t_first == pytest.approx(60, abs=0.6)
    assert offences(stay((20, 80, 25)), hours=lambda t: t >= 60) == []


def test_bays_queues_buses_at_stops_and_two_wheelers_are_no_offenders() -> None:
    for kind in ("parking_bay", "queue_area"):
        legal = Kerb((KERB.zone, Area("legal", kind, (0.0, 20.0, 2.6, 40.0))), 30.0)
        assert offences(stay((20, 90, 30)), kerb=legal) == []
    stop = Kerb((Area("kerb", "bus_stop", (0.0, 10.0, 2.6, 40.0)),), 30.0)
    assert offences(stay((20, 90, 25), kind="bus"), kerb=stop) == []
    assert len(offences(stay((20, 90, 25)), kerb=stop)) == 1
    assert offences(stay((20, 90, 25), kind="motorcycle")) == []


def test_a_jam_beside_pauses_the_clock() -> None:
    queue = [stay((15, 75, y), x=-1.75, name=f"q{y}") for y in (14, 21, 28, 35)]
    assert offences(stay((22, 90, 25)), *queue) == []
    (offence,) = offences(stay((22, 130, 25)), *queue)
    assert offence.paused_s == pytest.approx(53, abs=3)
    assert offences(stay((22, 90, 25)), *queue[:2]) != [], "two vehicles are no jam"
