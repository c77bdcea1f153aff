"""The plan of a parking camera: which spans of stream time are decoded whole, and which cost nothing."""

import numpy as np

from edge.frames import CAR, PERSON, Detections
from edge.plan.choice import Boxes, Choice, Heed
from edge.plan.gate import Change
from edge.plan.heat import Heat
from edge.plan.parking import FLOW_S, OVERDUE_S, ParkingPlan
from edge.rules.stander import Stander

ZONE = [(100.0, 100.0), (300.0, 100.0), (300.0, 200.0), (100.0, 200.0)]
IN_ZONE, NEXT_TO_IT, FAR = (120, 120, 180, 160), (200, 120, 260, 160), (400, 300, 460, 340)


def change(changed: bool = False, moved: bool = False, settled: bool = True) -> Change:
    """`settled`: what changed stands there since the look before."""
    return Change((changed,), (changed,), (0.5 if changed else 0.0,), moved, False, (changed and settled,))


class Stillness(Heat):
    """Says of every box that it stood still, that it did not, or (None) that it cannot tell."""

    def __init__(self, still: bool | None) -> None:
        super().__init__()
        object.__setattr__(self, "regions", (np.nan if still is None else float(not still),))

    def shares(self, boxes: Boxes) -> np.ndarray:
        return np.full(len(boxes), self.regions[0])


def seen(*boxes: tuple[float, float, float, float], kind: int = CAR) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(len(boxes), 0.8, np.float32),
        np.full(len(boxes), kind, np.int8),
    )


def stander(box: tuple[float, float, float, float], proven: float, expires: float | None = None) -> Stander:
    return Stander(np.array(box, float), True, True, expires, proven)


def looks(plan: ParkingPlan, *given: tuple[float, bool, Detections, Heed]) -> list[Choice]:
    """What becomes of each look at (t, zone changed, what the detector would see, heed)."""
    said = []
    for t, changed, there, heed in given:
        choice = plan.first(t, change(changed), heed)
        if choice is not Choice.HOLD:
            second = plan.second(t, there, heed)
            choice = choice if choice is Choice.STRETCH else second
        if choice is Choice.STRETCH:
            plan.stretched(t)
        said.append(choice)
    return said


NOBODY = Heed()


def test_an_empty_zone_costs_one_detection_every_heartbeat() -> None:
    said = looks(ParkingPlan([ZONE]), *[(2.0 * n, False, seen(), NOBODY) for n in range(16)])
    assert [number for number, choice in enumerate(said) if choice is Choice.DETECT] == [0, 5, 10, 15]
    assert set(said) == {Choice.DETECT, Choice.HOLD}


def test_who_passes_through_a_zone_costs_the_look_and_no_span() -> None:
    said = looks(
        ParkingPlan([ZONE]),
        (0.0, False, seen(), NOBODY),
        (2.0, True, seen(IN_ZONE), NOBODY),
        (4.0, True, seen(NEXT_TO_IT), NOBODY),
        (6.0, True, seen(), NOBODY),
        (8.0, False, seen(), NOBODY),
    )
    assert said == [Choice.DETECT, Choice.WAIT, Choice.WAIT, Choice.DETECT, Choice.HOLD]


def test_who_is_at_one_place_in_two_looks_has_come_and_is_followed_until_the_rules_know_it() -> None:
    plan, there = ParkingPlan([ZONE]), seen(IN_ZONE)
    known = Heed((stander(IN_ZONE, 8.0),))
    said = looks(
        plan,
        (0.0, False, seen(), NOBODY),
        (2.0, True, there, NOBODY),
        (4.0, True, there, NOBODY),
        (6.0, False, there, NOBODY),
        (8.0, False, there, known),
        (10.0, False, there, Heed((stander(IN_ZONE, 10.0),))),
    )
    assert said == [Choice.DETECT, Choice.WAIT, Choice.STRETCH, Choice.STRETCH, Choice.HOLD, Choice.HOLD]


def test_one_that_the_rules_never_settle_is_not_decoded_for_ever() -> None:
    there = seen(IN_ZONE)
    said = looks(ParkingPlan([ZONE]), *[(2.0 * n, n > 0, there, NOBODY) for n in range(40)])
    assert said.count(Choice.STRETCH) <= 5
    assert Choice.STRETCH not in said[10:]


def test_traffic_that_passes_an_empty_zone_is_looked_at_by_the_detector_every_third_time() -> None:
    plan, flow, said = ParkingPlan([ZONE]), change(True, settled=False), []
    plan.first(0.0, change(), NOBODY)
    plan.second(0.0, seen(), NOBODY)
    for number in range(1, 7):
        said.append(plan.first(2.0 * number, flow, NOBODY))
        if said[-1] is Choice.DETECT:
            plan.second(2.0 * number, seen(), NOBODY)
    assert said == [Choice.DEFER, Choice.DEFER, Choice.DETECT] * 2


def test_beside_one_who_stands_every_change_is_looked_at() -> None:
    plan, heed = ParkingPlan([ZONE]), Heed((stander(IN_ZONE, 1.0),))
    plan.first(0.0, change(), heed)
    plan.second(0.0, seen(IN_ZONE), heed)
    assert plan.first(2.0, change(True, settled=False), heed) is Choice.DETECT


def test_who_stands_still_since_a_look_that_was_put_off_has_come_at_once() -> None:
    for still, choice in ((True, Choice.STRETCH), (False, Choice.WAIT)):
        plan = ParkingPlan([ZONE])
        plan.first(0.0, change(), NOBODY)
        plan.second(0.0, seen(), NOBODY)
        assert plan.first(2.0, change(True, settled=False), NOBODY) is Choice.DEFER
        assert plan.first(4.0, change(True), NOBODY) is Choice.DETECT
        assert plan.second(4.0, seen(IN_ZONE), NOBODY, Stillness(still)) is choice


def test_two_of_a_flow_at_one_place_have_not_come_but_who_is_there_a_third_time_has() -> None:
    plan, flows = ParkingPlan([ZONE]), Stillness(False)
    said, questioned = [], []
    for t in (0.0, 2.0, 4.0, 6.0):
        plan.first(t, change(True), NOBODY)
        said.append(plan.second(t, seen(IN_ZONE) if t else seen(), NOBODY, flows))
        questioned.append(plan.questioned)
    assert said == [Choice.DETECT, Choice.WAIT, Choice.WAIT, Choice.STRETCH]
    assert questioned[2] == 1, "the look at 2 s showed it first: its span may hold the arrival"


def test_of_one_too_small_to_tell_two_looks_are_enough() -> None:
    plan, unknown = ParkingPlan([ZONE]), Stillness(None)
    said = []
    for t in (0.0, 2.0, 4.0):
        plan.first(t, change(True), NOBODY)
        said.append(plan.second(t, seen(IN_ZONE) if t else seen(), NOBODY, unknown))
    assert said == [Choice.DETECT, Choice.WAIT, Choice.STRETCH]


def test_looks_that_were_put_off_before_a_newcomer_may_hold_its_arrival() -> None:
    plan, flow = ParkingPlan([ZONE]), change(True, settled=False)
    plan.first(0.0, change(), NOBODY)
    plan.second(0.0, seen(), NOBODY)
    for t in (2.0, 4.0):
        assert plan.first(t, flow, NOBODY) is Choice.DEFER
    assert plan.first(6.0, flow, NOBODY) is Choice.DETECT
    assert plan.second(6.0, seen(IN_ZONE), NOBODY, Stillness(False)) is Choice.WAIT
    assert plan.questioned == 2


def test_who_is_missing_in_two_looks_has_left_and_who_was_hidden_for_one_has_not() -> None:
    heed = Heed((stander(IN_ZONE, 100.0),))
    hidden = looks(
        ParkingPlan([ZONE]),
        (2.0, True, seen(IN_ZONE), heed),
        (4.0, True, seen(), heed),
        (6.0, True, seen(IN_ZONE), heed),
        (8.0, False, seen(IN_ZONE), heed),
    )
    assert hidden == [Choice.DETECT, Choice.WAIT, Choice.DETECT, Choice.HOLD]
    gone = looks(
        ParkingPlan([ZONE]),
        (2.0, True, seen(IN_ZONE), heed),
        (4.0, True, seen(), heed),
        (6.0, True, seen(), heed),
        (8.0, False, seen(), heed),
        (10.0, False, seen(), heed),
    )
    assert gone == [Choice.DETECT, Choice.WAIT, Choice.STRETCH, Choice.HOLD, Choice.HOLD]


def test_a_span_in_which_a_wait_runs_out_is_decoded_whole_and_no_other() -> None:
    def waits(t: float) -> Heed:
        return Heed((stander(IN_ZONE, t, expires=21.3),))

    given = [(2.0 * n, False, seen(IN_ZONE), waits(2.0 * n - 2)) for n in range(8, 20)]
    plan = ParkingPlan([ZONE])
    plan.followed(15.0, seen(IN_ZONE))
    said = looks(plan, *given)
    close = [t for (t, *_), choice in zip(given, said, strict=True) if choice is Choice.STRETCH]
    assert close[0] == 22.0
    assert close[-1] <= 21.3 + OVERDUE_S
    assert {choice for (t, *_), choice in zip(given, said, strict=True) if t > 21.3 + OVERDUE_S} == {Choice.DETECT}


def test_one_that_looks_no_longer_prove_is_looked_at_closely_but_not_all_the_time() -> None:
    heed = Heed((stander(IN_ZONE, 10.0),))
    plan = ParkingPlan([ZONE])
    plan.followed(11.0, seen(IN_ZONE))
    said = looks(plan, *[(float(t), True, seen(IN_ZONE), heed) for t in range(12, 32, 2)])
    assert said[:3] == [Choice.DETECT, Choice.DETECT, Choice.STRETCH]
    assert said.count(Choice.STRETCH) == 2


def test_with_a_wait_running_beside_a_crowd_each_look_is_detected_and_flowing_traffic_is_shown() -> None:
    crowd = [(400.0 + 70 * n, 300.0, 460.0 + 70 * n, 340.0) for n in range(3)]
    standing = tuple(Stander(np.array(box), True, False, None, 99.0) for box in crowd)
    heed = Heed((stander(IN_ZONE, 99.0, expires=300.0), *standing))
    plan = ParkingPlan([ZONE])
    plan.followed(0.0, seen(IN_ZONE, *crowd))
    passing = [(float(x), 220.0, x + 60.0, 260.0) for x in range(20, 980, 80)]
    given = [(2.0 * n, False, seen(IN_ZONE, *crowd, box), heed) for n, box in enumerate(passing, 10)]
    said = looks(plan, (18.0, True, seen(IN_ZONE, *crowd), heed), *given)
    assert Choice.HOLD not in said
    close = [t for (t, *_), choice in zip(given, said[1:], strict=True) if choice is Choice.STRETCH]
    assert close
    assert min(np.diff(close), default=FLOW_S) >= FLOW_S


def test_people_bicycles_and_cars_elsewhere_start_nothing() -> None:
    given = [(2.0 * n, True, seen(IN_ZONE, kind=PERSON), NOBODY) for n in range(5)]
    assert set(looks(ParkingPlan([ZONE]), *given)) == {Choice.DETECT}
    assert set(looks(ParkingPlan([ZONE]), *[(t, c, seen(FAR), h) for t, c, _, h in given])) == {Choice.DETECT}


def test_a_camera_that_was_moved_is_looked_at_anew() -> None:
    plan = ParkingPlan([ZONE])
    plan.second(0.0, seen(), NOBODY)
    assert plan.first(2.0, change(), NOBODY) is Choice.HOLD
    assert plan.first(4.0, change(moved=True), NOBODY) is Choice.DETECT
