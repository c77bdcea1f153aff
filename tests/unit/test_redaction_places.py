"""Where the accused vehicle is in its clip, what is left of a box, and tiles that miss nothing. Pure."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.redaction.accused import along
from central.redaction.blur import blurred, grown
from contract.events import Geometry, TrackPoint, Video, now
from sightline.redacting import _OVERLAP, _TILE, _starts

CLIP = Video(t0=10.0, t1=20.0, at0=now(), fps=25, codec="h264", w=1920, h=1080, sha256="0" * 64, bytes=1)
TRACK = [TrackPoint(t=12.0, box=(100, 100, 200, 200)), TrackPoint(t=14.0, box=(300, 100, 400, 200))]


def geometry(track: list[TrackPoint]) -> Geometry:
    return Geometry(frame=(1280, 720), zone=[(0, 0), (1, 0), (1, 1)], track=track)


@pytest.mark.parametrize(
    ("second", "left"),
    [(0.9, None), (1.5, 150), (2.0, 150), (3.0, 300), (4.0, 450), (4.9, 450), (5.1, None)],
)
def test_the_vehicle_is_followed_between_sightings_in_pixels_of_the_clip(second: float, left: float | None) -> None:
    box = along(geometry(TRACK), CLIP)(second)
    assert box is None if left is None else box == pytest.approx((left, 150, left + 150, 300))


def test_a_vehicle_without_sightings_is_nowhere() -> None:
    assert along(geometry([]), CLIP)(3.0) is None


@given(st.integers(1, 5000))
def test_tiles_cover_the_whole_length_and_overlap(length: int) -> None:
    starts = _starts(length)
    covered = np.zeros(length, bool)
    for start in starts:
        covered[start : start + _TILE] = True
    assert covered.all()
    assert all(two - one <= _TILE - _OVERLAP for one, two in pairwise(starts))


@given(st.tuples(*[st.floats(-100, 200)] * 4))
def test_only_the_box_changes_and_few_colours_are_left(corners: tuple[float, float, float, float]) -> None:
    box = (
        min(corners[0], corners[2]),
        min(corners[1], corners[3]),
        max(corners[0], corners[2]),
        max(corners[1], corners[3]),
    )
    picture = np.random.default_rng(3).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    before = picture.copy()
    copy = blurred(picture, [box])
    assert (picture == before).all()
    changed = np.argwhere((copy != picture).any(axis=2))
    for y, x in changed:
        assert box[0] - 1 < x < box[2] + 1 and box[1] - 1 < y < box[3] + 1
    left, top, right, bottom = (
        max(0, int(box[0]) + 1),
        max(0, int(box[1]) + 1),
        min(120, int(box[2])),
        min(90, int(box[3])),
    )
    if right - left >= 6 and bottom - top >= 6:
        assert len(np.unique(copy[top:bottom, left:right].reshape(-1, 3), axis=0)) <= 25


def test_a_box_grows_on_every_side() -> None:
    assert grown((10, 10, 30, 20), 0.5) == (0, 5, 40, 25)
