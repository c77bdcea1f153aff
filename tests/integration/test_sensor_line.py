"""The connection on which a box hears its sensors, over lines that fall silent and packets that cannot be read."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from deliver_peers import ROOT, until
from paho.mqtt.enums import CallbackAPIVersion

from contract.settings import Broker
from contract.sitefile import load_site
from edge.config import load_config
from edge.deliver import enduring
from edge.deliver.link import Link
from edge.deliver.spool import Spool
from edge.sensors import intake as connection
from edge.sensors.intake import Intake
from edge.sensors.process import Sensors
from sightline.broker import EmbeddedBroker
from tests.bench.chaos_proxy import Line, Proxy

USERS = {"box-1": "b-secret-90f3"}
SITE = ROOT / "configs" / "sites" / "underpass.yaml"
CONNACK, SUBACK = b"\x20\x03\x00\x00\x00", b"\x90\x04\x00\x01\x00\x01"
#: A PUBLISH of QoS 0 whose topic is no UTF-8.
UNREADABLE = b"\x30\x05\x00\x02\xff\xfe\x00"


@pytest.fixture
def line(tmp_path: Path, free_port: int) -> Iterator[Line]:
    """A line to a real broker, which can fall silent without a word."""
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        proxy = Proxy()
        yield proxy.line("box", [free_port])
        proxy.close()


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(USERS["box-1"])
    file.chmod(0o600)
    return file


def say(port: int, sensor: str, value: object) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="", protocol=mqtt.MQTTv5)
    client.username_pw_set("box-1", USERS["box-1"])
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish(f"sightline/v1/box-1/sensor/{sensor}", json.dumps({"value": value}), qos=1).wait_for_publish(9)
    client.disconnect()
    client.loop_stop()


def test_a_cable_that_is_pulled_blames_no_sensor_and_vouches_for_none(
    tmp_path: Path, line: Line, free_port: int, password: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bay is taken, the line falls silent, the bay is left unheard: no silence and no alarm come of it."""
    monkeypatch.setattr(connection, "KEEPALIVE_S", 3)
    site = tmp_path / "site.yaml"
    text = SITE.read_text(encoding="utf-8")
    assert "silent_after_s: 4500" in text and "for_s: 900" in text
    site.write_text(text.replace("silent_after_s: 4500", "silent_after_s: 2.5").replace("for_s: 900", "for_s: 1"))
    config = tmp_path / "edge.yaml"
    config.write_text(
        f"edge_id: box-1\nsites: [{site}]\ndata_dir: data\n"
        f"broker: {{host: 127.0.0.1, port: {line.port}, username: box-1, password_file: {password}}}\n"
    )
    sensors, ended = Sensors(load_config(config), "sensors"), list[int]()
    loop = threading.Thread(target=sensors.run, args=(ended,))
    loop.start()
    try:
        until(lambda: sensors._intake.listening, 20, "the box listens")
        say(free_port, "bay-12", True)
        bay = sensors._watches["bay-12"]
        until(lambda: bay.readings == 1, 10, "the bay is taken")
        line.stall(True)
        came = sensors._intake.line
        assert came is not None
        pulled, epoch = time.monotonic(), sensors._intake.epoch
        until(lambda: not sensors._intake.listening, 20, "the loss is found")
        assert time.monotonic() - pulled > 3.5, "for so long it looked well"
        assert bay._state.last is not None and bay._state.raised is None and bay._state.silent is None
        assert bay._state.unheard_s <= came.heard - came.granted + 0.5
        line.stall(False)
        until(lambda: sensors._intake.epoch > epoch, 20, "met anew")
        time.sleep(1.0)
        assert bay._state.wait is None and bay._state.silent is None and bay._state.raised is None
        until(lambda: bay._state.silent is not None, 20, "a sensor that is silent while the box listens")
    finally:
        ended.append(15)
        loop.join(20)
    assert [one.item.event.data["matter"] for one in Spool(tmp_path / "data" / "spool").take()] == ["silent"]


class Rogue:
    """A broker that takes everybody in and passes on, once, a packet that nobody can read."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.spoil = threading.Event()
        self.met = 0
        self._ended = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._ended = True
        self._server.close()

    def _serve(self) -> None:
        while not self._ended:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        self.met += 1
        client.settimeout(0.05)
        with closing(client):
            while not self._ended:
                try:
                    said = client.recv(4096)
                except TimeoutError:
                    said = b" "
                except OSError:
                    return
                if not said:
                    return
                if said[:1] == b"\x10":
                    client.sendall(CONNACK)
                elif said[:1] == b"\x82":
                    client.sendall(SUBACK[:1] + (bytes([3 + self._topics(said)]) + said[2:4] + b"\x00"
                                                 + b"\x01" * self._topics(said)))  # fmt: skip
                if self.spoil.is_set():
                    self.spoil.clear()
                    client.sendall(UNREADABLE)

    @staticmethod
    def _topics(subscribe: bytes) -> int:
        """How many topics a SUBSCRIBE of MQTT 5 without properties names."""
        place, count = 5, 0
        while place < 2 + subscribe[1]:
            place, count = place + 3 + int.from_bytes(subscribe[place : place + 2]), count + 1
        return count


@pytest.fixture
def rogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rogue]:
    monkeypatch.setattr(enduring, "AFTER_UNREADABLE_S", 0.6)
    one = Rogue()
    yield one
    one.close()


def test_deliver_is_not_connected_between_a_packet_it_cannot_read_and_the_next_connection(rogue: Rogue) -> None:
    link = Link(Broker(host="127.0.0.1", port=rogue.port), "box-1", threading.Event())
    link.start()
    try:
        until(lambda: link.connected, 20, "connected")
        rogue.spoil.set()
        until(lambda: not link.connected, 10, "the connection is said to be gone")
        assert link.problem is not None and link.publish_camera("cam-1", b"{}") is False
        until(lambda: link.connected, 20, "met anew")
        assert link.epoch == 2 and rogue.met == 2
    finally:
        link.stop()


def test_sensors_are_not_heard_between_a_packet_that_cannot_be_read_and_the_next_connection(rogue: Rogue) -> None:
    sensors = [one for one in load_site(SITE).site.sensors if one.sparkplug is None]
    intake = Intake(Broker(host="127.0.0.1", port=rogue.port), "box-1", sensors, threading.Event())
    intake.start()
    try:
        until(lambda: intake.listening, 20, "listening")
        rogue.spoil.set()
        until(lambda: intake.line is None, 10, "the line is gone")
        until(lambda: intake.listening, 20, "met anew")
        assert intake.epoch == 2 and rogue.met == 2
        rogue.spoil.set()
        until(lambda: intake.line is None, 10, "the line is gone once more")
    finally:
        intake.stop()
    time.sleep(1.0)
    assert rogue.met == 2, "who left does not come back"
