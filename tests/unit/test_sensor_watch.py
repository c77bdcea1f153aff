"""One sensor of a box from reading to event, over restarts, crashes and disks that refuse."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import yaml

from contract.errors import ConfigError
from contract.events import CloudEvent, EventType, parse_data
from contract.sensors import Sensor, SensorAlarm, SensorClosed
from contract.sitefile import load_site
from edge.config import load_config
from edge.deliver.spool import Spool
from edge.rules.threshold import MOST_AN_HOUR, Reading, State, Wait
from edge.sensors.alarm import Post, event_of, removed
from edge.sensors.believing import CLOCK_S
from edge.sensors.kept import KeptFile
from edge.sensors.listening import AWAY_S, Line, Listening, Span
from edge.sensors.mailbox import MOST_EACH, Letter
from edge.sensors.process import Sensors, posts
from edge.sensors.settling import SETTLE_S
from edge.sensors.watch import MOST_OUTGOING, SensorWatch
from edge.supervisor import Supervisor

SITE = Path(__file__).resolve().parents[2] / "configs" / "sites" / "underpass.yaml"
T = 1_790_000_000.0


def post(name: str = "water-01", **changes: Any) -> Post:
    site = load_site(SITE)
    sensor = next(one for one in site.site.sensors if one.id == name)
    return Post("box-1", site, Sensor(**(sensor.model_dump() | changes)))


class Bench:
    """A sensor with its file and a spool; time is told. `start` begins it anew, as after a crash.

    `since` is when the connection began on which it is heard, None while there is none.
    """

    def __init__(self, folder: Path, post: Post) -> None:
        self.spool, self.folder, self.post, self.now = Spool(folder / "spool"), folder, post, 100.0
        self.since: float | None = self.now
        self.start()

    def start(self) -> None:
        self.watch = SensorWatch(self.post, KeptFile(self.folder, self.post.sensor.id), self.now)

    def read(self, *readings: tuple[float, float]) -> None:
        for t, value in readings:
            self.watch.hear(Reading(T + t, value), self.now)

    def turn(self, at: float, listened_s: float = 0.0, send: bool = True) -> None:
        # What was read before is no part of what was listened since, as on the road: that is counted when it is read.
        begin = self.now
        self.now += listened_s + SETTLE_S
        self.watch.turn(T + at, self.now, Span(self.since, begin, begin + listened_s))
        if send:
            self.watch.send(self.spool, self.now)

    def events(self) -> list[CloudEvent]:
        return [taken.item.event for taken in self.spool.take()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, post())


def test_an_alarm_says_what_where_since_when_and_who_is_called(bench: Bench) -> None:
    bench.read((0, 31), (15, 42), (30, 41))
    bench.turn(33)
    (event,) = bench.events()
    said = parse_data(event)
    assert isinstance(said, SensorAlarm)
    assert (event.type, event.source) == (EventType.WATER_LEVEL, "/edge/box-1/sensor/water-01")
    assert (said.matter, said.peak, said.value, said.unit, said.raise_at) == ("raised", 42, 41, "cm", 30)
    assert said.place.startswith("通道最低点") and said.call is not None and said.camera == "cam-1"
    assert said.site_version == bench.post.site.sha256 and said.dated == "reading"
    assert (said.at_trigger - said.at_first).total_seconds() == 30 and str(said.at_first.utcoffset()) == "8:00:00"
    assert said.reason == "at or over 30 cm for 30 s, 30 s are asked; furthest 42 cm"


def test_its_end_names_the_same_matter(bench: Bench) -> None:
    bench.read((0, 31), (30, 45), (40, 19), (100, 18))
    bench.turn(103)
    alarm, end = (parse_data(one) for one in bench.events())
    assert isinstance(alarm, SensorAlarm) and isinstance(end, SensorClosed)
    assert (end.case_key, end.how, end.lasted_s, end.peak) == (alarm.case_key, "cleared", 100, 45)


def test_a_restart_in_the_midst_of_a_duration_goes_on_with_it(bench: Bench) -> None:
    bench.read((0, 31), (10, 31))
    bench.turn(12)
    bench.now += 5
    bench.read((15, 32))
    bench.turn(17)
    bench.start()
    bench.read((30, 33))
    bench.turn(33)
    (event,) = bench.events()
    said = parse_data(event)
    assert isinstance(said, SensorAlarm) and (said.at_trigger - said.at_first).total_seconds() == 30


@pytest.mark.parametrize("spooled", [False, True])
def test_a_crash_between_decision_and_handing_over_neither_loses_nor_doubles_the_matter(
    bench: Bench, spooled: bool
) -> None:
    bench.read((0, 31), (30, 45))
    if spooled:  # the event is in the spool, and that is not yet written beside the state
        file = bench.watch._file
        bench.turn(33, send=False)
        file.write = lambda _: False  # type: ignore[method-assign]
        bench.watch.send(bench.spool, bench.now)
        assert len(bench.events()) == 1
    else:
        bench.turn(33, send=False)
        bench.watch._write(bench.now)
        assert bench.events() == []
    bench.start()
    bench.turn(40)
    events = bench.events()
    assert len(events) == (2 if spooled else 1)
    assert len({one.id for one in events}) == len(events), "what deliver may have sealed never comes under its id again"
    assert len({one.data["case_key"] for one in events}) == 1
    bench.start()
    bench.turn(50)
    assert len(bench.events()) == len(events)


def test_silence_goes_on_over_a_restart_and_the_alarm_says_what_was_not_believed(bench: Bench) -> None:
    bench.read((0, 5))
    bench.turn(2)
    bench.turn(500, listened_s=600)
    bench.watch.end(bench.spool, bench.now)
    bench.start()
    for _ in range(3):
        bench.watch.doubt("is dated -3600 s from this box's time - set the gateway's clock", bench.now)
    bench.turn(900, listened_s=300)
    (event,) = bench.events()
    said = parse_data(event)
    assert isinstance(said, SensorAlarm) and said.matter == "silent"
    assert said.at_first.timestamp() == T and (said.refused, said.value) == (3, 5)
    assert "set the gateway's clock" in said.refused_why and said.reason.startswith("nothing heard")
    bench.read((905, 5))
    bench.turn(908)
    end = parse_data(bench.events()[-1])
    assert isinstance(end, SensorClosed) and (end.how, end.case_key) == ("heard", said.case_key)


def test_a_reading_that_is_said_again_is_no_sign_of_life(bench: Bench) -> None:
    bench.read((0, 5))
    bench.turn(2)
    for n in range(9):
        bench.read((0, 5))
        bench.turn(100 * n, listened_s=100.0)
    assert [one.type for one in bench.events()] == [EventType.SENSOR_SILENT]
    assert bench.watch.late == 9


@pytest.fixture
def bay(tmp_path: Path) -> Bench:
    """Occupied since a moment, told by a sensor that tells changes only; 900 s are asked."""
    bench = Bench(tmp_path, post("bay-12"))
    bench.read((0, 0), (60, 1))
    bench.turn(62)
    return bench


def kinds(bench: Bench) -> list[EventType]:
    return [EventType(one.type) for one in bench.events()]


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


def test_a_step_of_the_clock_fills_no_wait_of_readings_dated_by_arrival(bench: Bench) -> None:
    ahead = 0.0

    def arrive(*seconds: float) -> None:
        for second in seconds:
            bench.now = 100.0 + second
            bench.watch.hear(Reading(T + ahead + second, 31, dated=False), bench.now)
            bench.turn(ahead + second + SETTLE_S)

    arrive(0, 10)
    bench.watch.hear(Reading(T + 19, 31, dated=False), 119.0)
    ahead = 600.0
    arrive(20, 30, 45, 59)  # the one of second 19 waits for its order while the clock is set
    assert kinds(bench) == []
    arrive(60)
    assert kinds(bench) == [EventType.WATER_LEVEL]


def test_a_sensor_that_flaps_becomes_one_alarm_that_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, post("smoke-01"))
    for t in range(1, 1000):
        bench.read((t, t % 2))
        bench.turn(t + SETTLE_S)
    alarms = [one for one in map(parse_data, bench.events()) if isinstance(one, SensorAlarm)]
    assert len(bench.events()) == 2 * MOST_AN_HOUR - 1 and len(alarms) == MOST_AN_HOUR
    assert ["unstable" in one.reason for one in alarms] == [False] * (MOST_AN_HOUR - 1) + [True]
    assert bench.watch.measure()["state"] == "unstable"


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


def test_a_clock_of_the_box_that_is_set_back_does_not_make_every_reading_late(bench: Bench) -> None:
    bench.read((4000, 5))
    bench.turn(4002)
    bench.turn(0)
    bench.read((1, 31), (31, 31))
    bench.turn(33)
    assert [one.type for one in bench.events()] == [EventType.WATER_LEVEL]
    assert CLOCK_S < 4000


def test_a_disk_that_refuses_keeps_the_alarm_and_bounds_what_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as no_room:
        no_room.setattr("edge.sensors.kept.write_durable", full)
        quick = replace(bench.watch._limits, for_s=0.0, clear_for_s=0.0)
        bench.watch._limits = quick
        for n in range(3 * MOST_OUTGOING):
            bench.read((1400 * n, 31), (1400 * n + 1, 19))
            bench.turn(1400 * n + 3)
        assert bench.events() == []
        assert MOST_OUTGOING <= len(bench.watch._outgoing) <= MOST_OUTGOING + 2
    bench.turn(1400 * 3 * MOST_OUTGOING)
    assert len(bench.events()) >= 100
    assert json.loads(bench.watch._file.path.read_bytes())["outgoing"] == []


def test_a_file_that_cannot_be_read_is_laid_aside_and_the_sensor_begins_anew(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.watch._file.path.write_text('{"state": {"last": ')
    bench.start()
    bench.read((0, 31), (30, 31))
    bench.turn(33)
    assert len(bench.events()) == 1 and "begins anew" in caplog.text
    aside = bench.folder / "water-01.json.unreadable"
    assert aside.read_text() == '{"state": {"last": ' and str(aside) in caplog.text


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


def test_what_the_rule_decides_always_fits_the_contract(bench: Bench) -> None:
    from edge.rules.threshold import Cleared, Heard, Raised, Silent
    from edge.sensors.alarm import Doubt

    wait = Wait(T, 1e9, dated=False)
    for name in ("water-01", "smoke-01", "manhole-07", "bay-12"):
        for decision in (Raised(wait, T + 9), Cleared(wait, T + 9), Silent(T, T + 9), Heard(T + 9, T)):
            event = event_of(post(name), State(last=Reading(T, -1e9)), decision, Doubt(7, "x" * 900))
            assert parse_data(event) is not None
