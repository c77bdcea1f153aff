"""What plates and people measure in a camera's picture, told before any come: against cameras whose truth is known."""

import numpy as np
import pytest

from survey.camera import camera_of
from survey.fitting import fit
from survey.sight import approach, pedestrian, plates
from tests.scenes.poles import APPROACH, DEPTH, FRAME, Pole, pole
from tests.scenes.world import Pinhole

HOLE = Pinhole(frame=(1920, 1080), focal=1500.0, height=7.0, x=1.5, y=-2.0, tilt=14.0, pan=6.0)
ROAD = np.array([(-4.0, 12.0), (4.0, 12.0), (4.0, 40.0), (-4.0, 40.0), (0.0, 20.0), (2.0, 30.0)])


def of_hole() -> np.ndarray:
    return HOLE.project(np.column_stack([ROAD, np.zeros(len(ROAD))]))


def test_a_pinhole_is_known_again_by_its_road() -> None:
    camera = camera_of(fit(of_hole(), ROAD).to_image, HOLE.frame)
    assert camera.focal_px == pytest.approx(1500, rel=1e-6)
    assert camera.height_m == pytest.approx(7, rel=1e-6)
    assert camera.tilt_deg == pytest.approx(14, abs=1e-4)
    assert camera.roll_deg == pytest.approx(0, abs=1e-4)
    places = np.array([(0.0, 25.0, 0.0), (0.0, 25.0, 1.7), (3.0, 15.0, 4.0)])
    np.testing.assert_allclose(camera.pixels(places), HOLE.project(places), atol=1e-4)


@pytest.mark.parametrize("turned", [np.array([[1, 0], [0, -1.0]]), np.array([[0, 1.0], [1, 0]]), -np.eye(2)])
def test_however_the_crew_laid_its_axes_people_stand_upright(turned: np.ndarray) -> None:
    image = of_hole()
    plain, other = (
        camera_of(fit(image, metres).to_image, HOLE.frame) for metres in (ROAD, ROAD @ turned + (40.0, -7.0))
    )
    at = np.array([2.0, 30.0])
    there = at @ turned + (40.0, -7.0)
    assert other.height_m == pytest.approx(7, rel=1e-6) and other.tilt_deg == pytest.approx(14, abs=1e-3)
    assert other.upright_px((there[0], there[1]), 1.7) == pytest.approx(plain.upright_px((2.0, 30.0), 1.7), rel=1e-6)


def test_heights_are_told_within_three_percent_with_clicks_two_pixels_off() -> None:
    rng, off = np.random.default_rng(5), []
    for _ in range(100):
        view = pole(rng)
        marks = view.marks(6)
        clicked = view.to_image.apply(marks) + rng.normal(0, 2, marks.shape)
        far = (view.width, view.near + DEPTH)
        found, true = (camera_of(plane, FRAME) for plane in (fit(clicked, marks).to_image, view.to_image))
        off.append(abs(found.upright_px(far, 1.7) / true.upright_px(far, 1.7) - 1))
    assert np.percentile(off, 95) <= 0.03


def test_points_that_do_not_tell_the_lens_are_refused() -> None:
    above = np.array([[960.0, 540.0], [1060, 540], [1060, 640], [960, 640]])  # straight down: any lens shows that
    plane = fit(above, np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])).to_image
    with pytest.raises(ValueError, match="focal length"):
        camera_of(plane, FRAME)


def view_of(seed: int) -> Pole:
    return pole(np.random.default_rng(seed))


def drawn(view: Pole, corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in view.to_image.apply(np.array(corners))]


@pytest.mark.parametrize("seed", range(5))
def test_plates_across_a_zone_and_people_at_its_far_kerb(seed: int) -> None:
    view = view_of(seed)
    camera, to_road = camera_of(view.to_image, FRAME), view.to_image.inverse()
    far = view.near + DEPTH + APPROACH
    zone = drawn(view, [(0, view.near), (2, view.near), (2, far), (0, far)])
    towards = drawn(view, [(1.0, view.near + 500)])[0]
    found = plates(camera, to_road, zone, towards)
    assert found.least_px < found.most_px and 0 <= found.wide_share <= 1
    assert to_road.apply(np.array([found.worst]))[0, 1] == pytest.approx(far, abs=1.0)
    # By hand: a plate across the road at the far end, half a metre up.
    ends = camera.pixels(np.array([(1 - 0.22, far, 0.5), (1 + 0.22, far, 0.5)]))
    assert found.least_px == pytest.approx(np.linalg.norm(ends[1] - ends[0]), rel=0.05)
    crossing = [(0.0, view.near), (view.width, view.near), (view.width, view.near + DEPTH), (0.0, view.near + DEPTH)]
    at_corners = [camera.upright_px(corner, 1.7) for corner in crossing]
    assert pedestrian(camera, to_road, drawn(view, crossing)) == pytest.approx(min(at_corners))


def test_the_approach_is_what_of_the_lane_is_in_the_picture() -> None:
    view = view_of(2)
    begin, far = view.near + DEPTH, view.near + DEPTH + APPROACH
    lane = drawn(view, [(0, view.near), (3, view.near), (3, far), (0, far)])
    stop = drawn(view, [(0, begin + 1), (3, begin + 1)])
    to_road = view.to_image.inverse()
    assert approach(to_road, lane, (stop[0], stop[1]), FRAME) == pytest.approx(APPROACH - 1, abs=0.1)
    assert approach(to_road, lane, (stop[1], stop[0]), FRAME) == pytest.approx(APPROACH - 1, abs=0.1)
    aside = [(x + 5000, y) for x, y in lane]
    assert approach(to_road, aside, (stop[0], stop[1]), FRAME) == 0
