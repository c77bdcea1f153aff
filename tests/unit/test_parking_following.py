"""Which box can be the next of a moving vehicle, and which box is a thing displaced rather than half hidden."""

import numpy as np
import pytest

from edge.frames import CAR, Facts
from edge.rules.boxes import displaced
from edge.rules.following import on_the_way
from edge.rules.ground import plane_of
from edge.rules.sighting import Sighting
from edge.rules.vehicle import Vehicle
from tests.scenes.kerbside import Street

WHOLE = np.array([100.0, 100.0, 200.0, 180.0])


@pytest.mark.parametrize(
    ("shift", "moved"),
    [
        ((30, 0, 30, 0), True),
        ((0, -30, 0, -40), True),
        ((5, 4, 5, 4), False),
        ((30, 0, 0, 0), False),
        ((30, 0, 0, -30), False),
        ((-40, -60, 30, 10), False),
    ],
)
def test_a_displaced_box_has_two_opposite_edges_shifted_the_same_way(shift: tuple[int, ...], moved: bool) -> None:
    assert displaced(WHOLE, WHOLE + shift, 0.12) is moved


def seen(*boxes: tuple[float, float, float, float]) -> Vehicle:
    """A vehicle seen once a second."""
    found = [Sighting(float(t), np.array(box), CAR, 0.9, 1, Facts()) for t, box in enumerate(boxes)]
    vehicle, plane = Vehicle.born(0, found[0]), plane_of(Street(calibrated=False).camera())
    for one in found[1:]:
        vehicle.see(one, plane)
    return vehicle


def test_the_way_on_holds_one_that_brakes_and_one_that_goes_on_but_not_one_behind() -> None:
    vehicle = seen((0, 0, 100, 80), (200, 0, 300, 80))
    wanted = np.array([[400.0, 0, 500, 80], [250, 0, 350, 80], [0, 0, 100, 80]])
    fits = on_the_way(vehicle, wanted, 2.0)
    assert fits[0] > 0.9
    assert fits[1] > 0.9
    assert fits[2] == 0.0


def test_without_a_pace_the_last_box_is_the_way() -> None:
    vehicle = seen((200, 0, 300, 80))
    assert on_the_way(vehicle, np.array([[210.0, 0, 310, 80]]), 1.0)[0] > 0.8
    assert on_the_way(vehicle, np.zeros((0, 4)), 1.0).shape == (0,)
