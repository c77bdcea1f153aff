"""Facts over a real broker: a person's command and a device's reading -> deliver's process -> the camera's decision."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import yaml
from deliver_peers import Box, Mosquitto, publish_as, until
from paho.mqtt.enums import CallbackAPIVersion

from contract.events import Clock, CloudEvent, parse_data
from contract.sitefile import load_site
from edge.analysis import Analysis, Judged
from edge.frames import Detections
from edge.judgement import Place, law_of
from edge.rules.decision import Outcome
from edge.told import Told
from sightline.broker import EmbeddedBroker
from tests.scenes.crossing import steady, walker
from tests.scenes.street import VIEW, Street
from tests.scenes.world import World

USERS = {"central": "c-secret-74a1", "box-1": "b-secret-90f3", "signal-7": "s-secret-5d20"}
ACL = "\nuser signal-7\ntopic write sightline/v1/box-1/sensor/signal-7\n"
#: Somebody walks over the crossing while a car that could have stopped drives on (t2 = 6 s).
SCENES = list(World(VIEW, [steady(1, "l1"), walker(50, (1.2, 4.5), (8.0, -3.6))]).scenes(0.0, 14.0, 12.5))


class Desk:
    """The control room: sends commands, hears replies."""

    def __init__(self, port: int) -> None:
        self.replies: list[dict[str, Any]] = []
        ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="desk", protocol=mqtt.MQTTv5)
        self._client.username_pw_set("central", USERS["central"])
        self._client.on_connect = lambda client, *_: client.subscribe("sightline/v1/+/reply", qos=1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = lambda _c, _d, message: self.replies.append(json.loads(message.payload))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(ready.is_set, 20, "the desk is subscribed")

    def say(self, fact: str, begin: datetime, **more: Any) -> dict[str, Any]:
        """Send it until it is answered, as one does who hears nothing."""
        said = {"id": fact, "fact": fact, "value": "yes", "by": "duty-7", "from": begin.isoformat()}
        said |= {"until": (begin + timedelta(minutes=5)).isoformat()} | more
        before = len(self.replies)
        raw = json.dumps({"id": "c-1", "command": "tell_fact", "statement": said})

        def answered() -> bool:
            self._client.publish("sightline/v1/box-1/command", raw, qos=1).wait_for_publish(5)
            return len(self.replies) > before

        until(answered, 30, "the box answers")
        return self.replies[-1]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(params=["embedded", "mosquitto"])
def port(request, tmp_path, free_port) -> Iterator[int]:
    if request.param == "embedded":
        with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
            yield free_port
        return
    broker = Mosquitto(tmp_path / "broker", free_port, USERS)
    with (tmp_path / "broker" / "acl").open("a") as acl:
        acl.write(ACL)
    broker.start()
    yield free_port
    broker.kill()


@pytest.fixture
def desk(port: int) -> Iterator[Desk]:
    one = Desk(port)
    yield one
    one.close()


@pytest.fixture
def box(tmp_path: Path, port: int) -> Iterator[Box]:
    one = Box(tmp_path / "box", port, USERS["box-1"])
    site = {"site": "s", "name": "s", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default"}
    signals = {"cam": "none", "lit": {"source": "mqtt", "topic": "signal-7"}}
    cameras = [
        Street(signal=signal).camera().model_copy(update={"id": name}).model_dump(mode="json", exclude_none=True)
        for name, signal in signals.items()
    ]
    one.config.with_name("site.yaml").write_text(yaml.dump(json.loads(json.dumps({**site, "cameras": cameras}))))
    one.start()
    yield one
    one.kill()


def worker(box: Box, camera_id: str, begin: datetime) -> tuple[list[Judged], list[CloudEvent]]:
    """What the camera's worker makes of the scene whose second 0 is `begin`: decisions on vehicle 1, and events."""
    site = load_site(box.config.with_name("site.yaml"))
    place = Place("box-1", site, site.site.camera(camera_id), law_of(site))
    told = Told(box.data / "told", camera_id)
    analysis = Analysis(place, lambda t: begin + timedelta(seconds=t), lambda: Clock(source="file"), told=told)
    outputs = []
    for scene in SCENES:
        seen = Detections(scene.tracks.boxes, scene.tracks.scores, scene.tracks.classes)
        outputs += analysis.seen(scene.t, seen)
    judged = [one for one in [*outputs, *analysis.finish()] if isinstance(one, Judged)]
    return judged, [one.event for one in judged if one.event is not None]


def facts_of(event: CloudEvent) -> Any:
    data = parse_data(event)
    assert data is not None
    return data.facts


def test_an_officer_at_the_crossing_acquits_and_the_box_remembers_it(box: Box, desk: Desk) -> None:
    begin = datetime.now(UTC)
    _, before = worker(box, "cam", begin)
    assert [facts_of(event)["officer_directing"].value for event in before] == ["unknown"]
    assert desk.say("officer_directing", begin, camera_id="cam", zone_id="zebra") == {
        "id": "c-1",
        "status": "done",
        "reason": "",
    }
    box.kill()  # a restart forgets nothing
    box.start()
    (judged,), events = worker(box, "cam", begin)
    assert events == []
    assert judged.decision.outcome is Outcome.SUPPRESSED
    assert "officer_directing is yes, said by duty-7" in judged.decision.reason
    assert judged.decision.facts["officer_directing"].at == begin
    assert len(worker(box, "cam", begin + timedelta(minutes=6))[1]) == 1  # it is over


def test_an_emergency_without_a_plate_is_asked_in_the_words_of_who_said_it(box: Box, desk: Desk) -> None:
    begin = datetime.now(UTC)
    assert desk.say("emergency_on_task", begin)["status"] == "done"
    (event,) = worker(box, "cam", begin)[1]
    data = parse_data(event)
    assert data is not None and data.verdict == "needs_human"
    assert [one.fact for one in data.unknown] == ["emergency_on_task"]
    assert "duty-7 said that emergency_on_task is yes" in data.unknown[0].question
    said = data.facts["emergency_on_task"]
    assert (said.value, said.source, said.by, said.at) == ("unknown", "mqtt", "duty-7", begin)


def test_nonsense_is_answered_and_in_the_log_in_one_line(box: Box, desk: Desk) -> None:
    answer = desk.say("driver_present", datetime.now(UTC), value="absent")
    assert answer["status"] == "refused" and "cannot be told over MQTT" in answer["reason"]
    until(lambda: "not taken" in box.told(), 10)
    assert "Traceback" not in box.told()


def test_a_signal_controller_tells_the_light_second_by_second(box: Box, desk: Desk, port: int) -> None:
    desk.say("officer_directing", datetime.now(UTC), camera_id="cam")  # the box is subscribed
    begin = datetime.now(UTC)
    (unlit,) = worker(box, "lit", begin)[1]
    assert [one.fact for one in parse_data(unlit).unknown] == ["signal_state"]

    def tell(value: str, *seconds: float) -> None:
        for second in seconds:
            at = (begin + timedelta(seconds=second)).isoformat()
            raw = json.dumps({"fact": "signal_state", "value": value, "at": at}).encode()
            said = publish_as(port, "signal-7", USERS["signal-7"], "sightline/v1/box-1/sensor/signal-7", raw)
            assert "Success" in said
        last = begin + timedelta(seconds=seconds[-1])
        until(lambda: last in {one.valid_from for one in Told(box.data / "told", "lit").statements()}, 20)

    tell("pedestrian_green", 3.0, 4.0, 5.0)
    (red,) = worker(box, "lit", begin)[1]
    light = facts_of(red)["signal_state"]
    assert (light.value, light.source, light.by) == ("pedestrian_green", "mqtt", "sensor signal-7")
    assert light.at == begin + timedelta(seconds=5) and not parse_data(red).unknown
    tell("vehicle_green", 5.5)
    (green,), events = worker(box, "lit", begin)
    assert events == [] and "light was green" in green.decision.reason
