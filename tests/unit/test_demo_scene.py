"""The demo's street: what is drawn, what the site file says of it, and what must come of it belong together."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from contract.site import Camera
from contract.sitefile import load_site
from edge.rules.ground import plane_of
from sightline.demo.scene.cutouts import BUS_WIDTH, LENGTH
from sightline.demo.scene.motion import Drive, Stop, Walk, down_the_street
from sightline.demo.scene.site import SITE_FILE, as_yaml, site
from sightline.demo.scene.story import DURATION, PERMITTED_WAIT_S, VEHICLES, WALKERS, truth
from sightline.demo.scene.world import BAY, NO_PARKING, STOP_LINE, STRIP, ZEBRA, Pinhole

STEP = 0.1
TIMES = [index * STEP for index in range(int(DURATION / STEP) + 1)]


def drive(name: str) -> Drive:
    return next(one.drive for one in VEHICLES if one.name == name)


def standing(name: str) -> list[float]:
    """The seconds in which a vehicle stands, and where its middle then is."""
    poses = [(t, drive(name).pose(t), drive(name).pose(t + STEP)) for t in TIMES]
    return [t for t, now, then in poses if now and then and abs(now.x - then.x) + abs(now.y - then.y) < 1e-3]


def test_the_site_file_is_what_the_pinhole_draws() -> None:
    assert SITE_FILE.read_text(encoding="utf-8") == as_yaml(site())


def test_the_site_file_holds_and_its_ground_is_exact() -> None:
    camera: Camera = load_site(SITE_FILE).site.cameras[0]
    assert camera.ground is not None
    assert len(camera.ground.image) >= 6
    pinhole, plane = Pinhole(), plane_of(camera)
    for x, y in [(-7.0, 19.0), (-11.0, 30.0), (-5.0, 50.0)]:
        found = plane.metres(np.array([pinhole.ground_pixel(x, y)]))[0]
        assert np.hypot(*(found - (x, y))) < 0.1


def test_a_point_below_the_axis_is_projected_below_the_middle() -> None:
    camera = Pinhole()
    assert camera.ground_pixel(-7, 15)[1] > camera.ground_pixel(-7, 40)[1]
    assert camera.ground_pixel(-10, 20)[0] < camera.ground_pixel(-5, 20)[0]


def test_rays_are_the_inverse_of_projection() -> None:
    camera = Pinhole(width=64, height=36)
    ray = camera.rays()[20, 30]
    met = camera.position + ray * (-camera.position[2] / ray[2])
    assert camera.project(met[None])[0] == pytest.approx((30.5, 20.5))


def test_the_offender_stands_too_long_inside_the_zone() -> None:
    stood = standing("parker")
    assert stood[-1] - stood[0] > PERMITTED_WAIT_S + 5
    pose = drive("parker").pose(stood[0])
    assert pose is not None
    assert NO_PARKING[0] <= pose.y - LENGTH / 2
    assert pose.y + LENGTH / 2 <= NO_PARKING[1]
    assert STRIP[0] <= pose.x - BUS_WIDTH / 2
    assert pose.x + BUS_WIDTH / 2 <= STRIP[1]


def test_the_legal_one_stands_as_long_inside_the_bay() -> None:
    stood = standing("legal")
    assert len(stood) >= len(standing("parker"))
    pose = drive("legal").pose(stood[0])
    assert pose is not None
    assert BAY[0] <= pose.y - LENGTH / 2
    assert pose.y + LENGTH / 2 <= BAY[1]


def test_the_runner_never_slows_and_a_person_is_in_its_way() -> None:
    over = next(t for t in TIMES if (pose := drive("runner").pose(t)) and pose.y - LENGTH / 2 <= STOP_LINE)
    assert not standing("runner")
    person = WALKERS[0].walk.at(over)
    assert person is not None
    assert ZEBRA[0] < person[1] < ZEBRA[1]
    assert -10.5 < person[0] < -4.0


def test_the_yielder_stands_before_the_line_until_the_person_has_crossed() -> None:
    stood = standing("yielder")
    pose = drive("yielder").pose(stood[0])
    assert pose is not None
    assert pose.y - LENGTH / 2 > STOP_LINE
    gone = next(t for t in TIMES if t > stood[0] and (at := WALKERS[1].walk.at(t)) and at[0] > -4.0)
    assert stood[-1] > gone - STEP


def test_everybody_has_left_at_the_end() -> None:
    camera = Pinhole()
    for one in VEHICLES:
        pose = one.drive.pose(DURATION)
        assert pose is None or pose.y + LENGTH / 2 < 10, one.name
    for walker in WALKERS:
        at = walker.walk.at(DURATION)
        assert at is None or not 0 < camera.ground_pixel(at[0], at[1])[0] < camera.width, walker.name


def test_truth_is_one_ticket_of_each_kind() -> None:
    tickets = truth()["tickets"]
    assert sorted(one["rule"] for one in tickets) == ["failure_to_yield", "illegal_parking"]
    assert all(0 < one["t_trigger"] < DURATION for one in tickets)


def test_a_drive_stops_where_it_is_told_and_goes_on() -> None:
    going = Drive(down_the_street(-5.6), 8.0, 0.0, [Stop(40.0, 30.0)])
    at = going.pose(25.0)
    assert at is not None
    assert at.y == pytest.approx(40.0, abs=0.3)
    assert going.pose(29.0) == going.pose(20.0)
    later = going.pose(33.0)
    assert later is not None
    assert later.y < 39.0


def test_a_walk_counts_its_metres() -> None:
    walk = Walk(((0.0, 0.0, 0.0), (2.0, 3.0, 4.0)))
    assert walk.at(1.0) == pytest.approx((1.5, 2.0, 2.5))
    assert walk.at(2.1) is None


def test_the_photograph_is_found_without_importing_its_package() -> None:
    from sightline.demo.scene.cutouts import photograph

    assert photograph().parent.parent == Path(str(importlib.util.find_spec("ultralytics").origin)).parent  # type: ignore[union-attr]
