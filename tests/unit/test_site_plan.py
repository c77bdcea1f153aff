"""The place from above: metres as the site file tells them, and nothing beyond the horizon."""

from pathlib import Path

import pytest
import yaml
from central_kit import violation

from central.sites.plan import plan_of
from contract.events import Geometry

GROUND = {"image": [[100, 700], [1180, 700], [800, 300], [480, 300]], "metres": [[0, 0], [12, 0], [12, 40], [0, 40]]}
KERB = [[100, 700], [640, 700], [640, 300], [480, 300]]
ROOT = Path(__file__).resolve().parents[2]


def site(ground: object = GROUND, polygon: object = KERB, **more: object) -> bytes:
    zone = {"id": "kerb", "type": "no_parking", "polygon": polygon, "permitted_wait_s": 180}
    camera = {"id": "cam-1", "url": "rtsp://127.0.0.1:8554/cam-1", "frame": [1280, 720], "zones": [zone], **more}
    if ground:
        camera["ground"] = ground
    whole = {"site": "s", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default", "cameras": [camera]}
    return yaml.safe_dump(whole).encode()


def accused() -> object:
    boxes = {"trigger": (600.0, 400.0, 680.0, 700.0)}
    return violation(geometry=Geometry(frame=(1280, 720), zone=[(0, 0), (1, 0), (1, 1)], boxes=boxes))


def test_pixels_are_metres_on_the_road_seen_from_above() -> None:
    plan = plan_of(site(), accused())
    assert plan is not None
    (shape,) = plan.shapes
    assert (shape.kind, shape.name) == ("accused", "kerb")
    # From the middle of the ground points: the kerb is the left half of 12 m, 40 m deep.
    assert shape.points == ((-6.0, -20.0), (0.0, -20.0), (0.0, 20.0), (-6.0, 20.0))
    assert plan.vehicle == (0.0, -20.0) and plan.extent == (-6.0, -20.0, 0.0, 20.0)


@pytest.mark.parametrize(
    "metres",
    [
        [[0, 0], [-12, 0], [-12, -40], [0, -40]],
        [[0, 0], [0, 12], [40, 12], [40, 0]],
        [[0, 0], [12, 0], [12, -40], [0, -40]],
    ],
)
def test_however_the_site_counts_its_metres_up_is_away_and_left_is_left(metres: list[list[int]]) -> None:
    plan = plan_of(site({"image": GROUND["image"], "metres": metres}), accused())
    assert plan is not None
    assert plan.shapes[0].points == ((-6.0, -20.0), (0.0, -20.0), (0.0, 20.0), (-6.0, 20.0))


@pytest.mark.parametrize(
    "raw",
    [
        site(ground=None),
        # Above the horizon, and so near to it that it lies a kilometre away.
        site(polygon=[[100, 100], [640, 100], [640, 50]]),
        site(polygon=[[100, 700], [640, 700], [640, 150]]),
    ],
)
def test_nothing_is_drawn_where_nobody_knows_metres(raw: bytes) -> None:
    assert plan_of(raw, accused()) is None
    assert plan_of(site(), violation(camera_id="cam-9")) is None


def test_the_shipped_sites_have_a_plan() -> None:
    for file in sorted((ROOT / "configs" / "sites").glob("*.yaml")):
        raw = file.read_bytes()
        for camera in yaml.safe_load(raw)["cameras"]:
            if camera.get("ground"):
                assert plan_of(raw, violation(camera_id=camera["id"])) is not None, file.name
