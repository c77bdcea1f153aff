"""Failure to yield, seen through a detector's faults: sway, bicycles beside, boxes half hidden, blinks.

The street, the vehicle and the figures are those of test_yielding.py.
"""

from dataclasses import replace

import numpy as np
import pytest

from edge.rules.decision import Outcome
from edge.rules.drive import Drive
from edge.rules.ground import plane_of
from edge.rules.motion import smooth
from edge.rules.movers import MOST, Group, Mover, Movers
from tests.scenes.crossing import CLEAR, only, steady, vehicle, walker
from tests.scenes.street import Street, decisions, play
from tests.scenes.world import Thing, World, path


def swaying(number: int, x: float, by: float, period: float) -> Thing:
    """Comes from the right and then stands at `x`, its box swaying `by` metres to either side."""

    def place(t: float) -> tuple[float, float]:
        return (x + max(0.0, -3.0 - t) * 1.2 + by * float(np.sin(2 * np.pi * t / period)), 20.0)

    return Thing("person", place, number, heading=90.0)


def test_who_sways_on_the_centre_line_has_not_turned_back() -> None:
    """0.08 m at 1.2 s a sway is 0.42 m/s now and then, and no way back."""
    decision = only(Street(), steady(1, "l1"), swaying(50, -0.05, 0.08, 1.2), t0=-9.0)
    assert decision.outcome is Outcome.VIOLATION, decision.reason


def test_two_steps_back_are_a_turn() -> None:
    back = walker(50, (-1.0, 3.0), (3.0, -0.6), (4.0, -0.6), (5.2, 0.3), y=20.0)
    decision = only(Street(), steady(1, "l1"), back, t0=-9.0)
    assert decision.outcome is Outcome.CLEARED and "turned back" in decision.reason


def pushed(number: int, *points: tuple[float, float], beside: float, y: float = 20.0) -> Thing:
    """A bicycle that rolls `beside` metres nearer to the camera than a walker along the same points."""
    return walker(number, *points, y=y - beside, kind="bicycle")


def test_a_bicycle_pushed_on_the_near_side_is_no_ride_for_sure() -> None:
    """Seen 20 m away and 7 m up, wheels 0.55 m nearer are 8-10 % of the person's height lower: C2's 8 %."""
    things = [steady(1, "l1"), walker(50, *CLEAR), pushed(60, *CLEAR, beside=0.55)]
    decision = only(Street(), *things)
    assert decision.outcome is Outcome.VIOLATION, decision.reason
    assert [question.fact for question in decision.unknown] == ["on_foot"]


def test_a_rider_at_a_riders_pace_is_no_pedestrian_even_near_the_camera() -> None:
    points = (3.5, 4.2), (6.5, -3.9)
    rider = Thing("person", path(*((t, x, 20.0) for t, x in points)), 50, heading=90.0, lift=0.27)
    decision = only(Street(), steady(1, "l1"), rider, pushed(60, *points, beside=0.0))
    assert decision.outcome is Outcome.CLEARED and "rides" in decision.reason


def test_a_speed_may_not_rise_faster_than_engines_allow() -> None:
    """A box that grows out from behind another creeps at first; judged is what physics leaves."""
    t = np.arange(0.0, 2.0, 0.08)
    true = -12.0 + 9.0 * t
    seen = np.where(t < 0.8, -12.0 + 9.0 * 0.8 - (0.8 - t) * 2.0, true)
    drive = Drive(
        mover=Mover(1, Group.VEHICLE),
        motion=smooth(t, np.column_stack([np.zeros_like(seen), seen])),
        front=np.zeros((len(t), 2)),
        past=seen,
        over=np.zeros(len(t), bool),
        beyond=np.zeros(len(t), bool),
    )
    assert float(np.interp(0.4, drive.t, drive.speed)) < 2.5
    assert drive.speed_at(0.4) > 4.0
    assert drive.speed_at(1.5) == pytest.approx(9.0, abs=0.4)


def test_a_car_that_stood_is_not_found_again_behind_its_place() -> None:
    """One stands before the line and is hidden; another comes up behind its place 3 s later, too fast to stop."""
    first = vehicle(1, "l1", (0.0, -20.0), (4.0, -2.0), (30.0, -2.0), seen=(-9.0, 5.0))
    second = steady(2, "l1", 8.5, 9.0, seen=(7.6, 20.0))
    said = decisions(play(Street(), [first, second, walker(50, (1.2, 4.5), (10.0, -3.4))]))
    assert [decision.outcome for decision in said] == [Outcome.CLEARED], [decision.reason for decision in said]
    assert "could no longer stop" in said[0].reason


def test_blinks_of_the_detector_are_no_blocked_view() -> None:
    """A third of the sightings lost one or two at a time, in free view: still seen; behind a bus it was not."""
    decision = only(Street(), steady(1, "l1"), flickering(walker(50, *CLEAR)), noise=0.5)
    assert decision.outcome is Outcome.VIOLATION and decision.verdict == "candidate", decision.unknown


def flickering(thing: Thing) -> Thing:
    """Gone for 0.24 s in every 0.64 s."""
    return replace(thing, place=lambda t: None if t % 0.64 < 0.24 else thing.place(t))


def test_of_two_thousand_boxes_those_near_the_crossing_are_followed() -> None:
    """Rubbish may fill a frame; the pedestrian on the crossing and the vehicle before it are judged all the same."""
    rubbish = [
        Thing("person", path((0, x, y), (99, x, y)), 1000 + 50 * x + y) for x in range(8, 26) for y in range(15, 47)
    ]
    street = Street()
    plane = plane_of(street.camera())
    movers = Movers(plane, (0.0, 20.0), dict.fromkeys(Group, 60.0))
    things = [steady(1, "l1"), walker(50, *CLEAR), *rubbish]
    (scene,) = World(street.view, things).scenes(4.0, 4.1, 10.0)
    assert len(scene.tracks) > 2 * MOST
    seen = movers.take(scene)
    assert len(movers.of(Group.PERSON)) == MOST
    assert {1, 50} <= {mover.id for mover in seen}
