"""A polling station's site file: recorded, judged by no rule, and refused with a line where it could do harm."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from contract.errors import ConfigError, InputError, SiteError
from contract.events import parse_data
from contract.feedhealth import Cleared
from contract.sitefile import load_site
from edge.config import load_config
from edge.deliver.spool import Spool
from edge.polling.kept import KeptCamera, folder_of
from edge.polling.matters import Open
from edge.polling.process import FeedHealth
from edge.supervisor import Supervisor
from sightline.cli import app

SITE = Path(__file__).resolve().parents[2] / "configs" / "sites" / "polling.yaml"


def written(folder: Path, change: Any) -> Path:
    site = yaml.safe_load(SITE.read_text(encoding="utf-8"))
    change(site)
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(site, allow_unicode=True), encoding="utf-8")
    return path


def test_the_example_loads_and_says_what_is_planned() -> None:
    polling = load_site(SITE).site.polling
    assert polling is not None and polling.masks == "edge"
    assert [one.phase for one in polling.windows] == ["rehearsal", "voting", "count"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda site: site["cameras"][1].pop("recording"), "count-1: a polling station is recorded"),
        (lambda site: site["cameras"][0]["zones"][0].update(type="no_parking"), "hall-1: .* no zone booth"),
        (lambda site: site["polling"]["windows"][1].update({"from": "2026-12-11T16:00:00+08:00"}), "overlap"),
        (lambda site: site["polling"]["windows"][1].update(until="2026-12-12T06:00:00+08:00"), "not after"),
        (lambda site: site["polling"].pop("station"), "polling.station is missing"),
        (lambda site: site["polling"].update(faces="find"), "polling.faces is not a key"),
    ],
)
def test_what_does_harm_is_refused_with_its_line(tmp_path: Path, change: Any, said: str) -> None:
    with pytest.raises(SiteError, match=said) as seen:
        load_site(written(tmp_path, change))
    assert "site.yaml:" in str(seen.value)


def test_a_box_of_polling_stations_has_recorders_and_no_detector(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(f"edge_id: box-1\nsites: [{SITE}]\ndata_dir: data\n")
    box = Supervisor(load_config(config), config, None, lambda _: None)
    assert [part.name for part in box.parts] == ["recorder-1", "health-1", "live", "deliver"]


def test_when_the_last_polling_station_leaves_the_box_what_was_wrong_there_is_ended(tmp_path: Path) -> None:
    """The fault this was written for: no process was left to end it, and it stood open at central for ever."""
    settings = tmp_path / "edge.yaml"
    settings.write_text(f"edge_id: box-1\nsites: [{SITE.with_name('demo.yaml')}]\ndata_dir: data\n")
    config = load_config(settings)
    kept = KeptCamera(folder_of(config.data_dir), "hall-1")
    kept.write({"covered": Open("covered", 1_790_000_000.0)})
    (part,) = [one for one in Supervisor(config, settings, tmp_path, print).parts if one.name == "health-1"]
    assert part._arguments[part._arguments.index("--cameras") + 1] == ""
    assert FeedHealth(config, [], "health-1").run([15]) == 0
    (told,) = [parse_data(one.item.event) for one in Spool(config.data_dir / "spool").take()]
    assert isinstance(told, Cleared) and (told.check, told.how) == ("covered", "removed")
    names = [one.name for one in Supervisor(config, settings, tmp_path, print).parts]
    assert "health-1" not in names, "and nobody looks any more"


def test_a_camera_is_learned_anew_when_somebody_says_so(tmp_path: Path) -> None:
    settings = tmp_path / "edge.yaml"
    settings.write_text(f"edge_id: box-1\nsites: [{SITE}]\ndata_dir: data\n")
    kept = KeptCamera(folder_of(tmp_path / "data"), "hall-1")
    (tmp_path / "data" / "polling" / "hall-1.baseline").write_bytes(b"what was usual")
    asked = CliRunner().invoke(app, ["edge", "relearn", "hall-1", "--config", str(settings)])
    assert asked.exit_code == 0 and "is learned anew" in asked.output
    assert kept.told_anew() and not kept.told_anew()
    assert not (tmp_path / "data" / "polling" / "hall-1.baseline").exists()
    with pytest.raises(InputError, match="no polling station of this box has a camera 'gate'"):
        CliRunner().invoke(app, ["edge", "relearn", "gate", "--config", str(settings)], catch_exceptions=False)


def test_a_road_without_a_detector_is_told(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(f"edge_id: box-1\nsites: [{SITE.with_name('demo.yaml')}]\ndata_dir: data\n")
    with pytest.raises(ConfigError, match="needs a detector"):
        Supervisor(load_config(config), config, None, lambda _: None)
