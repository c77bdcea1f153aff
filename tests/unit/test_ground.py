"""Pixels to metres: measured planes against a pinhole camera's truth, and estimated ones within what they promise."""

import numpy as np
import pytest

from contract.site import Camera
from edge.rules.ground import CalibratedPlane, Plane, plane_of, said
from tests.scenes.world import Pinhole, Thing, World, path

ROAD = [(-6.0, 12.0), (6.0, 12.0), (6.0, 45.0), (-6.0, 45.0), (0.0, 20.0), (3.0, 30.0)]


def camera_of(pinhole: Pinhole, points: list[tuple[float, float]] | None) -> Camera:
    ground = None if points is None else {"image": pinhole.ground(points), "metres": points}
    return Camera.model_validate(
        {"id": "c", "url": "rtsp://127.0.0.1/c", "frame": list(pinhole.frame), "ground": ground}
    )


def test_a_measured_plane_gives_back_the_world() -> None:
    pinhole = Pinhole(pan=20, x=4)
    plane = plane_of(camera_of(pinhole, ROAD))
    probes = [(-3.0, 15.0), (2.0, 40.0), (5.0, 60.0)]
    assert plane.calibrated and said(plane) == "calibrated"
    np.testing.assert_allclose(plane.metres(np.array(pinhole.ground(probes))), probes, atol=1e-6)
    np.testing.assert_allclose(plane.pixels(np.array(probes)), pinhole.ground(probes), atol=1e-6)


def test_four_points_have_no_residual_and_six_have_one() -> None:
    pinhole = Pinhole()
    assert plane_of(camera_of(pinhole, ROAD[:4])).residual_m is None
    exact = plane_of(camera_of(pinhole, ROAD)).residual_m
    assert exact is not None and exact < 1e-6
    clicked = np.array(pinhole.ground(ROAD)) + np.random.default_rng(3).normal(0, 2, (6, 2))
    residual = CalibratedPlane(clicked, np.array(ROAD)).residual_m
    assert residual is not None and 0.03 < residual < 1.0


@pytest.mark.parametrize(
    "image",
    [
        [(100, 100), (200, 200), (300, 300), (400, 400)],
        [(100, 100), (100, 100), (300, 300), (400, 100)],
        [(100, 600), (1100, 600), (300, 300), (900, 300)],
    ],
    ids=["one line", "repeated", "order crossed"],
)
def test_points_that_fix_no_plane_are_told(image: list[tuple[float, float]]) -> None:
    camera = Camera.model_validate(
        {
            "id": "cam-9",
            "url": "rtsp://127.0.0.1/c",
            "frame": [1280, 720],
            "ground": {"image": image, "metres": [(0, 0), (10, 0), (10, 30), (0, 30)]},
        }
    )
    with pytest.raises(ValueError, match="camera cam-9: ground: "):
        plane_of(camera)


def test_sigma_is_the_error_that_a_pixel_makes() -> None:
    pinhole = Pinhole()
    plane = plane_of(camera_of(pinhole, ROAD))
    (near, far) = pinhole.ground([(0.0, 12.0), (0.0, 45.0)])
    assert plane.sigma(far) > 5 * plane.sigma(near)
    moved = plane.metres(np.array([far, (far[0], far[1] - 0.1)]))
    assert plane.sigma(far, 0.1) == pytest.approx(float(np.hypot(*(moved[1] - moved[0]))), rel=0.1)


@pytest.mark.parametrize("points", [ROAD, None], ids=["calibrated", "estimated"])
def test_beyond_the_horizon_is_far_away_and_finite(points: list[tuple[float, float]] | None) -> None:
    plane = plane_of(camera_of(Pinhole(), points))
    places = plane.metres(np.array([(640.0, -5000.0), (0.0, 0.0), (640.0, 92.0), (640.0, 700.0)]))
    assert np.isfinite(places).all()
    assert np.hypot(*places[0]) > 500 > np.hypot(*places[3])


def learned(pinhole: Pinhole) -> Plane:
    plane = plane_of(camera_of(pinhole, None))
    walkers = [Thing("person", path((0, -5, 10 + 5 * i), (20, 5, 10 + 5 * i)), i) for i in range(5)]
    cars = [Thing("car", path((0, -1.8, 60), (20, -1.8, 12)), 20), Thing("car", path((0, 1.8, 14), (20, 1.8, 60)), 21)]
    for scene in World(pinhole, walkers + cars, noise=1.0).scenes(0, 20, 5):
        plane.observe(scene.tracks)
    return plane


@pytest.mark.parametrize(
    "pinhole",
    [Pinhole(), Pinhole(height=9, tilt=25), Pinhole(height=4.5, tilt=8), Pinhole((640, 360), focal=480, height=7)],
    ids=["ordinary", "high", "low", "small"],
)
def test_people_and_cars_teach_the_scale(pinhole: Pinhole) -> None:
    plane = learned(pinhole)
    assert not plane.calibrated and plane.residual_m is None and said(plane) == "estimated"
    for y in (14.0, 22.0, 34.0):
        left, right = plane.metres(np.array(pinhole.ground([(-2.0, y), (2.0, y)])))
        assert float(np.hypot(*(right - left))) == pytest.approx(4.0, rel=0.15)
    near, far = plane.metres(np.array(pinhole.ground([(0.0, 14.0), (0.0, 30.0)])))
    assert float(np.hypot(*(far - near))) == pytest.approx(16.0, rel=0.35)


def test_where_the_site_draws_road_there_is_no_sky() -> None:
    """A crosswalk high in the picture lies below the horizon, before and after anything was learned."""
    high = {"id": "kerb", "type": "no_parking", "polygon": [[400, 60], [800, 60], [800, 120], [400, 120]]}
    camera = camera_of(Pinhole(), None).model_dump() | {"zones": [high]}
    plane = plane_of(Camera.model_validate(camera))
    for _ in range(2):
        corners = plane.metres(np.array(high["polygon"], dtype=float))
        assert np.hypot(*(corners[0] - corners[1])) > 1 and corners[0][1] > corners[2][1] + 1
        walkers = [Thing("person", path((0, -5, 10 + 5 * i), (20, 5, 10 + 5 * i)), i) for i in range(5)]
        for scene in World(Pinhole(), walkers).scenes(0, 5, 5):
            plane.observe(scene.tracks)


def test_a_plane_that_has_seen_nobody_still_answers_sanely() -> None:
    pinhole = Pinhole()
    plane = plane_of(camera_of(pinhole, None))
    left, right = plane.metres(np.array(pinhole.ground([(-2.0, 20.0), (2.0, 20.0)])))
    assert 2.0 < float(np.hypot(*(right - left))) < 8.0
    assert plane.version == 0
