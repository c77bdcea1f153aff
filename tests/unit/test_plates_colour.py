"""The colour of a plate's ground: painted strips in the colours of GA 36, by day, in shade, and in grey."""

import cv2
import numpy as np
import pytest

from edge.plates.colour import plate_colour
from edge.plates.protocol import Picture

#: Ground and characters, BGR.
PAINTS = {
    "blue": ((180, 80, 20), (250, 250, 250)),
    "yellow": ((30, 180, 230), (20, 20, 20)),
    "green": ((110, 190, 70), (20, 20, 20)),
    "white": ((235, 235, 235), (20, 20, 20)),
    "black": ((25, 25, 25), (240, 240, 240)),
}
AROUND = np.full((100, 200, 3), (60, 40, 160), np.uint8)  # a red car


def strip(ground: tuple[int, int, int], ink: tuple[int, int, int]) -> Picture:
    """A plate, 140 x 44 px, with characters on about a third of it."""
    plate = np.full((44, 140, 3), ground, np.uint8)
    cv2.putText(plate, "A12345", (4, 34), cv2.FONT_HERSHEY_SIMPLEX, 1.1, ink, 4)
    return plate


@pytest.mark.parametrize("light", [1.0, 0.75])
@pytest.mark.parametrize("colour", ["blue", "yellow", "green"])
def test_grounds_that_have_a_colour(colour: str, light: float) -> None:
    shaded = (strip(*PAINTS[colour]) * light).astype(np.uint8)
    assert plate_colour(shaded, AROUND) == colour


@pytest.mark.parametrize("colour", ["white", "black"])
def test_grounds_that_have_none(colour: str) -> None:
    assert plate_colour(strip(*PAINTS[colour]), AROUND) == colour


def test_the_green_of_new_energy_that_fades_to_white() -> None:
    fade = np.linspace(0, 1, 44)[:, None, None]
    ground = (np.array((245, 245, 245)) * (1 - fade) + np.array((90, 190, 60)) * fade).astype(np.uint8)
    assert plate_colour(np.repeat(ground, 140, axis=1), AROUND) == "green"


@pytest.mark.parametrize("colour", PAINTS)
def test_a_camera_in_its_night_mode_tells_no_colour(colour: str) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(strip(*PAINTS[colour]), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert plate_colour(grey, np.full((100, 200, 3), 90, np.uint8)) is None


def test_between_white_and_black_nothing_is_guessed() -> None:
    assert plate_colour(strip((110, 110, 110), (240, 240, 240)), AROUND) is None
