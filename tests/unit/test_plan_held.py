"""Held detections: what stands by its pixels is said again without the detector, and nothing else is."""

import numpy as np

from edge.frames import BUS, CAR, TRUCK, Detections
from edge.plan.held import MISSES_MOST, Held

LEFT = [(0.0, 0.0), (200.0, 0.0), (200.0, 200.0), (0.0, 200.0)]
RIGHT = [(300.0, 0.0), (500.0, 0.0), (500.0, 200.0), (300.0, 200.0)]
A, B, OUT = (20, 20, 100, 80), (320, 20, 400, 80), (600, 300, 680, 360)


def seen(*boxes: tuple[float, float, float, float], kinds: tuple[int, ...] = ()) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(len(boxes), 0.7, np.float32),
        np.array(kinds or [CAR] * len(boxes), np.int8),
    )


def places(held: Detections) -> list[tuple[int, ...]]:
    return sorted(tuple(round(value) for value in box) for box in held.boxes.tolist())


def test_what_stands_in_unchanged_zones_is_held_and_what_stands_in_none_is_not() -> None:
    held = Held([LEFT, RIGHT])
    held.note(seen(A, B, OUT), (True, True))
    assert places(held.at((False, False))) == [A, B]
    assert places(held.at((False, True))) == [A]
    assert places(held.at((True, True))) == []


def test_a_box_over_two_zones_is_not_held_when_either_changed() -> None:
    wide = (150, 20, 350, 80)
    held = Held([LEFT, RIGHT])
    held.note(seen(wide), (True, True))
    assert places(held.at((False, False))) == [wide]
    assert places(held.at((False, True))) == []


def test_who_left_is_forgotten_at_once_and_who_was_only_missed_is_not() -> None:
    held = Held([LEFT, RIGHT])
    held.note(seen(A, B), (True, True))
    held.note(seen(), (True, False))
    assert places(held.unseen((True, False))) == [B]
    assert places(held.at((False, False))) == [B]


def test_what_the_detector_misses_again_and_again_is_held_no_longer() -> None:
    held = Held([LEFT])
    held.note(seen(A), (True,))
    for _ in range(MISSES_MOST - 1):
        held.note(seen(), (False,))
        assert places(held.at((False,))) == [A]
    held.note(seen(), (False,))
    assert places(held.at((False,))) == []


def test_a_box_that_wavers_is_held_at_its_median_and_by_the_name_it_had_most_often() -> None:
    held = Held([LEFT])
    for shift, kind in ((0, CAR), (1, TRUCK), (-1, CAR), (0, CAR), (12, BUS)):
        held.note(seen((20 + shift, 20, 100 + shift, 80), kinds=(kind,)))
    only = held.at((False,))
    assert places(only) == [A]
    assert only.classes.tolist() == [CAR]


def test_where_one_was_on_its_way_between_looks_nobody_is_held() -> None:
    held = Held([LEFT])
    for x in (0, 60, 120):
        held.note(seen((x, 20, x + 70, 80)))
    assert places(held.at((False,))) == [(120, 20, 190, 80)]
    held.note(seen())
    assert places(held.at((False,))) == []
