"""Illegal parking over a restart of the box: only what is proven is resumed, and no case is opened twice."""

import json
from datetime import datetime, timedelta

import pytest

from edge.frames import Scene
from edge.rules.ground import plane_of
from edge.rules.parking import ParkingRule
from tests.scenes.kerbside import SHANGHAI, START, Said, Street, car, visit, world

SCENES = list(world(car(visit(4.2, 22, 20, 400)), noise=0.4).scenes(0, 430, 2))


def fresh(street: Street, begin: datetime) -> ParkingRule:
    """A rule of a box whose stream second 0 is `begin`."""
    camera = street.camera()
    return ParkingRule(camera, SHANGHAI, lambda t: begin + timedelta(seconds=t), plane_of(camera))


def with_restart(street: Street, stop: float, start: float, remember: bool = True) -> tuple[Said, Said]:
    """What is said before a restart at `stop`, and after it from `start` on; the new stream begins at second 0."""
    first = fresh(street, START)
    before = [said for scene in SCENES if scene.t <= stop for said in first.step(scene)]
    kept = json.loads(json.dumps(first.snapshot()))
    second = fresh(street, START + timedelta(seconds=start))
    if remember:
        second.restore(kept)
    after = [said for scene in SCENES if scene.t > start for said in second.step(Scene(scene.t - start, scene.tracks))]
    return Said(before), Said([*after, *second.finish()])


def test_a_wait_goes_on_over_a_short_restart() -> None:
    before, after = with_restart(Street(wait_s=100), stop=70, start=90)
    (violation,) = after.violations
    assert violation.passage == before.keeps[0].passage
    # In seconds of the new stream, which began at second 90 of the old one.
    assert violation.first.t == pytest.approx(20 - 90, abs=1)
    assert violation.trigger is not None
    assert violation.trigger.t == pytest.approx(120 - 90, abs=1.5)
    assert len(after.closed) == 1


def test_a_long_outage_proves_nothing() -> None:
    _, after = with_restart(Street(wait_s=100), stop=70, start=200)
    (violation,) = after.violations
    assert violation.first.t == pytest.approx(0, abs=1)
    assert violation.trigger is not None
    assert violation.trigger.t == pytest.approx(100, abs=1.5)


@pytest.mark.parametrize("start", [160, 330])
def test_an_accused_stay_makes_no_second_event(start: float) -> None:
    before, after = with_restart(Street(wait_s=100), stop=150, start=start)
    assert len(before.violations) == 1
    assert after.violations == []
    (closed,) = after.closed
    assert closed.passage == before.violations[0].passage
    assert closed.first.t + start == pytest.approx(before.violations[0].first.t, abs=0.01)


def test_without_a_snapshot_the_wait_begins_anew() -> None:
    _, after = with_restart(Street(wait_s=100), stop=70, start=90, remember=False)
    assert after.violations[0].first.t == pytest.approx(0, abs=1)


def test_what_no_kept_picture_shows_is_not_resumed() -> None:
    rule = fresh(Street(wait_s=100), START)
    for scene in SCENES:
        if scene.t <= 26:
            list(rule.step(scene))
    assert rule.snapshot()["stays"] == []


def test_a_snapshot_of_another_version_is_put_aside() -> None:
    rule = fresh(Street(), START)
    rule.restore({"version": 999, "anything": True})
    assert list(rule.step(SCENES[0])) == []
