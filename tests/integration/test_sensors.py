"""Sensors over a real broker to a ticket at a real central: gateway -> box (sensors, deliver) -> central -> the page.

The brokers are Debian's mosquitto with the shipped settings and access list, the processes the real ones, and the site
file the shipped example as it is.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml
from deliver_peers import ROOT, Box, Mosquitto, publish_as, until
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select

from central.config import Broker, Ingest
from central.db import migrate
from central.db.alarms import Alarm
from central.db.database import Database
from central.db.events import Event
from central.edges import enrolment
from central.ingest.intake import Intake
from central.ingest.receiver import Receiver
from central.metrics import Metrics
from contract.sealing import public_jwk, sign_detached
from edge.sensors import payload

USERS = {
    "central": "c-secret-74a1", "box-1": "b-secret-90f3", "box-2": "o-secret-11c7",
    "gw-a": "g-secret-22b8", "gw-underpass": "s-secret-5d20",
}  # fmt: skip
EXAMPLE = ROOT / "configs" / "sites" / "underpass.yaml"


def examples(acl: str) -> str:
    """The users of gateways that the shipped access list shows in its comments, as an operator uncomments them."""
    lines = re.findall(r"^#   ((?:user|topic) .*)$", acl, re.M)
    return "\n" + "\n".join(lines) + "\n"


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[Mosquitto]:
    one = Mosquitto(tmp_path / "broker", free_port, USERS)
    acl = tmp_path / "broker" / "acl"
    given = examples(acl.read_text())
    assert "user gw-a\ntopic write sightline/v1/box-1/sensor/water-01\n" in given
    assert "user gw-underpass\n" in given
    acl.write_text(acl.read_text() + given)
    one.port = free_port  # type: ignore[attr-defined]
    one.start()
    yield one
    one.kill()


class Sensors:
    """The box's process that judges sensors."""

    def __init__(self, box: Box) -> None:
        self.box, self.log, self.process = box, box.config.with_name("sensors.log"), None

    def start(self) -> None:
        before = self.told().count("sensors are heard")
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge.sensors.process", "--config", str(self.box.config)],
                cwd=ROOT, stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        until(lambda: self.listening() or self.told().count("sensors are heard") > before, 60, "sensors are heard")

    def listening(self) -> bool:
        try:
            beat = json.loads((self.box.data / "run" / "sensors.json").read_bytes())
        except (OSError, ValueError):
            return False
        return beat["pid"] == self.process.pid and beat["listening"]

    def told(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


class Field:
    """A box with its deliver and sensors, and central that takes what it seals."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.box = Box(folder / "box", port, USERS["box-1"])
        self.site = self.box.config.with_name("site.yaml")
        shutil.copyfile(EXAMPLE, self.site)
        secret = folder / "central-password"
        secret.write_text(USERS["central"])
        secret.chmod(0o600)
        self.db = Database(f"sqlite:///{folder / 'central.sqlite'}")
        migrate.upgrade(self.db)
        key = self.box.ring.load()
        with self.db.write() as session:
            code = enrolment.issue_code(session, "box-1")
        proof = sign_detached(f"{code}:box-1".encode(), key)
        enrolment.enrol(self.db, enrolment.Application(code, "box-1", public_jwk(key), proof), "127.0.0.1")
        meet = Broker(host="127.0.0.1", port=port, username="central", password_file=secret)
        metrics = Metrics(self.db)
        self.receiver = Receiver(meet, Ingest(), Intake(self.db, metrics, 100), metrics)
        self.receiver.start()
        self.box.start()
        self.sensors = Sensors(self.box)

    def say(self, sensor: str, value: object, ago: float | None = 0.0, retain: bool = False, **more: object) -> None:
        """A gateway publishes a reading that was taken so many seconds ago; None: it does not say when."""
        said = {"value": value, **more}
        if ago is not None:
            said["at"] = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="", protocol=mqtt.MQTTv5)
        client.username_pw_set("gw-a", USERS["gw-a"])
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        client.publish(f"sightline/v1/box-1/sensor/{sensor}", json.dumps(said), qos=1, retain=retain).wait_for_publish(
            9
        )
        client.disconnect()
        client.loop_stop()

    def alarms(self) -> dict[tuple[str, str], Alarm]:
        with self.db.read() as session:
            found = session.execute(select(Alarm)).scalars().all()
        keyed = {(one.sensor_id, one.matter): one for one in found}
        assert len(keyed) == len(found), "one matter is one ticket"
        return keyed

    def close(self) -> None:
        if self.sensors.process is not None:
            self.sensors.end()
        self.box.kill()
        self.receiver.stop()
        self.db.close()


@pytest.fixture
def field(tmp_path: Path, broker: Mosquitto) -> Iterator[Field]:
    one = Field(tmp_path, broker.port)  # type: ignore[attr-defined]
    yield one
    one.close()


class Node:
    """A gateway that speaks Sparkplug B: born again when it is asked."""

    def __init__(self, port: int) -> None:
        self.asked = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="", protocol=mqtt.MQTTv311)
        self._client.username_pw_set("gw-underpass", USERS["gw-underpass"])
        self._client.on_connect = lambda client, *_: client.subscribe("spBv1.0/box-1/NCMD/gw-underpass")
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = self._told
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(ready.is_set, 20, "the node hears commands")

    def _told(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        assert payload.read(message.payload).metrics[0].name == "Node Control/Rebirth"
        self.asked += 1
        self.send("NBIRTH", "bdSeq", None, 0)
        self.send("DBIRTH", "Open", 5, False)

    def send(self, kind: str, name: str | None, alias: int | None, value: bool | int) -> None:
        said = payload.fresh()
        said.timestamp = int(time.time() * 1000)
        metric = said.metrics.add()
        if name:
            metric.name = name
        if alias is not None:
            metric.alias = alias
        metric.boolean_value = bool(value)
        device = "/cover-07" if kind.startswith("D") else ""
        self._client.publish(f"spBv1.0/box-1/{kind}/gw-underpass{device}", bytes(said.SerializeToString()), qos=0)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_the_example_runs_as_it_is_and_four_kinds_of_readings_become_tickets_that_end(field: Field) -> None:
    field.say("water-01", 99, ago=None, retain=True)  # kept by the broker since nobody knows when
    node = Node(field.port)
    field.sensors.start()
    until(lambda: node.asked, 30, "the node is asked to be born again")
    for ago, metres in ((45, 0.28), (40, 0.33), (25, 0.41), (25, 0.41), (8, 0.36)):
        field.say("water-01", metres, ago, unit="m")
    field.say("smoke-01", True)
    node.send("DDATA", None, 5, True)
    wanted = {("water-01", "raised"), ("smoke-01", "raised"), ("manhole-07", "raised")}
    until(lambda: set(field.alarms()) == wanted, 60, "three tickets")
    water = field.alarms()["water-01", "raised"]
    assert (water.state, water.kind, water.peak, water.unit) == ("OPEN", "water_level", 41.0, "cm")
    assert water.at_trigger - water.at_first == pytest.approx(timedelta(seconds=32), abs=timedelta(seconds=2))
    assert "is an old message that the broker kept" in field.sensors.told()
    field.say("smoke-01", False)
    node.send("DDATA", None, 5, False)
    until(
        lambda: [field.alarms()[name, "raised"].state for name in ("smoke-01", "manhole-07")] == ["ENDED"] * 2,
        60,
        "over",
    )
    assert field.alarms()["water-01", "raised"].state == "OPEN"
    with field.db.read() as session:
        rows = session.execute(select(Event).where(Event.type.like("sightline.sensor.%"))).scalars().all()
    assert len(rows) == 5 and all(row.sealed and row.chain_state != "broken" for row in rows)
    assert "not taken" not in field.box.log.read_text(), "deliver leaves declared sensors to those who judge them"
    node.close()
    assert field.sensors.end() == 0


@pytest.mark.long
def test_killed_at_any_moment_one_flood_is_one_ticket_and_its_end_ends_it(field: Field) -> None:
    """-9 between readings, in the wait, after the alarm, and in the wait for its end; the gateway repeats itself."""
    site = yaml.safe_load(EXAMPLE.read_text())
    site["sensors"][0] |= {"clear_for_s": 4}
    field.site.write_text(yaml.safe_dump(site, allow_unicode=True))
    field.sensors.start()
    for ago, value in ((50, 31), (35, 33)):
        field.say("water-01", value, ago)
    kept = field.box.data / "sensors" / "water-01.json"
    until(lambda: kept.exists() and json.loads(kept.read_bytes())["state"]["wait"], 30, "the wait is on disk")
    field.sensors.end(signal.SIGKILL)
    field.sensors.start()
    field.say("water-01", 33, 35)
    field.say("water-01", 44, 10)
    until(lambda: field.alarms(), 60, "the ticket")
    field.sensors.end(signal.SIGKILL)
    field.sensors.start()
    field.say("water-01", 45, 8)
    field.say("water-01", 12, 6)
    field.say("water-01", 12, 0)
    until(lambda: field.alarms()["water-01", "raised"].state == "ENDED", 60, "over")
    (ticket,) = field.alarms().values()
    assert (ticket.how, ticket.peak) == ("cleared", 45.0)


@pytest.mark.long
def test_a_sensor_nobody_hears_is_a_ticket_unless_the_box_itself_is_cut_off(field: Field, broker: Mosquitto) -> None:
    site = yaml.safe_load(EXAMPLE.read_text())
    site["sensors"] = [site["sensors"][0] | {"silent_after_s": 5}]
    field.site.write_text(yaml.safe_dump(site, allow_unicode=True))
    field.sensors.start()
    field.say("water-01", 5)
    until(lambda: json.loads((field.box.data / "run" / "sensors.json").read_bytes())["sensors"]["water-01"]["read_at"],
          30, "it is heard")  # fmt: skip
    broker.kill()
    time.sleep(8)  # longer than the silence: the box hears nobody, and blames nobody
    assert (
        not list((field.box.data / "sensors").glob("*.json"))
        or '"silent":null' in (field.box.data / "sensors" / "water-01.json").read_text()
    )
    broker.start()
    field.say("water-01", 99, ago=3600)  # a gateway whose clock is wrong says nothing of now
    until(lambda: ("water-01", "silent") in field.alarms(), 60, "the ticket")
    field.say("water-01", 6)
    until(lambda: field.alarms()["water-01", "silent"].state == "ENDED", 60, "heard again")
    assert set(field.alarms()) == {("water-01", "silent")}


def test_a_gateway_reaches_its_own_sensors_and_nothing_else(broker: Mosquitto) -> None:
    def answer(user: str, topic: str) -> str:
        return publish_as(broker.port, user, USERS[user], topic, b"{}")  # type: ignore[attr-defined]

    for topic in ("sensor/water-01", "sensor/smoke-01"):
        assert answer("gw-a", f"sightline/v1/box-1/{topic}") in {"Success", "No matching subscribers"}
    for topic in ("sensor/manhole-07", "sensor/water-02", "event", "command", "ack", "status", "camera/cam-1/status"):
        assert answer("gw-a", f"sightline/v1/box-1/{topic}") == "Not authorized", topic
    assert answer("gw-a", "sightline/v1/box-2/sensor/water-01") == "Not authorized"
    assert answer("gw-underpass", "spBv1.0/box-1/DDATA/gw-underpass/cover-07") in {"Success", "No matching subscribers"}
    for topic in ("spBv1.0/box-1/DDATA/gw-other/cover-07", "spBv1.0/box-2/NDATA/gw-underpass", "spBv1.0/box-1/NCMD/x"):
        assert answer("gw-underpass", topic) == "Not authorized", topic
    assert answer("gw-underpass", "sightline/v1/box-1/sensor/water-01") == "Not authorized"
    assert answer("box-2", "sightline/v1/box-1/sensor/water-01") == "Not authorized"
    assert answer("box-2", "spBv1.0/box-1/NCMD/gw-underpass") == "Not authorized"
