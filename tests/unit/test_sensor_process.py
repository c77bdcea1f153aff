"""The sensors of a box together: which its sites declare, what their process tells, and what a removed one leaves."""

import json
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml

from contract.errors import ConfigError
from contract.events import EventType, parse_data
from contract.sensors import SensorClosed
from edge.config import load_config
from edge.deliver.spool import Spool
from edge.rules.threshold import State, Wait
from edge.sensors.alarm import removed
from edge.sensors.mailbox import MOST_EACH
from edge.sensors.process import Sensors, posts
from edge.supervisor import Supervisor
from tests.sensor_bench import SITE, T


def test_the_unreadable_state_of_a_removed_sensor_is_kept_and_told_and_those_beside_it_are_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(f"edge_id: box-1\nsites: [{SITE.with_name('demo.yaml')}]\ndata_dir: data\n")
    folder = tmp_path / "data" / "sensors"
    folder.mkdir(parents=True)
    (folder / "gone-01.json").write_text('{"state": {"raised": {"t_fi')
    (folder / "gone-02.json").write_text('{"state": {"raised": {"t_first": 1790000000.0, "peak": 45.0}}}')
    Sensors(load_config(config), "sensors").run([15])
    assert [one.name for one in folder.iterdir()] == ["gone-01.json.unreadable"]
    (line,) = [one for one in caplog.messages if "gone-01" in one]
    assert "gone-01.json.unreadable" in line and "close at central by hand" in line and "\n" not in line
    assert len(list(Spool(tmp_path / "data" / "spool").take())) == 1


def test_what_a_flood_drops_is_told_for_sensors_of_sparkplug_as_well(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(f"edge_id: box-1\nsites: [{SITE}]\ndata_dir: data\nbroker: {{host: 127.0.0.1, port: 1}}\n")
    sensors = Sensors(load_config(config), "sensors")
    flood = mqtt.MQTTMessage(topic=b"spBv1.0/box-1/DDATA/gw-underpass/cover-07")
    for _ in range(MOST_EACH + 7):
        sensors._intake._on_message(sensors._intake._client, None, flood)
    sensors._figures()
    told = json.loads((tmp_path / "data" / "run" / "sensors.json").read_bytes())["sensors"]
    assert (told["manhole-07"]["dropped"], told["water-01"]["dropped"]) == (7, 0)


def test_a_sensor_that_the_site_no_longer_names_ends_what_it_had_begun() -> None:
    state = State(raised=Wait(T, 45.0), silent=T + 500)
    ends = [parse_data(one) for one in removed("box-1", "water-01", state)]
    assert [one.how for one in ends if isinstance(one, SensorClosed)] == ["removed", "removed"]
    assert len({one.case_key for one in ends if isinstance(one, SensorClosed)}) == 2
    assert removed("box-1", "water-01", State()) == []


def test_a_box_whose_site_declares_sensors_has_a_process_for_them_and_no_other_box(tmp_path: Path) -> None:
    def parts(site: Path) -> list[str]:
        config = tmp_path / f"{site.stem}.yaml"
        config.write_text(f"edge_id: box-1\nsites: [{site}]\ndata_dir: {site.stem}\n")
        return [part.name for part in Supervisor(load_config(config), config, tmp_path, lambda _: None).parts]

    assert parts(SITE) == ["inference", "worker-1", "sensors", "deliver"]
    assert parts(SITE.with_name("demo.yaml")) == ["inference", "worker-1", "deliver"]
    left = tmp_path / "demo" / "sensors" / "gone-01.json"
    left.parent.mkdir()
    left.write_text('{"state": {"raised": {"t_first": 1790000000.0, "peak": 45.0}}}')
    assert parts(SITE.with_name("demo.yaml")) == ["inference", "worker-1", "sensors", "deliver"], "to end its alarm"
    Sensors(load_config(tmp_path / "demo.yaml"), "sensors").run([15])
    (taken,) = Spool(tmp_path / "demo" / "spool").take()
    assert taken.item.event.type == EventType.SENSOR_CLOSED and not left.exists()
    assert parts(SITE.with_name("demo.yaml")) == ["inference", "worker-1", "deliver"]


def test_a_sensor_and_a_traffic_light_of_another_site_of_the_box_are_not_one(tmp_path: Path) -> None:
    site = yaml.safe_load(SITE.read_text(encoding="utf-8"))
    kerb = site["cameras"][0]["zones"][0] | {
        "signal": {"source": "mqtt", "topic": "sightline/v1/box-1/sensor/smoke-01"}
    }
    other = tmp_path / "lit.yaml"
    cameras = [site["cameras"][0] | {"id": "cam-2", "zones": [kerb]}]
    other.write_text(yaml.safe_dump(site | {"cameras": cameras, "sensors": []}, allow_unicode=True))
    config = tmp_path / "edge.yaml"
    config.write_text(f"edge_id: box-1\nsites: [{SITE}, {other}]\ndata_dir: data\n")
    with pytest.raises(ConfigError, match=r"lit\.yaml: sensor smoke-01: a zone's `signal\.topic` names it as well"):
        posts(load_config(config))


def test_two_sensors_of_one_name_or_one_metric_are_refused(tmp_path: Path) -> None:
    site = yaml.safe_load(SITE.read_text(encoding="utf-8"))
    manhole = site["sensors"][2]
    for name, sensors, why in (
        ("same", [site["sensors"][0]], "is in .* as well"),
        ("metric", [manhole | {"id": "manhole-08"}], "told by one metric"),
    ):
        other = tmp_path / f"{name}.yaml"
        other.write_text(yaml.safe_dump(site | {"sensors": sensors}, allow_unicode=True))
        config = tmp_path / f"edge-{name}.yaml"
        config.write_text(f"edge_id: box-1\nsites: [{SITE}, {other}]\ndata_dir: data\n")
        with pytest.raises(ConfigError, match=why):
            posts(load_config(config))
