"""A polling station's site file: recorded, judged by no rule, and refused with a line where it could do harm."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.errors import ConfigError, SiteError
from contract.sitefile import load_site
from edge.config import load_config
from edge.supervisor import Supervisor

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


def test_a_road_without_a_detector_is_told(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(f"edge_id: box-1\nsites: [{SITE.with_name('demo.yaml')}]\ndata_dir: data\n")
    with pytest.raises(ConfigError, match="needs a detector"):
        Supervisor(load_config(config), config, None, lambda _: None)
