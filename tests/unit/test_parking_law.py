"""Illegal parking (domain D2): where standing counts, what excuses it, and when the clock stands still."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from edge.frames import Facts
from edge.rules.calendar import Calendar
from edge.rules.decision import Outcome
from tests.scenes.kerbside import Said, Street, car, parked, path, visit, world
from tests.scenes.world import Thing

DOUBLE = (1.9, 22.0)


def reasons(said: Said) -> set[str]:
    return {name for one in said.acquitted for name in one.suppression}


# Where it stands


def test_double_parking_beside_the_zone_is_not_in_it_although_its_box_reaches_over() -> None:
    street = Street(wait_s=20)
    said = street.say(world(car(parked(1.7, 22))).scenes(0, 60, 5))
    assert said.violations == []


def test_a_car_mostly_in_the_zone_counts_and_one_mostly_outside_is_told_why_not() -> None:
    # The zone begins at x = 3 m; a car is 1.8 m wide.
    inside = Street(wait_s=20).say(world(car(parked(3.35, 22))).scenes(0, 60, 5))
    outside = Street(wait_s=20).say(world(car(parked(2.75, 22))).scenes(0, 60, 5))
    assert len(inside.violations) == 1
    assert outside.violations == []
    assert reasons(outside) == {"outside"}
    assert float(str(outside.acquitted[0].numbers["share"])) == pytest.approx(0.36, abs=0.1)


def test_a_bus_beside_the_zone_whose_middle_of_the_box_is_in_it_is_not_in_the_zone() -> None:
    said = Street(wait_s=20).say(world(Thing("bus", parked(1.2, 24), 1, heading=0.0)).scenes(0, 60, 5))
    assert said.violations == []


def test_a_marked_bay_inside_the_zone_is_legal() -> None:
    street = Street(wait_s=20)
    street.more = [street.area("bay", "parking_bay", [(3.0, 18), (5.4, 18), (5.4, 26), (3.0, 26)])]
    said = street.say(world(car(parked(4.2, 22), 1), car(parked(4.2, 33), 2)).scenes(0, 60, 5))
    assert [one.track_id for one in said.violations] == [2]
    assert reasons(said) == {"parking_bay"}
    assert {keep.passage for keep in said.keeps} == {said.violations[0].passage}


def test_a_bay_is_legal_in_its_hours_only() -> None:
    street = Street(wait_s=20)
    bay = [(3.0, 18), (5.4, 18), (5.4, 26), (3.0, 26)]
    street.more = [street.area("bay", "parking_bay", bay, hours="Mo-Su 19:00-07:00")]
    assert len(street.say(world(car(parked(4.2, 22))).scenes(0, 60, 5)).violations) == 1


def test_a_queue_area_is_never_used_for_parking() -> None:
    street = Street(wait_s=20)
    street.more = [street.area("q1", "queue_area", [(2.5, 12), (6, 12), (6, 40), (2.5, 40)])]
    said = street.say(world(car(parked(4.2, 22))).scenes(0, 60, 5))
    assert said.violations == []
    assert [one.outcome for one in said.acquitted] == [Outcome.SUPPRESSED]
    assert reasons(said) == {"queue_area"}


def test_what_stands_in_an_ignored_area_is_not_seen() -> None:
    street = Street(wait_s=20)
    street.more = [street.area("trees", "ignore", [(2, 12), (6, 12), (6, 40), (2, 40)])]
    assert street.say(world(car(parked(4.2, 22))).scenes(0, 60, 5)).sayings == []


def test_overlapping_zones_make_one_event_in_the_stricter_one() -> None:
    street = Street(wait_s=60)
    whole = [(3.0, 12), (5.4, 12), (5.4, 40), (3.0, 40)]
    street.more = [street.area("strict", "no_stopping", whole, permitted_wait_s=30)]
    said = street.say(world(car(parked(4.2, 22))).scenes(0, 100, 5))
    assert [one.zone_id for one in said.violations] == ["strict"]


# Who stands


@pytest.mark.parametrize("kind", ["motorcycle", "bicycle"])
def test_two_wheelers_are_a_matter_of_governance(kind: str) -> None:
    said = Street(wait_s=20).say(world(Thing(kind, parked(4.2, 22), 1, heading=0.0)).scenes(0, 60, 5))
    assert said.violations == []
    assert said.keeps == []
    assert reasons(said) == {"two_wheeler"}


def test_an_emergency_vehicle_on_task_is_suppressed() -> None:
    said = Street(wait_s=20).say(world(car(parked(4.2, 22), facts=Facts(emergency=True))).scenes(0, 60, 5))
    assert said.violations == []
    assert [one.outcome for one in said.acquitted] == [Outcome.SUPPRESSED]
    assert reasons(said) == {"emergency"}


def test_a_bus_may_stand_at_its_stop_and_a_car_may_not() -> None:
    street = Street(wait_s=20, zone={"type": "bus_stop"})
    bus = street.say(world(Thing("bus", parked(4.2, 26), 1, heading=0.0)).scenes(0, 60, 5))
    assert bus.violations == []
    assert reasons(bus) == {"bus_at_stop"}
    assert len(street.say(world(car(parked(4.2, 26))).scenes(0, 60, 5)).violations) == 1


def test_a_loading_bay_permits_its_minutes_and_no_more() -> None:
    street = Street(wait_s=40, zone={"type": "loading_bay"})
    truck = Thing("truck", visit(4.2, 24, 20, 50), 1, heading=0.0)
    assert street.say(world(truck).scenes(0, 90, 5)).violations == []
    longer = Thing("truck", visit(4.2, 24, 20, 70), 1, heading=0.0)
    assert len(street.say(world(longer).scenes(0, 90, 5)).violations) == 1


def test_several_vehicles_are_judged_each_alone() -> None:
    things = [car(visit(4.2, 16 + 7 * n, 20 + 5 * n, 130 if n != 1 else 60), n + 1) for n in range(3)]
    said = Street(wait_s=60).say(world(*things).scenes(0, 160, 5))
    assert sorted(one.track_id for one in said.violations) == [1, 3]


# When it stands


def test_a_zone_that_wakes_during_the_stay_starts_the_clock_at_waking() -> None:
    start = datetime.fromisoformat("2026-01-05T06:59:00+08:00")
    street = Street(wait_s=30, start=start, zone={"hours": "Mo-Su 07:00-22:00"})
    said = street.say(world(car(parked(4.2, 22))).scenes(0, 150, 5))
    (violation,) = said.violations
    assert violation.first.t == pytest.approx(60, abs=0.01)
    assert violation.trigger is not None
    assert violation.trigger.t == pytest.approx(90, abs=0.21)
    assert said.keeps[0].t >= 60


def test_a_zone_that_falls_asleep_counts_no_more() -> None:
    start = datetime.fromisoformat("2026-01-05T21:59:30+08:00")
    street = Street(wait_s=60, start=start, zone={"hours": "Mo-Su 07:00-22:00"})
    said = street.say(world(car(parked(4.2, 22))).scenes(0, 150, 5))
    assert said.violations == []
    assert reasons(said) == {"hours"}


def test_calendar_knows_midnight_weekends_and_the_change_of_summer_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime.fromisoformat("2026-03-28T22:30:00+01:00")
    calendar = Calendar("Sa,Su 22:00-06:00", berlin, lambda t: start + timedelta(seconds=t))
    assert calendar.awake(0)
    # 06:00 summer time is 6.5 h after 22:30 winter time, not 7.5 h: the clock jumps from two to three.
    assert calendar.awake(6.49 * 3600)
    assert not calendar.awake(6.51 * 3600)
    assert calendar.woke(7 * 3600, 24 * 3600) == pytest.approx((24 - 1.5) * 3600)
    assert calendar.woke(0, 3600) is None
    always = Calendar(None, berlin, lambda t: start)
    assert always.awake(0)
    assert always.woke(0, 1e6) is None


# The traffic beside it


def standing_lane(since: float, until: float, x: float = 0.6) -> list[Thing]:
    """Four cars that come up the running lane, stand bumper to bumper, and drive on."""
    return [car(visit(x, 14 + 7 * n, since - 2 * n, until + 2 * (3 - n), lane=x), 10 + n) for n in range(4)]


def test_a_jam_beside_the_zone_pauses_the_clock() -> None:
    things = [car(visit(4.2, 22, 20, 200), 1), *standing_lane(30, 160)]
    said = Street(wait_s=100).say(world(*things).scenes(0, 230, 5))
    assert said.violations == []
    assert reasons(said) == {"jam"}
    assert float(str(said.acquitted[0].numbers["paused_s"])) > 80


def test_a_wait_is_counted_on_when_the_jam_is_over() -> None:
    things = [car(visit(4.2, 22, 20, 300), 1), *standing_lane(30, 100)]
    said = Street(wait_s=100).say(world(*things).scenes(0, 330, 5))
    (violation,) = said.violations
    assert violation.trigger is not None
    paused = float(str(violation.numbers["paused_s"]))
    assert paused > 40
    assert violation.trigger.t == pytest.approx(violation.first.t + 100 + paused, abs=0.5)


def test_a_red_light_shorter_than_the_wait_is_no_parking() -> None:
    things = [car(visit(4.2, 16 + 7 * n, 20 + 2 * n, 80 + 2 * n), n + 1) for n in range(3)]
    said = Street(wait_s=180).say(world(*things).scenes(0, 120, 5))
    assert said.violations == []


def test_vehicles_that_stand_alone_in_the_zone_never_make_a_jam() -> None:
    things = [car(visit(4.2, 16 + 7 * n, 20 + 2 * n, 180), n + 1) for n in range(3)]
    said = Street(wait_s=60).say(world(*things).scenes(0, 220, 5))
    assert len(said.violations) == 3


def test_a_line_in_the_zone_beside_a_standing_lane_is_a_queue() -> None:
    line = [car(visit(4.2, 16 + 7 * n, 30 - 2 * n, 180 + n), n + 1) for n in range(3)]
    beside = [car(visit(0.6, 20, 30, 180, lane=0.6), 10), car(visit(0.6, 28, 28, 180, lane=0.6), 11)]
    said = Street(wait_s=60).say(world(*line, *beside).scenes(0, 220, 5))
    assert said.violations == []
    assert reasons(said) == {"jam"}


def test_traffic_that_runs_beside_it_is_no_jam() -> None:
    running = [car(path((6 * n, 0.6, -5), (6 * n + 8, 0.6, 70)), 20 + n) for n in range(25)]
    said = Street(wait_s=60).say(world(car(visit(4.2, 22, 20, 120), 1), *running).scenes(0, 150, 5))
    assert len(said.violations) == 1
    assert said.violations[0].numbers["paused_s"] == 0


def test_cars_in_bays_across_the_road_are_no_jam() -> None:
    street = Street(wait_s=60)
    street.more = [street.area("bays", "parking_bay", [(-2.6, 12), (-0.3, 12), (-0.3, 40), (-2.6, 40)])]
    across = [car(parked(-1.5, 15 + 7 * n), 10 + n) for n in range(3)]
    said = street.say(world(car(visit(4.2, 22, 20, 120), 1), *across).scenes(0, 150, 5))
    assert [one.track_id for one in said.violations] == [1]


def test_with_lanes_drawn_only_those_beside_the_zone_count() -> None:
    far, near = [(-3.0, 10), (-0.6, 10), (-0.6, 45), (-3.0, 45)], [(-0.6, 10), (2.9, 10), (2.9, 45), (-0.6, 45)]
    street = Street(wait_s=60)
    street.lanes = [street.lane("far", far, (-1.8, 5)), street.lane("near", near, (1.2, 60))]
    oncoming = standing_lane(25, 140, x=-1.8)
    said = street.say(world(car(visit(4.2, 22, 20, 120), 1), *oncoming).scenes(0, 160, 5))
    assert [one.track_id for one in said.violations] == [1]
