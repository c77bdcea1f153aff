"""A value that is not said again: for how long a box that listens vouches for it, and when it no longer does."""

from pathlib import Path

import pytest
import yaml

from contract.events import EventType, parse_data
from contract.sensors import SensorAlarm
from edge.config import load_config
from edge.rules.threshold import Reading
from edge.sensors.listening import AWAY_S, Line, Listening, Span
from edge.sensors.mailbox import Letter
from edge.sensors.process import Sensors
from tests.sensor_bench import SITE, Bench, T, kinds, post


@pytest.fixture
def bay(tmp_path: Path) -> Bench:
    """Occupied since a moment, told by a sensor that tells changes only; 900 s are asked."""
    bench = Bench(tmp_path, post("bay-12"))
    bench.read((0, 0), (60, 1))
    bench.turn(62)
    return bench


def test_a_bay_gives_alarm_by_listening_alone(bay: Bench) -> None:
    bay.turn(960, listened_s=899.5)
    assert kinds(bay) == []
    bay.turn(962, listened_s=0.5)
    assert kinds(bay) == [EventType.PARKING]
    (said,) = (parse_data(one) for one in bay.events())
    assert isinstance(said, SensorAlarm) and (said.at_trigger - said.at_first).total_seconds() == 900


def test_a_bay_is_not_vouched_for_over_a_connection_that_was_lost(bay: Bench) -> None:
    bay.turn(460, listened_s=400)
    bay.since = None
    bay.turn(1000)
    bay.since = bay.now
    bay.turn(2000, listened_s=890)
    assert kinds(bay) == []
    bay.read((2001, 1))
    bay.turn(2003)
    bay.turn(2900, listened_s=899)
    assert kinds(bay) == []
    bay.turn(2902, listened_s=1)
    assert kinds(bay) == [EventType.PARKING]


def test_a_connection_that_was_lost_and_found_between_two_turns_counts_as_well(bay: Bench) -> None:
    bay.turn(460, listened_s=400)
    bay.read((470, 1))  # came over the old one, and waits for its order while the new one begins
    bay.now += 1
    bay.since = bay.now
    bay.turn(2000, listened_s=1500)
    assert kinds(bay) == []


def test_a_restart_in_mid_wait_does_not_vouch_for_what_nobody_heard(bay: Bench) -> None:
    bay.turn(900, listened_s=840)
    bay.watch.end(bay.spool, bay.now)
    bay.start()
    bay.turn(2000, listened_s=890)
    assert kinds(bay) == []


def test_no_step_of_the_boxs_clock_fills_the_wait_of_a_bay(bay: Bench) -> None:
    bay.turn(100_000, listened_s=899)
    bay.turn(50, listened_s=0.5)
    assert kinds(bay) == []


def test_what_a_gateway_says_unbelievably_or_loses_is_vouched_for_no_longer(bay: Bench) -> None:
    bay.watch.doubt("is dated +3600 s from this box's time - set the gateway's clock", bay.now)
    bay.turn(2000, listened_s=1500)
    assert kinds(bay) == []
    bay.read((2001, 1))
    bay.now += 1
    bay.watch.lose(bay.now)  # its node died while the reading waited for its order
    bay.turn(4000, listened_s=1500)
    assert kinds(bay) == []


def test_no_false_all_clear_while_the_line_is_cut(tmp_path: Path) -> None:
    bench = Bench(tmp_path, post("smoke-01", reports="change", clear_for_s=60))
    bench.read((0, 1), (10, 0))
    bench.turn(12)
    bench.turn(42, listened_s=30)
    bench.since = None
    bench.turn(600)
    bench.since = bench.now
    bench.turn(1200, listened_s=600)
    assert kinds(bench) == [EventType.SMOKE]
    bench.read((1201, 0))
    bench.turn(1203)
    bench.turn(1263, listened_s=60)
    assert kinds(bench) == [EventType.SMOKE, EventType.SENSOR_CLOSED]


def test_listening_is_counted_up_to_the_last_bytes_of_the_broker_and_begins_with_each_connection() -> None:
    one = Listening(100.0)
    assert one.turn(None, 101.0).since is None
    assert one.turn(Line(101.0, 101.5, 102.0), 102.0) == Span(101.0, 101.5, 101.5)
    assert one.turn(Line(101.0, 101.5, 109.0), 109.0) == Span(101.0, 101.5, 107.0)
    assert one.turn(Line(101.0, 101.5, 109.0), 118.0) == Span(101.0, 107.0, 109.0)
    for now in (125.0, 130.0):  # a cable was pulled: it looks well, and nothing comes
        assert one.turn(Line(101.0, 101.5, 109.0), now) == Span(101.0, 109.0, 109.0)
    assert one.turn(None, 131.0).since is None
    assert one.turn(Line(132.0, 132.5, 140.0), 140.0) == Span(132.0, 132.5, 138.0)


def test_a_loop_that_was_away_has_not_listened() -> None:
    one, line = Listening(100.0), Line(90.0, 90.0, 200.0)
    one.turn(line, 101.0)
    back = 101.0 + AWAY_S + 1
    assert one.turn(line, back) == Span(back, back, back)


@pytest.mark.parametrize(
    ("topic", "lost"), [("NDEATH/gw-1", True), ("DDEATH/gw-1/bay", True), ("DDEATH/gw-1/other", False)]
)
def test_nobody_vouches_for_a_value_when_its_gateway_says_that_it_lost_the_sensor(
    tmp_path: Path, topic: str, lost: bool
) -> None:
    site = yaml.safe_load(SITE.read_text(encoding="utf-8"))
    site["sensors"][3]["sparkplug"] = {"node": "gw-1", "device": "bay", "metric": "Taken"}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site, allow_unicode=True))
    config = tmp_path / "edge.yaml"
    config.write_text("edge_id: box-1\nsites: [site.yaml]\ndata_dir: data\n")
    sensors = Sensors(load_config(config), "sensors")
    bay = sensors._watches["bay-12"]
    bay.hear(Reading(T, 1.0), 100.0)
    bay.turn(T + 2, 102.0, Span(90.0, 100.0, 100.0))
    sensors._heard_node("gw-1", Letter(f"spBv1.0/box-1/{topic}", b"", False, T + 3, 103.0))
    bay.turn(T + 1000, 1110.0, Span(90.0, 100.0, 1050.0))
    assert (bay.measure()["state"] == "calm") is lost
