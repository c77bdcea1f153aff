"""Failure to yield, whatever the camera makes of it: gaps, ids that change, frame rates, other views, other drawings.

The street, the vehicle and the figures are those of test_yielding.py.
"""

import pytest

from edge.frames import Scene, Tracks
from edge.rules.decision import Outcome
from edge.rules.ground import plane_of
from edge.rules.yielding import YieldRule
from tests.scenes.crossing import CLEAR, accused, only, steady, walker
from tests.scenes.street import STOP_L, VIEW, Street, decisions, judge
from tests.scenes.world import Pinhole, Thing, World


def hidden(thing: Thing, first: float, last: float) -> Thing:
    return Thing(
        thing.kind, lambda t: None if first < t < last else thing.place(t), thing.id, thing.heading, thing.size
    )


def test_a_pedestrian_hidden_for_long_needs_a_human() -> None:
    decision = only(Street(), steady(1, "l1"), hidden(walker(50, *CLEAR), 4.2, 5.9), noise=0.5)
    assert decision.outcome is Outcome.VIOLATION and decision.verdict == "needs_human"
    assert {question.fact for question in decision.unknown} & {"pedestrian_visible", "track"}


def test_a_vehicle_hidden_for_long_needs_a_human() -> None:
    decision = only(Street(), hidden(steady(1, "l1"), 4.3, 5.8), walker(50, *CLEAR), noise=0.5)
    assert decision.outcome is Outcome.VIOLATION
    assert [question.fact for question in decision.unknown] == ["track"]


def test_a_vehicle_lost_on_the_crosswalk_is_decided_and_asked() -> None:
    decision = only(Street(), steady(1, "l1", seen=(-9, 6.8)), walker(50, *CLEAR))
    assert decision.outcome is Outcome.VIOLATION and decision.last.t == pytest.approx(6.8, abs=0.1)
    assert [question.fact for question in decision.unknown] == ["track"]


def test_a_vehicle_first_seen_close_to_the_line_is_not_accused() -> None:
    """It is judged from its third sighting, and there it could no longer stop."""
    assert not accused(Street(), steady(1, "l1", seen=(4.9, 99)), walker(50, *CLEAR))


def switched(thing: Thing, at: float, number: int) -> list[Thing]:
    """The same thing under another id from `at` on."""
    return [
        Thing(thing.kind, lambda t: thing.place(t) if t < at else None, thing.id, thing.heading, thing.size),
        Thing(thing.kind, lambda t: thing.place(t) if t >= at else None, number, thing.heading, thing.size),
    ]


@pytest.mark.parametrize("at", [3.0, 4.6, 5.9, 6.5])
def test_id_switches_change_nothing(at: float) -> None:
    things = switched(steady(1, "l1"), at, 91) + switched(walker(50, *CLEAR), at - 0.5, 92)
    decision = only(Street(), *things, noise=0.7)
    assert (decision.outcome, decision.verdict) == (Outcome.VIOLATION, "candidate")
    assert decision.numbers["speed_kmh"] == pytest.approx(20, abs=2)


def test_ids_swapped_between_two_pedestrians_change_nothing() -> None:
    """One crosses, one waits at the kerb; at 4 s the tracker swaps their ids."""
    going, waiting = walker(50, *CLEAR), walker(51, (0.0, -4.3))
    swap = [
        Thing("person", lambda t: (going if t < 4 else waiting).place(t), 50, 90.0),
        Thing("person", lambda t: (waiting if t < 4 else going).place(t), 51, 90.0),
    ]
    decision = only(Street(), steady(1, "l1"), *swap)
    assert decision.outcome is Outcome.VIOLATION and len(decision.pedestrian_ids) == 1


@pytest.mark.parametrize(("fps", "drop"), [(5.0, 0.0), (8.0, 0.3), (12.5, 0.3), (25.0, 0.0), (30.0, 0.3)])
@pytest.mark.parametrize("guilty", [True, False])
def test_frame_rate_and_dropped_frames_change_nothing(fps: float, drop: float, guilty: bool) -> None:
    walk = CLEAR if guilty else ((4.0, -3.7), (8.0, 1.0))
    decision = only(Street(), steady(1, "l1"), walker(50, *walk), fps=fps, drop=drop, jitter=0.6, noise=0.7, miss=0.05)
    assert (decision.outcome is Outcome.VIOLATION) is guilty, decision.reason
    assert decision.trigger is not None and decision.trigger.t == pytest.approx(6.0, abs=0.2 + 1 / fps)


def test_a_side_view_judges_the_same() -> None:
    view = Pinhole(x=-22.0, y=14.0, height=7.0, tilt=14.0, pan=72.0)
    street = Street(view=view)
    assert accused(street, steady(1, "l1", kind="car"), walker(50, (1.2, 4.0), (8.0, -3.0)), noise=0.5)
    assert not accused(street, steady(1, "l1"), walker(50, (4.3, 5.0), (10.0, -3.0)), noise=0.5)


def test_without_a_measured_ground_the_event_says_estimated() -> None:
    decision = only(Street(ground=False), steady(1, "l1"), walker(50, (0.6, 4.5), (8.0, -3.0)), noise=0.5)
    assert decision.outcome is Outcome.VIOLATION and decision.ground == "estimated"


def test_without_carriageway_and_stop_lines_the_lanes_do() -> None:
    street = Street(carriageway=False, stop_lines=False)
    assert accused(street, steady(1, "l1"), walker(50, *CLEAR))
    assert not accused(street, steady(1, "l1"), walker(50, (0.0, -4.2)))


def test_lanes_drawn_only_up_to_the_stop_line_are_carried_over_the_crosswalk() -> None:
    camera = Street().camera()
    lanes = [
        lane.model_copy(update={"polygon": VIEW.ground([(x, STOP_L), (x + 3.5, STOP_L), (x + 3.5, 50), (x, 50)])})
        for lane, x in zip(camera.zones[0].lanes, (-3.5, 0.0), strict=True)
    ]
    zone = camera.zones[0].model_copy(update={"lanes": lanes})
    scenes = World(VIEW, [steady(1, "l1"), walker(50, *CLEAR)]).scenes(0.0, 14.0)
    (decision,) = decisions(judge(camera.model_copy(update={"zones": [zone]}), scenes))
    assert decision.outcome is Outcome.VIOLATION and decision.lane_id == "l1"


def test_a_lane_elsewhere_is_told() -> None:
    camera = Street().camera()
    lane = (
        camera.zones[0]
        .lanes[0]
        .model_copy(
            update={
                "polygon": VIEW.ground([(30, 30), (33, 30), (33, 50), (30, 50)]),
                "stop_line": None,
                "towards": VIEW.ground([(31.5, 9)])[0],
            }
        )
    )
    zone = camera.zones[0].model_copy(update={"lanes": [lane]})
    with pytest.raises(ValueError, match="zone zebra: lane l1 does not meet the crosswalk"):
        judge(camera.model_copy(update={"zones": [zone]}), [])


def test_time_running_backwards_is_the_callers_fault() -> None:
    camera = Street().camera()
    rule = YieldRule(camera, camera.zones[0], plane_of(camera))
    list(rule.step(Scene(2.0, Tracks.empty())))
    with pytest.raises(ValueError, match="runs backwards"):
        list(rule.step(Scene(2.0, Tracks.empty())))
