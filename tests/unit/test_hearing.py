"""What a box is told: read from strangers' bytes, checked against its sites, kept on disk, given to the right camera."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contract.command import Reply
from contract.settings import Broker
from contract.sitefile import load_site
from contract.statement import LONGEST, MAX_STATEMENT_BYTES
from edge.config import load_config
from edge.deliver.hearing import MOST, Hearing
from edge.deliver.link import Link
from edge.deliver.mailbox import MOST_TOLD
from edge.told import Told, ToldFile

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
SQUARE = [[0, 0], [100, 0], [100, 100], [0, 100]]
LANES = [{"id": "l1", "polygon": SQUARE, "towards": [5, 5]}]


def camera(name: str, *zones: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "url": "rtsp://127.0.0.1/c", "frame": [200, 200], "zones": list(zones)}


def zebra(name: str, signal: object) -> dict[str, Any]:
    return {"id": name, "type": "crosswalk", "polygon": SQUARE, "lanes": LANES, "signal": signal}


KERB = {"id": "kerb", "type": "no_parking", "polygon": SQUARE}
SITE = {
    "site": "s",
    "name": "s",
    "timezone": "Asia/Shanghai",
    "jurisdiction": "cn-default",
    "cameras": [
        camera("cam-1", KERB, zebra("lit", {"source": "mqtt", "topic": "s-7"}), zebra("dark", "none")),
        camera("cam-2", zebra("open", {"source": "mqtt"}), zebra("lamp", {"source": "lamp_roi"})),
    ],
}


class Ear:
    """A box's hearing, its folder, and what its workers find there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "edge.yaml"
        (folder / "site.yaml").write_text(json.dumps(SITE), encoding="utf-8")
        self.settings.write_text(yaml.safe_dump({"edge_id": "box-1", "sites": ["site.yaml"], "data_dir": "data"}))
        self.clock = 1000.0
        self.hearing = Hearing(load_config(self.settings), lambda: self.clock)

    def command(self, now: datetime = NOW, **changes: Any) -> Reply | None:
        said = {"id": "d-1", "fact": "officer_directing", "value": "yes", "by": "duty-7", "camera_id": "cam-1"}
        said |= {"from": NOW.isoformat(), "until": (NOW + timedelta(minutes=5)).isoformat()} | changes
        said = {key: value for key, value in said.items() if value is not None}
        raw = json.dumps({"id": "c-1", "command": "tell_fact", "statement": said}).encode()
        return self.hearing.hear("sightline/v1/box-1/command", raw, now)

    def sensor(self, name: str = "s-7", at: datetime = NOW, now: datetime | None = None, **more: Any) -> None:
        said = {"fact": "signal_state", "value": "vehicle_green", "at": at.isoformat()} | more
        answer = self.hearing.hear(f"sightline/v1/box-1/sensor/{name}", json.dumps(said).encode(), now or at)
        assert answer is None

    def told(self, camera_id: str = "cam-1") -> Told:
        return Told(self.folder / "data" / "told", camera_id)

    def facts(self, camera_id: str = "cam-1") -> list[tuple[str, str, str]]:
        return [(one.fact, one.value, one.by) for one in self.told(camera_id).statements()]


@pytest.fixture
def ear(tmp_path: Path) -> Ear:
    return Ear(tmp_path)


def test_a_command_reaches_the_camera_it_names_and_is_answered(ear: Ear) -> None:
    assert ear.command(zone_id="kerb") == Reply(id="c-1", status="done")
    assert ear.facts() == [("officer_directing", "yes", "duty-7")]
    assert ear.facts("cam-2") == []


def test_without_a_camera_it_is_said_of_all(ear: Ear) -> None:
    assert ear.command(camera_id=None) == Reply(id="c-1", status="done")
    assert ear.facts("cam-1") == ear.facts("cam-2") == [("officer_directing", "yes", "duty-7")]


def test_it_survives_a_restart_and_one_of_the_same_id_takes_its_place(ear: Ear) -> None:
    ear.command()
    again = Ear(ear.folder)
    again.command(id="d-2", value="no")
    assert len(again.facts()) == 2
    again.command(until=(NOW + timedelta(seconds=1)).isoformat())
    assert sorted(one.id for one in again.told().statements()) == ["d-1", "d-2"]
    (first,) = [one for one in again.told().statements() if one.id == "d-1"]
    assert first.valid_until == NOW + timedelta(seconds=1)


def test_what_has_ended_is_forgotten_when_the_next_comes(ear: Ear) -> None:
    ear.command()
    later = NOW + timedelta(hours=1)
    ear.command(now=later, id="d-2", **{"from": later.isoformat(), "until": (later + LONGEST).isoformat()})
    assert [one.id for one in ear.told().statements()] == ["d-2"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fact": "mood"}, "fact 'mood' cannot be told over MQTT - those that can are: emergency_on_task, "),
        ({"fact": "driver_present", "value": "absent"}, "fact 'driver_present' cannot be told over MQTT"),
        ({"value": "perhaps"}, "value 'perhaps' of officer_directing is none of: yes, no"),
        ({"camera_id": "cam-9"}, "camera 'cam-9' is none of this box - it has: cam-1, cam-2"),
        ({"zone_id": "q"}, "zone 'q' is none of camera cam-1 - it has: kerb, lit, dark"),
        ({"camera_id": None, "zone_id": "q"}, "statement: zone_id needs camera_id"),
        ({"until": None}, "officer_directing needs `until` - nothing holds for ever"),
        ({"until": NOW.isoformat()}, "`until` is not after `from`"),
        ({"until": (NOW + timedelta(days=8)).isoformat()}, "statement: holds for over 7 days"),
        ({"from": "2026-01-04T00:00:00Z", "until": "2026-01-05T01:58:00Z"}, "it has ended"),
        ({"from": "2026-01-13T00:00:00Z", "until": "2026-01-13T01:00:00Z"}, "`from` is over 7 days ahead"),
        ({"from": "2026-01-05T10:00:00"}, "statement.from: Input should have timezone info"),
        ({"by": ""}, "statement.by: "),
        ({"by": "duty\n7"}, "statement.by: must be printable text"),
        ({"who": "me"}, "statement.who: Extra inputs are not permitted"),
        ({"fact": "signal_state", "value": "off"}, "signal_state needs zone_id"),
        ({"fact": "signal_state", "value": "off", "zone_id": "kerb"}, "zone kerb: has no signal over mqtt"),
        ({"fact": "signal_state", "value": "off", "zone_id": "dark"}, "zone dark: has no signal over mqtt"),
        ({"fact": "signal_state", "value": "off", "zone_id": "lit"}, "zone lit hears s-7 alone"),
        ({"fact": "signal_state", "value": "off", "zone_id": "lamp", "camera_id": "cam-2"}, "has no signal over mqtt"),
    ],
)
def test_nonsense_is_refused_in_one_line_and_nothing_is_kept(
    ear: Ear, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], said: str
) -> None:
    answer = ear.command(**changes)
    assert answer is not None and (answer.id, answer.status) == ("c-1", "refused")
    assert said in answer.reason and "\n" not in answer.reason
    assert ear.facts() == ear.facts("cam-2") == []
    assert len(caplog.messages) == 1 and "not taken" in caplog.messages[0]
    ear.command(**changes)
    assert len(caplog.messages) == 1  # the same line not again


@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"[]", b"null", b'"x"', b"{}", b"[" * 3000, b'{"id": 7}', b"x" * (MAX_STATEMENT_BYTES + 1)]
)
def test_bytes_that_are_no_command_get_no_answer(ear: Ear, raw: bytes) -> None:
    assert ear.hearing.hear("sightline/v1/box-1/command", raw, NOW) is None
    assert ear.facts() == []


def test_an_unknown_command_is_answered_by_its_id(ear: Ear) -> None:
    answer = ear.hearing.hear("sightline/v1/box-1/command", b'{"id": "c-9", "command": "dance"}', NOW)
    assert answer is not None and (answer.id, answer.status) == ("c-9", "refused") and "command" in answer.reason


@given(st.binary(max_size=200))
def test_no_bytes_of_a_stranger_throw_it_over(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    ear = Ear(tmp_path_factory.mktemp("ear"))
    for topic in ("command", "sensor/s-7", "sensor/..", "ack", "sensor"):
        ear.hearing.hear(f"sightline/v1/box-1/{topic}", raw, NOW)
    assert ear.facts() == []


def test_another_boxs_topics_are_not_ours(ear: Ear) -> None:
    raw = json.dumps({"fact": "signal_state", "value": "off", "at": NOW.isoformat()}).encode()
    assert ear.hearing.hear("sightline/v1/box-2/sensor/s-7", raw, NOW) is None
    assert ear.facts() == []


def test_a_full_camera_says_so(ear: Ear) -> None:
    file = ToldFile(ear.folder / "data" / "told" / "lasting" / "cam-1.json")
    ear.command()
    (one,) = file.read()
    file.write([one.model_copy(update={"id": f"x-{n}"}) for n in range(MOST)], durable=True)
    answer = ear.command(id="one-more")
    assert answer is not None and answer.reason == f"cam-1: {MOST} statements hold already - let some end"


def test_what_is_said_of_all_cameras_reaches_all_or_none(ear: Ear) -> None:
    file = ToldFile(ear.folder / "data" / "told" / "lasting" / "cam-2.json")
    ear.command(camera_id="cam-2")
    (one,) = file.read()
    file.write([one.model_copy(update={"id": f"x-{n}"}) for n in range(MOST)], durable=True)
    answer = ear.command(id="to-all", camera_id=None)
    assert answer is not None and answer.status == "refused"
    assert ear.facts("cam-1") == []


def test_a_site_that_cannot_be_read_is_named(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    (ear.folder / "site.yaml").write_text("site: [")
    answer = ear.command()
    assert answer is not None and answer.status == "refused" and "site.yaml" in answer.reason
    ear.sensor()
    assert "site.yaml" in caplog.messages[-1]


def test_a_site_that_cannot_be_read_is_not_read_for_every_message(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    (ear.folder / "site.yaml").write_text("site: [")
    read = []

    def counted(path: Path) -> object:
        read.append(path)
        return load_site(path)

    monkeypatch.setattr("contract.sitefile.load_site", counted)
    for _ in range(5):
        ear.sensor()
    answer = ear.command()
    assert answer is not None and "site.yaml" in answer.reason and len(read) == 1
    (ear.folder / "site.yaml").write_text(json.dumps(SITE), encoding="utf-8")
    monkeypatch.setattr("edge.deliver.hearing.RETRY_S", 0.0)
    assert ear.command() == Reply(id="c-1", status="done") and len(read) == 2


def test_readings_of_a_declared_sensor_take_no_place_in_the_queue(ear: Ear) -> None:
    smoke = {"id": "smoke-01", "kind": "smoke", "place": "p"}
    (ear.folder / "site.yaml").write_text(json.dumps(SITE | {"sensors": [smoke]}), encoding="utf-8")
    link = Link(Broker(host="127.0.0.1", port=1), "box-1", threading.Event())
    link.mail.heeds = ear.hearing.heeds

    def publish(name: str) -> None:
        link._on_message(link._client, None, mqtt.MQTTMessage(topic=f"sightline/v1/box-1/{name}".encode()))

    publish("sensor/smoke-01")
    (first,) = link.mail.readings.take(1)
    assert ear.hearing.hear(*first, NOW) is None
    for _ in range(2 * MOST_TOLD):
        publish("sensor/smoke-01")
    assert not link.mail.readings
    for name in ("sensor/s-7", "command"):
        publish(name)
    assert (len(link.mail.readings), link.mail.commands.qsize()) == (1, 1)


def test_a_disk_that_refuses_is_told(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.told.write_durable", full)
    answer = ear.command()
    assert answer is not None and answer.status == "refused" and "free space on the disk" in answer.reason


# Signals


def test_a_controller_named_by_the_site_need_not_know_the_crossing(ear: Ear) -> None:
    ear.sensor()
    told = ear.told()
    assert told.signals(NOW - timedelta(milliseconds=1)) == {}
    assert told.signals(NOW + timedelta(milliseconds=300)) == {"lit": "vehicle_green"}
    assert told.signals(NOW + timedelta(milliseconds=400)) == {}  # given once: the rule holds it for 2 s
    assert ear.told().signals(NOW + timedelta(seconds=2.1)) == {}
    assert ear.told("cam-2").signals(NOW) == {}


def test_the_newest_word_counts_and_one_with_an_end_holds_until_it(ear: Ear) -> None:
    at = {"camera_id": "cam-2", "zone_id": "open"}
    ear.sensor("s-8", until=(NOW + timedelta(seconds=20)).isoformat(), **at)
    told = ear.told("cam-2")
    for second in (0.0, 5.0, 9.9):
        assert told.signals(NOW + timedelta(seconds=second)) == {"open": "vehicle_green"}
    ear.sensor("s-8", NOW + timedelta(seconds=10), value="pedestrian_green", **at)
    assert told.signals(NOW + timedelta(seconds=10)) == {"open": "pedestrian_green"}
    assert told.signals(NOW + timedelta(seconds=11)) == {}
    assert ear.told("cam-2").signals(NOW + timedelta(seconds=9)) == {"open": "vehicle_green"}  # a look that came late


def test_what_has_ended_tells_nothing(ear: Ear) -> None:
    ear.sensor(until=(NOW + timedelta(seconds=20)).isoformat())
    assert ear.told().signals(NOW + timedelta(seconds=20)) == {}


def test_two_controllers_that_contradict_each_other_tell_nothing(ear: Ear) -> None:
    for sensor, value in (("s-8", "vehicle_green"), ("s-9", "pedestrian_green")):
        ear.sensor(sensor, value=value, camera_id="cam-2", zone_id="open")
    assert ear.told("cam-2").signals(NOW) == {}


@pytest.mark.parametrize(
    ("tell", "said"),
    [
        (lambda ear: ear.sensor("s-9"), "no crossing names it as its signal's topic"),
        (lambda ear: ear.sensor("s-9", camera_id="cam-1", zone_id="lit"), "zone lit hears s-7 alone"),
        (lambda ear: ear.sensor(now=NOW + timedelta(seconds=61)), "its clock is -61 s from this box's - set it"),
        (lambda ear: ear.sensor(value="green"), "value 'green' of signal_state is none of"),
        (lambda ear: ear.sensor(fact="officer_directing", value="yes"), "officer_directing needs `until`"),
        (lambda ear: ear.sensor(until=(NOW + LONGEST + timedelta(seconds=1)).isoformat()), "holds for over 7 days"),
        # The name of a statement is cut at 100 signs, and here it would end in a blank.
        (lambda ear: ear.sensor(plate="x" * 55 + " x" * 22), "sensor s-7: id: must be printable"),
    ],
)
def test_a_sensor_that_talks_nonsense_is_told_in_the_log(
    ear: Ear, caplog: pytest.LogCaptureFixture, tell: Callable[[Ear], None], said: str
) -> None:
    tell(ear)
    assert len(caplog.messages) == 1 and said in caplog.messages[0]
    assert ear.facts() == ear.facts("cam-2") == []


def test_a_sensor_tells_other_facts_as_well(ear: Ear) -> None:
    end = (NOW + timedelta(minutes=1)).isoformat()
    ear.sensor("trailer", fact="works_vehicle", value="yes", plate="沪A12345", camera_id="cam-1", until=end)
    assert ear.facts() == [("works_vehicle", "yes", "sensor trailer")]


def test_a_file_that_cannot_be_read_tells_nothing_and_is_named_once(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    ear.command()
    path = ear.folder / "data" / "told" / "lasting" / "cam-1.json"
    path.write_bytes(b"[{")
    told = ear.told()
    assert told.statements() == told.statements() == ()
    assert len([line for line in caplog.messages if "is unknown" in line]) == 1
    assert ear.command() == Reply(id="c-1", status="done")
    assert len(told.statements()) == 1


def test_what_was_not_heard_is_told_once_a_minute_with_its_number(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    for second, lost in ((0, 0), (1, 3), (2, 900), (62, 1000), (130, 1000)):
        ear.clock = 1000.0 + second
        ear.hearing.overrun(lost)
    said = "messages came faster than this box takes them - not heard"
    assert caplog.messages == [f"3 {said}", f"997 {said}"]


def test_a_clock_on_the_wall_that_is_set_back_silences_no_complaint(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    for moment in (NOW, NOW - timedelta(days=1)):
        ear.hearing.hear("sightline/v1/box-1/sensor/s-7", b"[]", moment)
        ear.clock += 61
    assert len(caplog.messages) == 2
