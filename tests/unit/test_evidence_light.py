"""Night in a pack: a vehicle nobody can see, a front hidden by glare; and by day nothing is said, however black the car."""

import cv2
import numpy as np
import pytest

from edge.cameras.packets import Picture
from edge.evidence.light import shadows


def flat(level: int, burnt: float = 0.0) -> Picture:
    """A grey picture of a level, with a share of it burnt out."""
    picture = np.full((100, 100, 3), level, np.uint8)
    picture[: round(burnt * 100)] = 255
    return picture


def test_by_day_a_black_car_and_a_white_one_are_no_matter() -> None:
    assert shadows([flat(90)], [flat(15)], False) == shadows([flat(90)], [flat(80, 0.5)], False) == []


def test_at_night_a_dark_vehicle_without_its_plate_is_named() -> None:
    (said,) = shadows([flat(20), flat(22)], [flat(25), flat(30)], False)
    assert said.startswith("night: the vehicle is dark (median 30 of 255) and no picture shows its plate")
    assert shadows([flat(20)], [flat(30)], True) == []
    assert shadows([flat(20)], [flat(30), flat(60)], False) == []  # fill light: one picture shows it


@pytest.mark.parametrize(("shares", "glare"), [((0.05, 0.2), "5%"), ((0.05, 0.02), None), ((0.02,), None)])
def test_glare_counts_where_no_picture_is_without_it(shares: tuple[float, ...], glare: str | None) -> None:
    found = shadows([flat(20)], [flat(60, share) for share in shares], False)
    assert found == ([f"night: glare covers {glare} of the vehicle in every picture of it"] if glare else [])


def test_a_headlight_in_a_dark_street_is_glare_and_the_street_by_day_is_not() -> None:
    street = np.random.default_rng(5).normal(22, 6, (720, 1280, 3)).clip(0, 255).astype(np.uint8)
    car = street[300:500, 400:800].copy()
    cv2.circle(car, (60, 120), 40, (255, 255, 255), -1)
    cv2.circle(car, (340, 120), 40, (255, 255, 255), -1)
    assert len(shadows([street], [car], True)) == 1
    day = (street.astype(np.int16) + 90).clip(0, 255).astype(np.uint8)
    assert shadows([day], [car], True) == []


def test_no_pictures_tell_nothing() -> None:
    assert shadows([], [flat(10)], False) == shadows([flat(10)], [], False) == []
