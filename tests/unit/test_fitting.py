"""What `sightline edge check` doubts: drawings that load and are probably not meant, each in one sentence with its line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contract.sitefile import load_site
from edge.fitting import doubts, require_fit
from edge.judgement import Place, law_of
from sightline.cli import app
from tests.scenes.sites import DEMO
from tests.scenes.street import FAR, LANE, NEAR, STOP_L, VIEW, Street


def written(folder: Path, street: Street, **lane: Any) -> Path:
    """A site with this street's camera; keys of `lane` replace those of lane l1."""
    camera = json.loads(street.camera().model_dump_json(exclude_none=True))
    camera["zones"][0]["lanes"][0] |= lane
    head = {"site": "s", "name": "s", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default"}
    path = folder / "site.yaml"
    path.write_text(json.dumps({**head, "cameras": [camera]}, indent=1), encoding="utf-8")
    return path


def doubted(path: Path) -> list[str]:
    site = load_site(path)
    law, found = law_of(site), []
    for camera in site.site.cameras:
        place = Place("check", site, camera, law)
        require_fit(place)
        found += doubts(place)
    return found


def line(y: float) -> list[tuple[float, float]]:
    """A stop line over lane l1 at `y` metres; its traffic comes from far away (y falls)."""
    return VIEW.ground([(-LANE, y), (0.0, y)])


@pytest.mark.parametrize("street", [Street(), Street(ground=False), Street(lanes_each_way=2), Street(stop_lines=False)])
def test_a_street_drawn_as_it_is_meant_raises_no_doubt(tmp_path: Path, street: Street) -> None:
    assert doubted(written(tmp_path, street)) == []


def test_the_sites_of_the_project_and_of_the_clips_raise_none(shared: Path) -> None:
    for path in [DEMO, *sorted((shared / "clips").glob("*.site.yaml"))]:
        assert doubted(path) == [], path


@pytest.mark.parametrize("ground", [True, False])
@pytest.mark.parametrize(("y", "beyond"), [(STOP_L, False), (FAR - 0.5, False), (NEAR + 0.5, True), (NEAR - 1.5, True)])
def test_a_stop_line_beyond_the_crossing_is_doubted(tmp_path: Path, ground: bool, y: float, beyond: bool) -> None:
    found = doubted(written(tmp_path, Street(ground=ground), stop_line=line(y)))
    assert len(found) == beyond
    if beyond:
        assert "zone zebra: lane l1 has its stop line beyond the middle of the crossing" in found[0]
        said = (tmp_path / "site.yaml").read_text().splitlines()[int(found[0].split(":")[1].split()[0]) - 1]
        assert "stop_line" in said


def test_traffic_that_drives_the_other_way_makes_the_same_line_doubtful(tmp_path: Path) -> None:
    found = doubted(written(tmp_path, Street(), towards=VIEW.ground([(-LANE / 2, 60.0)])[0]))
    assert len(found) == 1 and "mend `towards`" in found[0]


@pytest.mark.parametrize(
    ("near", "far", "share"), [(8, 55, None), (NEAR, FAR, None), (FAR + 0.5, 55, "0%"), ((NEAR + FAR) / 2, 55, "50%")]
)
def test_a_lane_that_ends_before_its_way_over_the_crossing_is_doubted(
    tmp_path: Path, near: float, far: float, share: str | None
) -> None:
    polygon = VIEW.ground([(-LANE, near), (0.0, near), (0.0, far), (-LANE, far)])
    found = doubted(written(tmp_path, Street(), polygon=polygon))
    assert len(found) == (share is not None)
    if share:
        assert f"lane l1 is drawn over {share} of its vehicles' way over the crossing" in found[0]


@pytest.mark.parametrize(
    ("count", "shift", "said"),
    [
        (4, 0.0, "4 points alone leave no residual error, so nobody can tell how good they are - give 6 or more"),
        (5, 0.0, "5 points; enforcement wants 6 - give more"),
        (6, 3.0, "m off each other, over 0.3 m - point 6 contradicts the others: click"),
        (6, 0.0, None),
    ],
)
def test_ground_points_that_prove_nothing_are_doubted(
    tmp_path: Path, count: int, shift: float, said: str | None
) -> None:
    path = written(tmp_path, Street())
    site = json.loads(path.read_text())
    ground = site["cameras"][0]["ground"]
    ground["metres"][5][0] += shift
    site["cameras"][0]["ground"] = {key: points[:count] for key, points in ground.items()}
    path.write_text(json.dumps(site, indent=1))
    found = doubted(path)
    assert len(found) == (said is not None)
    if said:
        assert "camera cam: ground: " in found[0] and said in found[0]


def redrawn(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    """The same file with its zones changed."""
    site = json.loads(path.read_text())
    change(site["cameras"][0]["zones"])
    path.write_text(json.dumps(site, indent=1))
    return path


def test_a_crossing_drawn_twice_is_doubted(tmp_path: Path) -> None:
    path = redrawn(written(tmp_path, Street()), lambda zones: zones.append({**zones[0], "id": "again"}))
    found = doubted(path)
    assert len(found) == 1 and "zone again covers the crossing of zone zebra" in found[0]


def test_a_carriageway_beside_its_crossing_is_doubted(tmp_path: Path) -> None:
    aside = VIEW.ground([(-LANE, FAR + 5), (LANE, FAR + 5), (LANE, FAR + 15), (-LANE, FAR + 15)])
    found = doubted(redrawn(written(tmp_path, Street()), lambda zones: zones[0].update(carriageway=aside)))
    assert any("zone zebra has a carriageway that hardly covers it" in one for one in found)


def test_a_zone_outside_the_picture_is_doubted(tmp_path: Path) -> None:
    polygon = [[-900, 10], [-500, 10], [-500, 90]]
    kerb = {"id": "kerb", "type": "no_parking", "polygon": polygon}
    found = doubted(redrawn(written(tmp_path, Street()), lambda zones: zones.append(kerb)))
    assert len(found) == 1 and "zone kerb lies outside the picture" in found[0]


def test_the_command_warns_and_does_not_fail(tmp_path: Path) -> None:
    path = written(tmp_path, Street(), stop_line=line(NEAR - 1.5))
    done = CliRunner().invoke(app, ["edge", "check", str(path)])
    warnings = [row for row in done.output.splitlines() if row.startswith("warning: ")]
    assert done.exit_code == 0 and len(warnings) == 1
    assert warnings[0].startswith(f"warning: {path}:") and warnings[0].endswith("or mend `towards`")
    assert "holds (SHA-256" in done.output.splitlines()[-1]
