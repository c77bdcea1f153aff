"""The end of permitted parking (domain B6, UK): bays, their hours, and the grace after them. No permitted minute counts."""

from datetime import datetime

from edge.rules.decision import Outcome
from tests.scenes.kerbside import Street, car, parked, visit, world

#: Ten o'clock less a minute: a bay that closes at ten closes at stream second 60.
NINE_59 = datetime.fromisoformat("2026-01-05T09:59:00+08:00")
BAY = [(3.0, 18.0), (5.4, 18.0), (5.4, 26.0), (3.0, 26.0)]


def street(grace_s: float | None, wait_s: float = 20) -> Street:
    made = Street(wait_s=wait_s, start=NINE_59)
    made.more = [made.area("bay", "parking_bay", BAY, hours="Mo-Su 07:00-10:00", grace_s=grace_s)]
    return made


def reasons(said) -> set[str]:
    return {name for one in said.acquitted for name in one.suppression}


def test_the_wait_begins_when_the_bay_closes_not_when_the_car_came() -> None:
    said = street(None).say(world(car(parked(4.2, 22))).scenes(0, 100, 5))
    (accused,) = said.violations
    assert 60 <= accused.first.t <= 61
    assert accused.trigger is not None and 80 <= accused.trigger.t <= 81.5
    assert float(str(accused.numbers["proven_s"])) < 22
    assert [keep.t for keep in said.keeps if keep.moment == "first"] == [accused.first.t]


def test_grace_is_given_at_the_end_of_permitted_parking() -> None:
    graced = street(60.0).say(world(car(parked(4.2, 22))).scenes(0, 160, 2))
    (accused,) = graced.violations
    assert 120 <= accused.first.t <= 121
    assert accused.trigger is not None and accused.trigger.t >= 140


def test_who_leaves_within_the_grace_is_cleared_and_told_why() -> None:
    said = street(60.0).say(world(car(visit(4.2, 22, 20, 110))).scenes(0, 130, 5))
    assert said.violations == []
    assert reasons(said) == {"grace"}
    assert "ended less than 60 s ago" in said.acquitted[0].reason


def test_who_came_after_the_end_has_no_grace() -> None:
    said = street(60.0).say(world(car(visit(4.2, 22, 75, 118))).scenes(0, 130, 5))
    (accused,) = said.violations
    assert 74 <= accused.first.t <= 78


def test_there_is_no_grace_beside_the_bay() -> None:
    said = street(600.0).say(world(car(parked(4.2, 33))).scenes(0, 60, 5))
    assert [one.outcome for one in said.violations] == [Outcome.VIOLATION]


def test_the_grace_of_a_zone_with_a_time_limit_comes_on_top_and_is_told_apart() -> None:
    loading = Street(wait_s=20, zone={"type": "loading_bay", "grace_s": 15})
    said = loading.say(world(car(parked(4.2, 22))).scenes(0, 60, 5))
    (accused,) = said.violations
    assert accused.numbers["permitted_wait_s"] == 20 and accused.numbers["grace_s"] == 15
    assert float(str(accused.numbers["proven_s"])) >= 35
    assert "20 s and 15 s of grace are permitted" in accused.reason


def test_a_bay_that_opens_mid_stay_ends_the_wait_and_gives_its_pictures_back() -> None:
    made = Street(wait_s=100, start=NINE_59)
    made.more = [made.area("bay", "parking_bay", BAY, hours="Mo-Su 10:00-19:00")]
    said = made.say(world(car(parked(4.2, 22))).scenes(0, 200, 2))
    assert said.violations == []
    assert [keep.moment for keep in said.keeps][:1] == ["first"] and len(said.releases) >= 1
    assert reasons(said) == {"parking_bay"}
