"""Failure to yield, situation by situation (domain C1, C2): who is accused, who is not, and in which words.

The vehicle comes at 20 km/h unless said; its stopping distance is 10.7 m, so it can be asked to stop for who is
crossing 1.9 s before it reaches the stop line (at t = 6 s).
"""

import pytest

from edge.frames import Facts
from edge.rules.decision import Decision, Keep, Outcome, Release
from tests.scenes.crossing import CLEAR, SLOW, accused, only, steady, vehicle, walker
from tests.scenes.street import Street, decisions, play
from tests.scenes.world import Thing, path

POLICIES = ("same_lane", "half_lane", "adjacent", "half_road")
WIDE = {"lanes_each_way": 2}
# The seven situations of C1, for a vehicle in the inner (l1) or outer (l2) lane, under each policy.
SITUATIONS = {
    # name: (lane of the vehicle, where the pedestrian goes (t, x), centre, policies under which it is accused)
    "1 on the far half, not at the centre": ("l1", [(1.0, 7.5), (7.0, 4.6)], "paint", ()),
    "2 waiting at the kerb": ("l2", [(0.0, -7.3)], "paint", ()),
    "3 into the lane": ("l2", [(2.8, -7.5), (6.8, -3.5)], "paint", POLICIES),
    "3 into the next lane, near ours": ("l1", [(0.0, -7.5), (2.5, -5.0), (6.5, -3.4)], "paint", POLICIES[1:]),
    "4 in the lane beside, far from ours": ("l1", [(0.5, -7.5), (1.5, -7.2), (6.5, -5.4)], "paint", POLICIES[2:]),
    "5 waiting on the painted centre line": ("l1", [(-8.0, 7.5), (-1.0, -0.2), (9.0, -0.2)], "paint", POLICIES),
    "5 waiting just beyond the centre line": (
        "l1",
        [(-8.0, 7.5), (-1.0, 0.25), (9.0, 0.25)],
        "paint",
        ("half_lane", "adjacent"),
    ),
    "6 past the centre into the lane": ("l1", [(-2.0, 3.5), (2.5, -0.4), (9.0, -3.0)], "paint", POLICIES),
    "7 waiting on an island": ("l1", [(-8.0, 7.5), (-1.0, 0.25), (9.0, 0.25)], "island", ()),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", SITUATIONS)
def test_the_seven_situations(name: str, policy: str) -> None:
    lane, walk, centre, policies = SITUATIONS[name]
    street = Street(policy=policy, centre=centre, **WIDE)
    decision = only(street, steady(1, lane), walker(50, *walk), t0=-9.0, noise=0.7)
    assert (decision.outcome is Outcome.VIOLATION) == (policy in policies), decision.reason


def test_a_violation_carries_what_decided() -> None:
    said = play(Street(), [steady(1, "l1"), walker(50, *CLEAR)], noise=0.7)
    (decision,) = decisions(said)
    assert decision.outcome is Outcome.VIOLATION and decision.verdict == "candidate"
    assert decision.rule == "failure_to_yield"
    assert (decision.zone_id, decision.lane_id, decision.track_id) == ("zebra", "l1", 1)
    assert decision.vehicle_class == "car"
    assert decision.trigger is not None
    assert decision.first.t < 4.1
    assert decision.trigger.t == pytest.approx(6.0, abs=0.15)
    # the body is 4.4 m long and leaves the crosswalk (4 m deep, 1.5 m behind the line): 9.9 m at 5.6 m/s
    assert decision.last.t == pytest.approx(6.0 + 9.9 / SLOW, abs=0.2)
    assert decision.passage == f"zebra/l1@{round(decision.trigger.t * 1000)}"
    assert decision.pedestrian_ids == (50,)
    for moment in (decision.first, decision.trigger, decision.last):
        assert 50 in moment.pedestrians and moment.box[2] > moment.box[0]
    assert decision.numbers["speed_kmh"] == pytest.approx(20, abs=1.5)
    assert decision.numbers["d_stop_m"] == pytest.approx(10.7, abs=1.2)
    assert decision.numbers["distance_m"] >= decision.numbers["d_stop_m"]
    assert decision.numbers["visible_share"] == 1.0
    assert decision.ground == "calibrated"
    assert 20 < len(decision.track) <= 200
    keeps = [saying for saying in said if isinstance(saying, Keep)]
    assert [keep.moment for keep in keeps] == ["first", "trigger", "last"]
    assert {keep.passage for keep in keeps} == {decision.passage}
    assert [keep.t for keep in keeps] == [decision.first.t, decision.trigger.t, decision.last.t]


def test_the_pictures_of_t1_and_t2_are_asked_for_before_the_decision() -> None:
    said = play(Street(), [steady(1, "l1"), walker(50, *CLEAR)])
    assert [type(saying) for saying in said] == [Keep, Keep, Keep, Decision]


def test_nobody_there() -> None:
    decision = only(Street(), steady(1, "l1"))
    assert decision.outcome is Outcome.CLEARED and "no pedestrian" in decision.reason


def test_late_step_out() -> None:
    decision = only(Street(), steady(1, "l1"), walker(50, (4.0, -3.7), (8.0, 1.0)), noise=0.7)
    assert decision.outcome is Outcome.CLEARED
    assert "could no longer stop" in decision.reason


def test_the_same_step_out_in_time_is_an_offence() -> None:
    assert accused(Street(), steady(1, "l1"), walker(50, (2.4, -3.7), (8.0, 0.0)), noise=0.7)


def test_stopping_distance_grows_with_speed() -> None:
    """At 50 km/h 46 m are needed: crossing for 2.3 s (32 m) is not enough; at 20 km/h it is plenty."""
    crossing = walker(50, (2.9, -3.7), (10.0, -0.5))
    assert not accused(Street(), steady(1, "l1", speed=50 / 3.6), crossing)
    assert accused(Street(), steady(1, "l1"), crossing)


STOPS = (0.0, -25.0), (4.0, -2.0), (9.0, -2.0)


def test_yielded_then_moved() -> None:
    """Stood before the line, drove on when the pedestrian had cleared the lane."""
    car = vehicle(1, "l1", *STOPS, (12.0, 12.0))
    decision = only(Street(), car, walker(50, (2.0, -3.7), (7.0, 1.5), (9.5, 4.5)), noise=0.7)
    assert decision.outcome is Outcome.CLEARED
    assert "cleared the lane" in decision.reason or "left the crosswalk" in decision.reason


def test_stood_and_then_moved_off_in_front_of_the_pedestrian() -> None:
    car = vehicle(1, "l1", (0.0, -25.0), (4.0, -2.0), (6.0, -2.0), (9.0, 12.0))
    decision = only(Street(), car, walker(50, (3.0, 3.3), (11.0, -3.5)), noise=0.7)
    assert decision.outcome is Outcome.VIOLATION


def test_stopped_between_the_line_and_the_crosswalk_and_let_pass() -> None:
    """Past the stop line with the pedestrian crossing, but it stood before the crosswalk until the lane was clear."""
    car = vehicle(1, "l1", (0.0, -25.0), (4.5, 0.7), (9.0, 0.7), (12.0, 14.0))
    decision = only(Street(), car, walker(50, (1.2, -3.7), (7.5, 0.6), (9.5, 3.5)), noise=0.5)
    assert decision.outcome is Outcome.CLEARED
    assert "let the pedestrian go" in decision.reason


def test_turned_back_is_no_longer_crossing() -> None:
    back = walker(50, (1.5, -3.7), (3.6, -2.0), (5.6, -4.2))
    decision = only(Street(), steady(1, "l1"), back, noise=0.5)
    assert decision.outcome is Outcome.CLEARED
    assert "turned back" in decision.reason or "on the road" in decision.reason or "left" in decision.reason


def test_a_short_pause_keeps_the_crossing_a_long_one_beside_the_lane_ends_it() -> None:
    short = walker(50, (0.0, 4.0), (2.5, 1.2), (5.0, 1.2), (9.0, -2.0))
    long = walker(50, (-5.0, 4.0), (-2.0, 1.2), (9.0, 1.2))
    assert accused(Street(), steady(1, "l1"), short)
    assert not accused(Street(), steady(1, "l1"), long)


def test_two_cars_following_are_judged_each_alone() -> None:
    """The first passes before anyone is crossing, the second, 12 m behind, could have stopped."""
    first, second = steady(1, "l1", 3.0), steady(2, "l1", 6.5)
    made = decisions(play(Street(), [first, second, walker(50, (2.2, -3.7), (9.0, 0.5))], noise=0.7))
    assert [(d.track_id, d.outcome) for d in made] == [(1, Outcome.CLEARED), (2, Outcome.VIOLATION)]


def test_both_followers_may_offend() -> None:
    made = decisions(play(Street(), [steady(1, "l1", 6.0), steady(2, "l1", 8.0), walker(50, (1.0, 1.5), (14.0, -3.4))]))
    assert [d.outcome for d in made] == [Outcome.VIOLATION, Outcome.VIOLATION]
    assert len({d.passage for d in made}) == 2


def test_opposing_lanes_are_judged_each_alone() -> None:
    """The pedestrian has cleared r1 and walks into l1: the car in l1 is accused, that in r1 is not."""
    made = decisions(
        play(Street(), [steady(1, "l1"), steady(2, "r1", 6.0), walker(50, (1.0, 3.3), (4.0, -0.8), (9.0, -3.4))])
    )
    assert {d.track_id: d.outcome for d in made} == {1: Outcome.VIOLATION, 2: Outcome.CLEARED}


def test_several_pedestrians_are_one_event_that_lists_them() -> None:
    people = [walker(50, *CLEAR), walker(51, (1.0, 4.6), (8.0, -3.5), y=19.0), walker(52, (0.0, -4.4), y=20.5)]
    decision = only(Street(), steady(1, "l1"), *people)
    assert decision.outcome is Outcome.VIOLATION
    assert set(decision.pedestrian_ids) == {50, 51}


def test_a_u_turn_on_the_near_side_is_no_passage() -> None:
    turn = Thing("car", path((0, -1.75, 45), (4, -1.75, 24.5), (5, 0.0, 22.5), (6, 1.75, 24.5), (10, 1.75, 50)), 1)
    made = decisions(play(Street(), [turn, walker(50, *CLEAR)]))
    assert all(decision.outcome is not Outcome.VIOLATION for decision in made)


def test_reversing_over_the_crossing_is_not_accused() -> None:
    backwards = Thing("car", path((0, 1.75, 45), (10, 1.75, 5)), 1, heading=0.0)
    decision = only(Street(), backwards, walker(50, (1.0, -3.7), (9.0, 3.4)))
    assert decision.outcome is Outcome.SUPPRESSED and decision.suppression == ("against_lane",)


def test_a_cyclist_is_no_pedestrian_but_who_walks_the_bicycle_is() -> None:
    rider = Thing("person", path((1.2, 4.5, 20), (8.0, -3.6, 20)), 50, heading=90.0, lift=0.35)
    wheels = Thing("bicycle", path((1.2, 4.5, 20), (8.0, -3.6, 20)), 60, heading=90.0)
    decision = only(Street(), steady(1, "l1"), rider, wheels)
    assert decision.outcome is Outcome.CLEARED and "rides" in decision.reason
    beside = Thing("bicycle", path((1.2, 4.5, 20.5), (8.0, -3.6, 20.5)), 60, heading=90.0)
    assert accused(Street(), steady(1, "l1"), walker(50, *CLEAR), beside)


def test_a_drawn_refuge_is_the_kerb() -> None:
    street = Street(centre="island", refuge=[(-1.0, 17.5), (1.0, 17.5), (1.0, 22.5), (-1.0, 22.5)])
    assert not accused(street, steady(1, "l1"), walker(50, (-8.0, 4.0), (-1.0, -0.3), (9.0, -0.3)))


@pytest.mark.parametrize("centre", ["barrier", "island"])
def test_over_a_barrier_or_island_nobody_is_in_our_danger_zone(centre: str) -> None:
    beyond = walker(50, (-2.0, 4.0), (1.5, 1.3), (4.5, 1.3), (7.0, 1.0))
    assert not accused(Street(centre=centre, policy="adjacent"), steady(1, "l1"), beyond)


MQTT = {"source": "mqtt"}


@pytest.mark.parametrize(
    ("state", "outcome", "verdict"),
    [
        ("vehicle_green", Outcome.SUPPRESSED, "candidate"),
        ("pedestrian_green", Outcome.VIOLATION, "candidate"),
        ("off", Outcome.VIOLATION, "candidate"),
        (None, Outcome.VIOLATION, "needs_human"),
    ],
)
def test_signals(state: str | None, outcome: Outcome, verdict: str) -> None:
    told = {} if state is None else {"zebra": state}
    (decision,) = decisions(play(Street(signal=MQTT), [steady(1, "l1"), walker(50, *CLEAR)], signal=lambda _t: told))
    assert (decision.outcome, decision.verdict) == (outcome, verdict)
    assert [question.fact for question in decision.unknown] == ([] if state else ["signal_state"])
    assert decision.suppression == (("vehicle_green",) if outcome is Outcome.SUPPRESSED else ())


def test_a_signal_that_fell_silent_is_unknown_after_two_seconds() -> None:
    for silent_from, verdict in ((5.0, "candidate"), (3.5, "needs_human")):
        (decision,) = decisions(
            play(
                Street(signal=MQTT),
                [steady(1, "l1"), walker(50, *CLEAR)],
                signal=lambda t, end=silent_from: {"zebra": "pedestrian_green"} if t < end else {},
            )
        )
        assert decision.verdict == verdict


def test_a_suppressed_passage_releases_what_was_kept() -> None:
    said = play(Street(), [steady(1, "l1", facts=Facts(emergency=True)), walker(50, *CLEAR)])
    assert [type(saying) for saying in said] == [Keep, Keep, Release, Decision]
    decision = said[-1]
    assert isinstance(decision, Decision)
    assert decision.outcome is Outcome.SUPPRESSED and decision.suppression == ("emergency",)


def test_a_two_wheeler_needs_a_human() -> None:
    decision = only(Street(), steady(1, "l1", kind="motorcycle"), walker(50, *CLEAR))
    assert decision.outcome is Outcome.VIOLATION
    assert [question.fact for question in decision.unknown] == ["motor_vehicle"]


def test_a_bus_between_driver_and_pedestrian_needs_a_human() -> None:
    bus = vehicle(2, "l2", (-2.0, -1.0), (0.0, -1.0), (14.0, -1.0), kind="bus")
    steps_out = walker(50, (0.0, -7.5), (6.0, -3.7), (9.0, -0.5))
    street = Street(policy="half_lane", **WIDE)
    assert accused(street, steady(1, "l1", 6.5), steps_out)
    made = [d for d in decisions(play(street, [steady(1, "l1", 6.5), bus, steps_out])) if d.track_id == 1]
    assert [d.verdict for d in made] == ["needs_human"]
    assert "driver_view" in {question.fact for question in made[0].unknown}


def test_trapped_by_a_queue_is_no_offence_towards_who_steps_on_later() -> None:
    """Its front passed the line before anyone was there; it then stands on the crosswalk behind a standing car."""
    trapped = vehicle(1, "l1", (0.0, -20.0), (4.0, 3.0), (12.0, 3.0), (15.0, 20.0))
    ahead = vehicle(2, "l1", (-6.0, -20.0), (-1.0, 9.5), (12.0, 9.5), (14.0, 24.0))
    made = decisions(play(Street(), [trapped, ahead, walker(50, (6.0, -4.0), (14.0, 3.4))], t1=20.0, noise=0.5))
    assert {decision.outcome for decision in made} == {Outcome.CLEARED}


def test_pet_is_a_number_and_only_a_gate_where_the_site_asks() -> None:
    late = walker(50, (1.2, 4.5), (8.0, -1.2))
    decision = only(Street(), steady(1, "l1"), late)
    assert decision.numbers["pet_s"] is not None and decision.numbers["priority"] in ("high", "medium")
    crossing = walker(50, (0.0, -3.6), (6.2, -0.9), (7.2, 0.6), (9.0, 3.0))
    assert accused(Street(), steady(1, "l1", 6.0), crossing)
    gated = only(Street(max_pet_s=0.05), steady(1, "l1", 6.0), crossing)
    assert (gated.outcome is Outcome.VIOLATION) == (float(gated.numbers["pet_s"] or 0) <= 0.05)
