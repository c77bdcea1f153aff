"""A central that is slow, behind a real broker: what was promised is answered, however much comes, and nobody hangs up."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from central_kit import Box, decision, intake_of, key_of, open_db, violation
from deliver_peers import Mosquitto, until
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from central.api.health import router
from central.config import Broker, Ingest
from central.db.database import Database
from central.ingest import receiver as receiving
from central.ingest.admit import Message
from central.ingest.intake import Intake, Result
from central.ingest.receiver import Receiver
from central.metrics import Metrics
from contract.sealing import JWS_PROPERTY

USERS = {"central": "c-secret-74a1", "edge-01": "e-secret-90f3", "edge-66": "i-secret-5d20"}
#: Mosquitto hangs up on whoever says nothing for one and a half of these.
KEEPALIVE_S = 1


class SlowIntake(Intake):
    """The real one; it waits for `open`, and then for `pause_s` before each batch."""

    def __init__(self, db: Database, metrics: Metrics, pause_s: float) -> None:
        super().__init__(db, metrics, 100_000)
        self.open, self._pause_s = threading.Event(), pause_s

    def take(self, batch: Sequence[Message], *, apart: bool = False) -> list[Result]:
        self.open.wait(60)
        time.sleep(self._pause_s)
        return super().take(batch, apart=apart)


@dataclass
class Central:
    """Ingest alone, with what it counts."""

    db: Database
    metrics: Metrics
    intake: SlowIntake
    receiver: Receiver

    def told(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"sightline_central_{name}", labels) or 0.0

    def health(self) -> str:
        (route,) = (one for one in router(self.db, self.metrics, self.receiver).routes if one.path == "/healthz")
        return route.endpoint().body.decode()


@pytest.fixture
def port(tmp_path: Path, free_port: int) -> Iterator[int]:
    broker = Mosquitto(tmp_path / "broker", free_port, USERS)
    broker.start()
    yield free_port
    broker.kill()


@pytest.fixture
def central(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Ingest, float], Central]]:
    monkeypatch.setattr(receiving, "KEEPALIVE_S", KEEPALIVE_S)
    secret = tmp_path / "central.password"
    secret.write_text(USERS["central"])
    made: list[Central] = []

    def make(ingest: Ingest, pause_s: float) -> Central:
        db = open_db(tmp_path)
        metrics = Metrics(db)
        intake = SlowIntake(db, metrics, pause_s)
        broker = Broker(port=port, username="central", password_file=secret)
        one = Central(db, metrics, intake, Receiver(broker, ingest, intake, metrics))
        made.append(one)
        one.receiver.start()
        until(lambda: one.receiver.connected, 20, "central is connected")
        time.sleep(0.3)
        return one

    yield make
    for one in made:
        one.intake.open.set()
        one.receiver.stop()
        one.db.close()


def client(port: int, name: str) -> mqtt.Client:
    one = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
    one.username_pw_set(name, USERS[name])
    one.max_queued_messages_set(0)
    one.connect("127.0.0.1", port)
    one.loop_start()
    until(one.is_connected, 20, f"{name} is connected")
    return one


def test_every_message_that_asks_for_it_is_answered_however_long_central_takes(port: int, central) -> None:
    here = central(Ingest(in_flight=5, batch=5), 0.0)
    box = client(port, "edge-66")
    for number in range(2000):
        box.publish("sightline/v1/edge-66/event", b"%06d" % number + b"x" * 3000, qos=1)
    # The database is away for several keep-alives.
    time.sleep(5 * KEEPALIVE_S)
    assert '"broker":"connected"' in here.health()
    assert here.told("ingest_queue") <= 11
    here.intake.open.set()
    until(lambda: here.told("events_total", outcome="refused") == 2000, 60, "all are answered")
    assert here.receiver._connections == 1, "the broker hung up"
    assert here.told("ingest_dropped_total", qos="0") == here.told("ingest_dropped_total", qos="1") == 0
    box.disconnect()
    box.loop_stop()


def test_a_flood_of_one_box_does_not_cost_another_its_events(port: int, central) -> None:
    here = central(Ingest(in_flight=20, batch=10), 0.05)
    voice = Box()
    voice.enrol(here.db)
    messages = [decision(voice, violation(passage=f"p{one}", case_key=key_of(f"p{one}"))) for one in range(60)]
    here.intake.open.set()
    box, flooding = client(port, "edge-01"), client(port, "edge-66")
    heard: list[bytes] = []
    box.on_message = lambda _client, _data, message: heard.append(message.payload)
    box.subscribe("sightline/v1/edge-01/ack")
    for message in messages:
        for number in range(100):
            flooding.publish("sightline/v1/edge-66/event", b"%06d" % number + b"x" * 300, qos=0)
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = (JWS_PROPERTY, message.jws)
        box.publish(message.topic, message.raw, 1, properties=properties)
    until(lambda: len(heard) == len(messages), 60, "every event is answered, and none twice")
    assert all(b'"stored"' in one for one in heard)
    assert here.told("events_total", outcome="stored") == len(messages)
    assert here.told("ingest_dropped_total", qos="0") > 0, "there was no flood"
    assert here.told("ingest_dropped_total", qos="1") == 0
    for one in (box, flooding):
        one.disconnect()
        one.loop_stop()


def test_a_type_that_postgresql_cannot_keep_is_refused(tmp_path: Path) -> None:
    db, box = open_db(tmp_path), Box()
    box.enrol(db)
    one = json.loads(decision(box, violation()).raw)
    forged = box.seal(json.dumps(one | {"type": "a\0b"}).encode())
    (result,) = intake_of(db).take([forged])
    assert (result.outcome, result.ack.reason) == (
        "refused",
        "the event holds a number that is none, or text that is none",
    )
    db.close()
