"""The plan of a crossing: idle on keyframes, a vigil with somebody near, full rate when a vehicle could meet them."""

import numpy as np
import pytest

from contract.site import Lane, Zone, ZoneType
from edge.frames import CAR, PERSON, Detections
from edge.plan.choice import Watch
from edge.plan.crossing import CLOSE_M, FULL_LINGER_S, LINGER_S, PERSON_STOOD_S, VEHICLE_STOOD_S, CrossingPlan
from edge.rules.ground import CalibratedPlane, EstimatedPlane, Plane

#: 20 px a metre, the road runs down the picture, its traffic towards y = 700; the crosswalk lies at y 340..400.
FRAME = (800, 720)
WALK = [(200.0, 340.0), (600.0, 340.0), (600.0, 400.0), (200.0, 400.0)]
LANE = Lane(id="l1", polygon=[(300.0, 0.0), (500.0, 0.0), (500.0, 720.0), (300.0, 720.0)], towards=(400.0, 700.0))
ZONE = Zone(id="zebra", type=ZoneType.CROSSWALK, polygon=WALK, lanes=[LANE])
GROUND = np.array([[0.0, 0.0], [800.0, 0.0], [800.0, 720.0], [0.0, 720.0]])
#: The same road, seen 50 m on before the crosswalk.
LONG = ZONE.model_copy(
    update={
        "polygon": [(x, y + 700) for x, y in WALK],
        "lanes": [
            LANE.model_copy(
                update={"polygon": [(x, y * 2) for x, y in LANE.polygon], "towards": (400.0, 1400.0)},
            )
        ],
    }
)
LONG_PLANE = CalibratedPlane(GROUND * 2, GROUND / 10)
CALIBRATED, ESTIMATED = CalibratedPlane(GROUND, GROUND / 20), EstimatedPlane(FRAME, 0.0)


def person(x: float, y: float) -> tuple[int, tuple[float, float, float, float]]:
    return PERSON, (x - 8, y - 34, x + 8, y)


def car(x: float, y: float) -> tuple[int, tuple[float, float, float, float]]:
    return CAR, (x - 20, y - 50, x + 20, y)


def seen(*things: tuple[int, tuple[float, float, float, float]]) -> Detections:
    boxes = np.array([box for _, box in things], np.float32).reshape(-1, 4)
    return Detections(boxes, np.full(len(things), 0.8, np.float32), np.array([kind for kind, _ in things], np.int8))


@pytest.mark.parametrize("plane", [CALIBRATED, ESTIMATED])
def test_somebody_near_and_a_vehicle_that_could_meet_them_is_full(plane: Plane) -> None:
    near, coming = person(180, 370), car(400, 150)
    for things, watch in (
        ((), Watch.IDLE),
        ((coming,), Watch.IDLE),
        ((near,), Watch.VIGIL),
        ((near, coming), Watch.FULL),
        ((person(400, 380), coming), Watch.FULL),
        ((person(30, 700), coming), Watch.IDLE),
    ):
        assert CrossingPlan([ZONE], plane).second(0.0, seen(*things), False) is watch, things


def test_a_vehicle_that_is_past_the_crosswalk_meets_nobody_and_one_upon_it_does() -> None:
    near = person(180, 370)
    assert CrossingPlan([ZONE], CALIBRATED).second(0.0, seen(near, car(400, 600)), False) is Watch.VIGIL
    assert CrossingPlan([ZONE], CALIBRATED).second(0.0, seen(near, car(400, 390)), False) is Watch.FULL


def test_a_vehicle_far_off_or_one_that_waits_is_watched_at_half_the_rate_until_it_comes() -> None:
    plan, walker = CrossingPlan([LONG], LONG_PLANE), person(180, 1070)
    far, close = car(400, 1040 - 20 * (CLOSE_M + 5)), car(400, 1040 - 20 * (CLOSE_M - 5))
    assert plan.second(0.0, seen(walker, far), False) is Watch.COMING
    assert plan.second(0.2, seen(walker, far, close), False) is Watch.FULL, "the nearer one counts"
    assert plan.second(0.3 + FULL_LINGER_S, seen(walker, far), False) is Watch.COMING
    assert plan.second(0.4 + FULL_LINGER_S, seen(walker, far), True) is Watch.FULL, "followed over the line"
    plan = CrossingPlan([ZONE], CALIBRATED)
    watches = [plan.second(0.2 * k, seen(person(180, 370), car(400, 300)), False) for k in range(12)]
    assert watches[0] is Watch.FULL
    assert watches[-1] is Watch.COMING, "it yields"
    assert plan.second(2.6, seen(person(180, 370), car(400, 320)), False) is Watch.FULL, "it moves off"


def test_a_stream_of_vehicles_is_watched_at_the_full_rate_while_one_of_them_is_close() -> None:
    """Two seconds behind each other, over the same places: none of them waits."""
    plan, walker = CrossingPlan([ZONE], CALIBRATED), person(180, 370)
    for k in range(100):
        t = 0.08 * k
        cars = [car(400, y) for n in range(8) if 0 <= (y := 60 + 120 * (t - 2.0 * n)) <= 330]
        assert plan.second(t, seen(walker, *cars), False) is Watch.FULL


def test_it_lingers_and_then_falls_back() -> None:
    plan = CrossingPlan([ZONE], CALIBRATED)
    assert plan.second(0.0, seen(person(180, 370), car(400, 150)), False) is Watch.FULL
    assert plan.second(FULL_LINGER_S - 0.1, seen(), False) is Watch.FULL
    assert plan.second(LINGER_S - 0.1, seen(), False) is Watch.VIGIL, "at a low rate, decoded all the time"
    assert plan.second(LINGER_S + 0.1, seen(), False) is Watch.IDLE


def test_while_the_rules_follow_a_passage_it_stays_full_but_they_alone_wake_nobody() -> None:
    plan = CrossingPlan([ZONE], CALIBRATED)
    assert plan.second(0.0, seen(), True) is Watch.IDLE
    plan.second(2.0, seen(person(180, 370), car(400, 150)), False)
    assert plan.second(2.0 + 2 * LINGER_S, seen(), True) is Watch.FULL
    assert plan.second(2.1 + 2 * LINGER_S, seen(), False) is Watch.IDLE


def test_one_parked_in_the_lane_is_no_vehicle_to_meet_until_it_moves() -> None:
    plan, walker = CrossingPlan([ZONE], CALIBRATED), person(400, 370)
    for t in range(0, int(VEHICLE_STOOD_S) + 6, 2):
        plan.second(float(t), seen(car(400, 150)), False)
    t = VEHICLE_STOOD_S + 8
    assert plan.second(t, seen(walker, car(400, 150)), False) is Watch.VIGIL
    assert plan.second(t + 0.4, seen(walker, car(400, 175)), False) is Watch.FULL


def test_who_stands_beside_the_crosswalk_for_long_waits_for_something_else_until_they_move() -> None:
    plan, waiting, coming = CrossingPlan([ZONE], CALIBRATED), person(150, 370), car(400, 150)
    watches = [plan.second(float(t), seen(waiting), False) for t in range(0, int(PERSON_STOOD_S) + 8, 2)]
    assert watches[0] is Watch.VIGIL
    assert watches[-1] is Watch.IDLE
    t = PERSON_STOOD_S + 10
    assert plan.second(t, seen(waiting, coming), False) is Watch.IDLE
    assert plan.second(t + 2, seen(person(185, 370), car(400, 190)), False) is Watch.FULL


def test_the_detector_is_asked_when_something_changed_around_and_by_the_heartbeat() -> None:
    plan = CrossingPlan([ZONE], CALIBRATED, heartbeat_s=10.0)
    assert plan.first(0.0, [False])
    plan.second(0.0, seen(), False)
    assert not plan.first(2.0, [False])
    assert plan.first(4.0, [True])
    assert plan.first(10.0, [False])


@pytest.mark.parametrize("plane", [CALIBRATED, ESTIMATED])
def test_the_gate_watches_the_crosswalk_and_the_ground_around_it_inside_the_frame(plane: Plane) -> None:
    (ring,) = CrossingPlan([ZONE], plane).surroundings(FRAME)
    points = np.array(ring)
    assert (points >= 0).all() and (points <= FRAME).all()
    assert points[:, 0].min() < 170 and points[:, 0].max() > 630
    assert points[:, 1].min() < 320 and points[:, 1].max() > 420
