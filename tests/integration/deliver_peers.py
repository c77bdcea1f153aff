"""The world around deliver, for its tests: a subscriber that acknowledges, a receiver of media, boxes and brokers.

The brokers and the process under test are the real ones. The subscriber stands where central's ingest stands in
production, and notes everything it was sent.
"""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from contract.events import Ack, CloudEvent, EventType, Feed, Image, Manifest, Video, new_event
from contract.sealing import sha256_hex
from contract.topics import ALL_CAMERA_STATUS, ALL_STATUS, SHARED_EVENTS, EdgeTopics, edge_id_of
from edge.deliver.keys import KeyRing
from edge.deliver.spool import Spool

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


def until(true: Callable[[], object], timeout_s: float = 60.0, what: str = "") -> None:
    """Wait until `true()`; fail after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {timeout_s:.0f} s: {what or true}")
        time.sleep(0.05)


def feed(edge_id: str, camera: str, cause: str) -> CloudEvent:
    """A small event of a camera."""
    data = Feed(edge_id=edge_id, camera_id=camera, state="lost", cause=cause)
    return new_event(EventType.FEED, f"/edge/{edge_id}/camera/{camera}", AT, data)


def manifest(edge_id: str, camera: str, still: bytes, clip: bytes) -> CloudEvent:
    """Evidence with one still and one clip."""
    image = Image(role="far", moment="trigger", t=1.0, at=AT, w=64, h=48, sha256=sha256_hex(still), bytes=len(still))
    video = Video(t0=0.0, t1=2.0, at0=AT, fps=25, codec="h264", w=64, h=48, sha256=sha256_hex(clip), bytes=len(clip))
    data = Manifest(case_key="a" * 64, edge_id=edge_id, camera_id=camera, images=[image], video=video)
    return new_event(EventType.MANIFEST, f"/edge/{edge_id}/camera/{camera}", AT, data)


class Subscriber:
    """Reads events from the shared subscription and acknowledges them, as central does after its commit."""

    def __init__(self, port: int, password: str, answer: str = "stored") -> None:
        self.received: list[tuple[bytes, str | None]] = []
        self.states: dict[str, bytes] = {}
        self.answer: str | None = answer
        self.ready = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="central-test", protocol=mqtt.MQTTv5)
        client.username_pw_set("central", password)
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self.ready.set()
        client.on_message = self._on_message
        client.connect_async("127.0.0.1", port, keepalive=30)
        client.loop_start()
        self._client = client

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def ids(self) -> set[str]:
        return {json.loads(raw)["id"] for raw, _ in list(self.received)}

    def _on_connect(self, client, data, flags, code, more) -> None:
        if not code.is_failure:
            client.subscribe([(SHARED_EVENTS, mqtt.SubscribeOptions(qos=1)), (ALL_STATUS, mqtt.SubscribeOptions(qos=1)),
                              (ALL_CAMERA_STATUS, mqtt.SubscribeOptions(qos=1))])  # fmt: skip

    def _on_message(self, client, data, message) -> None:
        if message.topic.endswith("/status"):
            self.states[message.topic] = message.payload
            return
        seal = dict(getattr(message.properties, "UserProperty", [])).get("jws")
        self.received.append((message.payload, seal))
        if self.answer is not None:
            ack = Ack(id=json.loads(message.payload)["id"], status=self.answer, reason="as the test says")
            client.publish(EdgeTopics(edge_id_of(message.topic)).ack, ack.model_dump_json().encode(), qos=1)


class MediaReceiver:
    """A resumable receiver in memory. `cut_after`: break the first connection of a file after so many bytes."""

    def __init__(self, cut_after: int | None = None) -> None:
        self.done: dict[str, bytes] = {}
        self.order: list[str] = []
        self.offsets: list[tuple[str, int]] = []
        self.tokens: list[str] = []
        #: Answer every PUT with this status and sentence instead of taking it.
        self.refuse: tuple[int, str] | None = None
        self._part: dict[str, bytearray] = {}
        self._cut: set[str] = set()
        self._cut_after = cut_after
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_MediaHandler, self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _MediaHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, receiver: "MediaReceiver", *more) -> None:
        self.receiver = receiver
        super().__init__(*more)

    def log_message(self, *_) -> None:
        pass

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _say(self, status: int, detail: str) -> None:
        body = json.dumps({"detail": detail}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        name = self.path.rpartition("/")[2]
        self.receiver.tokens.append(self.headers["Authorization"].removeprefix("Bearer "))
        if name in self.receiver.done:
            self._answer(200, Upload_Offset=str(len(self.receiver.done[name])), Upload_Complete="?1")
        elif name in self.receiver._part:
            self._answer(200, Upload_Offset=str(len(self.receiver._part[name])), Upload_Complete="?0")
        else:
            self._answer(404)

    def do_PUT(self) -> None:
        name = self.path.rpartition("/")[2]
        offset, length = int(self.headers["Upload-Offset"]), int(self.headers["Content-Length"])
        self.receiver.offsets.append((name, offset))
        if self.receiver.refuse is not None:
            self.rfile.read(length)
            self._say(*self.receiver.refuse)
            return
        cut = self.receiver._cut_after
        part = self.receiver._part.setdefault(name, bytearray())
        if offset != len(part):
            self.rfile.read(length)
            self._answer(409, Upload_Offset=str(len(part)))
            return
        if cut is not None and name not in self.receiver._cut and length > cut:
            self.receiver._cut.add(name)
            part += self.rfile.read(cut)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        part += self.rfile.read(length)
        raw = bytes(self.receiver._part.pop(name))
        if sha256_hex(raw) != name:
            self._answer(422)
            return
        self.receiver.done[name] = raw
        self.receiver.order.append(name)
        self._answer(201)


class Box:
    """An edge on disk with its key, its settings and its deliver process."""

    def __init__(self, folder: Path, broker_port: int, password: str, central: str = "http://127.0.0.1:9",
                 edge_id: str = "box-1", outbox: dict | None = None) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.edge_id = edge_id
        self.data = folder / "data"
        secret = folder / "broker-password"
        secret.write_text(password)
        secret.chmod(0o600)
        self.password_file = secret
        settings = {
            "edge_id": edge_id,
            "sites": ["site.yaml"],
            "data_dir": "data",
            "broker": {"host": "127.0.0.1", "port": broker_port, "username": edge_id, "password_file": secret.name},
            "central": {"url": central},
        }
        if outbox:
            settings["outbox"] = outbox
        self.config = folder / "edge.yaml"
        self.config.write_text(yaml.safe_dump(settings))
        self.ring = KeyRing(self.data / "keys")
        if not self.ring.path.exists():
            self.ring.pending()
            self.ring.accept()
        self.spool = Spool(self.data / "spool")
        self.log = folder / "deliver.log"
        self.process: subprocess.Popen | None = None

    def start(self, file_bytes: int | None = None) -> None:
        """`file_bytes`: no file may grow beyond it until `room`, as on a full disk."""

        def narrow() -> None:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))

        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge.deliver.process", "--config", str(self.config)],
                cwd=ROOT, stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=narrow,
            )  # fmt: skip

    def room(self, file_bytes: int = resource.RLIM_INFINITY) -> None:
        """From now on its files may grow to so many bytes."""
        assert self.process is not None
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.process = None
        return status

    def told(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def state(self) -> dict:
        path = self.data / "outbox" / "state.json"
        return json.loads(path.read_text()) if path.exists() else {}


def found_mosquitto() -> str | None:
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


#: Brokers of a test that would be as long again on a second one: `make test` takes the one that counties have, and
#: the embedded one where there is no other; `make long` takes both.
ONE_OF_TWO = [pytest.param("embedded", marks=pytest.mark.long if found_mosquitto() else ()), "mosquitto"]


class Mosquitto:
    """Debian's mosquitto with the configuration that is shipped; only the listener's port is another."""

    def __init__(self, folder: Path, port: int, users: dict[str, str]) -> None:
        binary = found_mosquitto()
        if binary is None:
            if os.environ.get("CI"):
                pytest.fail("mosquitto is not installed - CI installs it (apt-get install mosquitto)")
            pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
        self._binary, self._folder, self._port = binary, folder, port
        shutil.copytree(ROOT / "configs" / "mosquitto", folder, dirs_exist_ok=True)
        listener = folder / "listeners" / "loopback.conf"
        shipped = listener.read_text()
        assert "listener 1883 127.0.0.1" in shipped
        listener.write_text(shipped.replace("listener 1883", f"listener {port}"))
        if os.geteuid() == 0:  # as root it would become user mosquitto, who cannot look into a test's folder
            (folder / "listeners" / "test.conf").write_text("user root\n")
        (folder / "passwords").touch(mode=0o600)
        for name, password in users.items():
            subprocess.run(["mosquitto_passwd", "-b", "passwords", name, password], cwd=folder, check=True)
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with (self._folder / "mosquitto.log").open("ab") as out:
            self.process = subprocess.Popen(
                [self._binary, "-c", "mosquitto.conf"], cwd=self._folder, stdout=out, stderr=out
            )
        until(lambda: listening(self._port), 20, "mosquitto listens")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def told(self) -> str:
        return (self._folder / "mosquitto.log").read_text()


def listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def publish_as(port: int, user: str, password: str, topic: str, payload: bytes) -> str:
    """Publish once as `user`; returns the broker's answer in its own words."""
    answers: list[str] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"try-{user}", protocol=mqtt.MQTTv5)
    client.username_pw_set(user, password)
    client.on_publish = lambda _c, _d, _m, code, _p: answers.append(str(code))
    client.connect("127.0.0.1", port)
    client.loop_start()
    properties = Properties(PacketTypes.PUBLISH)
    client.publish(topic, payload, qos=1, properties=properties)
    until(lambda: answers, 20, "the broker answers a publish")
    client.disconnect()
    client.loop_stop()
    return answers[0]
