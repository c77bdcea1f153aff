"""Since when a thing has stood, told from boxes: what drives leaves no place behind at which the next one stands."""

import numpy as np
import pytest

from edge.plan.stood import FORGET_S, Stood


def box(x: float) -> np.ndarray:
    return np.array([[x, 100.0, x + 90.0, 160.0]])


@pytest.mark.parametrize("headway_s", [0.8, 1.5, 2.0, 4.0])
def test_vehicles_that_follow_each_other_over_the_same_places_do_not_stand(headway_s: float) -> None:
    """Looked at 12.5 times a second, 60 px/s: each picture overlaps the one before, and the vehicle ahead's of then."""
    stood, longest = Stood(), 0.0
    for k in range(200):
        t = 0.08 * k
        cars = [60 * (t - headway_s * n) for n in range(20)]
        seen = np.concatenate([box(x) for x in cars if 0 <= x <= 500] or [np.zeros((0, 4))])
        longest = max(longest, float(stood.since(t, seen).max(initial=0.0)))
    assert longest < 0.6


def test_one_that_stands_is_remembered_behind_others_for_as_long_as_it_stood() -> None:
    stood = Stood()
    for k in range(51):
        stood.since(0.08 * k, box(100))
    for k in range(51, 90):
        stood.since(0.08 * k, np.zeros((0, 4)))
    assert stood.since(7.2, box(101))[0] == pytest.approx(7.2)
    stood.since(7.3 + FORGET_S, np.zeros((0, 4)))
    assert stood.since(7.4 + FORGET_S, box(101))[0] == 0.0


def test_looks_two_seconds_apart_tell_as_well_who_stands_though_one_was_late() -> None:
    stood = Stood()
    assert [float(stood.since(t, box(100))[0]) for t in (0.0, 2.0, 4.9, 6.9)] == [0.0, 2.0, 4.9, 6.9]
