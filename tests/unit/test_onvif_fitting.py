"""Masks as a camera can hold them: whatever its limits, all that the site file hides is hidden, or it is refused."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from edge.onvif.fitting import CannotHide, Limits, fitted, hides

FRAME = (1920, 1080)


@st.composite
def zones(draw: st.DrawFn) -> list[tuple[float, float]]:
    """A star around a point, of 3 to 30 corners; its ends may lie beyond the picture."""
    x, y = draw(st.floats(100, 1800)), draw(st.floats(100, 980))
    count = draw(st.integers(3, 30))
    reach = draw(st.lists(st.floats(20, 200), min_size=count, max_size=count))
    turns = [2 * math.pi * place / count for place in range(count)]
    return [(x + far * math.cos(turn), y + far * math.sin(turn)) for far, turn in zip(reach, turns, strict=True)]


@settings(max_examples=300)
@given(st.lists(zones(), min_size=1, max_size=4), st.integers(4, 20), st.booleans())
def test_whatever_a_camera_can_draw_everything_is_hidden(
    drawn: list[list[tuple[float, float]]], corners: int, rectangles: bool
) -> None:
    masks = fitted(drawn, FRAME, Limits(4, corners, rectangles))
    assert hides(masks, drawn, FRAME)
    for mask in masks:
        assert len(mask) <= corners and all(-1 <= value <= 1 for corner in mask for value in corner)
        if rectangles:
            assert Polygon(mask).equals(Polygon(mask).envelope)


@given(zones())
def test_a_mask_that_is_a_little_too_small_or_elsewhere_hides_nothing(zone: list[tuple[float, float]]) -> None:
    (mask,) = fitted([zone], FRAME, Limits(1, 30, False))
    middle = Polygon(mask).centroid
    small = [(middle.x + 0.9 * (x - middle.x), middle.y + 0.9 * (y - middle.y)) for x, y in mask]
    upside_down = [(x, -y - 0.9) for x, y in mask]
    assert not hides([small], [zone], FRAME) and not hides([upside_down], [zone], FRAME)
    assert not hides([], [zone], FRAME) and not hides([[(0.0, 0.0)]], [zone], FRAME)


def test_more_zones_than_masks_are_refused() -> None:
    zone = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)]
    with pytest.raises(CannotHide):
        fitted([zone, zone], FRAME, Limits(1, 4, False))
