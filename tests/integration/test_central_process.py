"""Central as a process: a real broker, a real port, kill -9, SIGTERM, and what it says when it cannot begin."""

import json
import os
import pwd
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from central_kit import Box, decision, evidence, violation
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import func, select

from central.accounts import service as accounts
from central.accounts.roles import OFFICER
from central.config import load_config
from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from central.db.events import Event, Quarantine
from central.ingest.admit import Message
from contract.events import EventType
from contract.sealing import sha256_hex
from contract.topics import EdgeTopics
from sightline.broker import EmbeddedBroker
from tests.ports import open_port

MOSQUITTO = Path("/usr/sbin/mosquitto")
WAIT_S = 40.0
RUN = "import sys; from pathlib import Path; from central.serve import serve; from central.config import load_config; "


def until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not done():
        if time.monotonic() > end:
            pytest.fail(f"not within {WAIT_S:.0f} s: {what}")
        time.sleep(0.1)


@contextmanager
def mosquitto(folder: Path, port: int) -> Iterator[None]:
    if not MOSQUITTO.exists():
        if os.environ.get("CI"):
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")
    passwords = folder / "passwords"
    for name in ("central", "edge-01", "edge-02"):
        extra = ["-c"] if not passwords.exists() else []
        subprocess.run(["mosquitto_passwd", "-b", *extra, str(passwords), name, f"pw-{name}"], check=True)
    passwords.chmod(0o644)
    settings = folder / "mosquitto.conf"
    # Started by root it would become another user, who cannot read the test's folder.
    me = pwd.getpwuid(os.geteuid()).pw_name
    settings.write_text(
        f"user {me}\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nlog_dest none\n"
        "max_packet_size 8388608\n"
    )
    process = subprocess.Popen([str(MOSQUITTO), "-c", str(settings)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: listens(port), "mosquitto listens")
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def embedded(folder: Path, port: int) -> Iterator[None]:
    users = {name: f"pw-{name}" for name in ("central", "edge-01", "edge-02")}
    with EmbeddedBroker(folder, port, users):
        yield


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    port = open_port()
    with (embedded if request.param == "embedded" else mosquitto)(tmp_path, port):
        yield port


class Central:
    """A process of central with its settings, and its database seen from outside."""

    def __init__(self, folder: Path, broker_port: int, password: str = "pw-central") -> None:
        self.port = open_port()
        self.config = folder / "central.yaml"
        (folder / "broker.password").write_text(password)
        self.config.write_text(
            f"port: {self.port}\ndata_dir: data\ndatabase: {{url: sqlite:///data/central.sqlite}}\n"
            f"broker: {{port: {broker_port}, username: central, password_file: broker.password}}\n"
        )
        self.log = folder / "central.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, patch: str = "") -> "Central":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"{RUN}{patch}\nserve(load_config(Path({str(self.config)!r})), 'all')"],
                stderr=log,
                stdout=log,
            )
        return self

    def ready(self) -> "Central":
        until(lambda: self.health() == 200, f"central is well: {self.log.read_text()[-2000:]}")
        return self

    def health(self) -> int:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code
        except httpx.HTTPError:
            return 0

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def db(self) -> Database:
        return Database(load_config(self.config).database.url)


@pytest.fixture
def central(tmp_path: Path, broker: int) -> Iterator[Central]:
    made = Central(tmp_path, broker)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop(signal.SIGKILL)


class Sender:
    """The MQTT side of a box: publishes and collects the Acks."""

    def __init__(self, port: int, edge_id: str = "edge-01") -> None:
        self.acks: list[dict[str, str]] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, f"box-{edge_id}", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(edge_id, f"pw-{edge_id}")
        self._client.on_connect = lambda client, *_: client.subscribe(EdgeTopics(edge_id).ack, 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _client, _data, message: self.acks.append(json.loads(message.payload))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(20)

    def send(self, message: Message) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        if message.jws:
            properties.UserProperty = [("jws", message.jws)]
        self._client.publish(message.topic, message.raw, 1, properties=properties).wait_for_publish(20)

    def acked(self, count: int) -> list[dict[str, str]]:
        until(lambda: len(self.acks) >= count, f"{count} Acks, have {self.acks}")
        return self.acks

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def sender(broker: int) -> Iterator[Sender]:
    made = Sender(broker)
    yield made
    made.close()


def enrolled(central: Central) -> Box:
    box = Box()
    db = central.db()
    box.enrol(db)
    db.close()
    return box


def count(central: Central, table: type) -> int:
    db = central.db()
    with db.read() as session:
        found = session.execute(select(func.count()).select_from(table)).scalar_one()
    db.close()
    return found


def event_id(message: Message) -> str:
    return str(json.loads(message.raw)["id"])


def test_from_the_broker_to_a_case_that_an_officer_decides(central: Central, sender: Sender) -> None:
    central.start().ready()
    box = enrolled(central)
    manifest, files = evidence()
    messages = [decision(box, violation()), box.say(EventType.MANIFEST, manifest)]
    for message in messages:
        sender.send(message)
    assert [(ack["id"], ack["status"]) for ack in sender.acked(2)] == [(event_id(one), "stored") for one in messages]
    with httpx.Client(base_url=central.url, headers={"Authorization": box.token()}) as edge:
        for raw in files:
            headers = {"Upload-Offset": "0", "Upload-Length": str(len(raw))}
            assert edge.put(f"/edge/v1/media/{sha256_hex(raw)}", content=raw, headers=headers).status_code == 201
    db = central.db()
    with db.write() as session:
        accounts.add_user(session, "li", OFFICER, "a long password")
    db.close()
    with httpx.Client(base_url=central.url) as officer:
        assert officer.get("/api/v1/cases").status_code == 401
        who = officer.post("/api/v1/session", json={"name": "li", "password": "a long password"}).json()
        (line,) = officer.get("/api/v1/cases").json()["items"]
        case = officer.get(f"/api/v1/cases/{line['number']}").json()
        assert officer.post(f"/api/v1/cases/{line['number']}/approve", json={"version": 1}).status_code == 403
        done = officer.post(
            f"/api/v1/cases/{line['number']}/approve",
            json={"version": case["version"], "answers": {}},
            headers={"X-CSRF-Token": who["csrf"]},
        )
        assert (done.status_code, done.json()["state"]) == (200, "REVIEW2")
        metrics = officer.get("/metrics").text
        assert 'sightline_central_events_total{outcome="stored"} 2.0' in metrics
        assert 'sightline_central_cases{state="REVIEW2"} 1.0' in metrics
    assert central.stop() == 0
    assert "central has stopped" in central.log.read_text()


def test_a_lie_is_refused_and_the_next_truth_is_taken(central: Central, sender: Sender) -> None:
    central.start().ready()
    box = enrolled(central)
    message = decision(box, violation())
    altered = Message(message.topic, message.raw.replace(b"180.0", b"181.0"), message.jws)
    for one in (altered, Message(message.topic, b"\xff\x00garbage", "x..y"), message):
        sender.send(one)
    acks = sender.acked(2)
    assert [ack["status"] for ack in acks] == ["refused", "stored"]
    assert (count(central, Case), count(central, Quarantine)) == (1, 2)


#: Dies after the message was received and before the commit: nothing is acknowledged, to nobody.
DIE_BEFORE_COMMIT = """
import os
from central.ingest import intake
def dying(*_): os.kill(os.getpid(), 9)
intake.store = dying
"""
#: Dies after the commit and before any acknowledgement.
DIE_AFTER_COMMIT = """
import os
from central.ingest import receiver
def dying(*_): os.kill(os.getpid(), 9)
receiver.Receiver._acknowledge = dying
"""


@pytest.mark.parametrize(("patch", "kept"), [(DIE_BEFORE_COMMIT, 0), (DIE_AFTER_COMMIT, 1)])
def test_killed_between_receipt_and_acknowledgement_gives_exactly_one_ticket(
    central: Central, sender: Sender, patch: str, kept: int
) -> None:
    central.start().ready()
    box = enrolled(central)
    assert central.stop() == 0
    central.start(patch=patch).ready()
    message = decision(box, violation())
    sender.send(message)
    assert central.process is not None
    assert central.process.wait(30) == -signal.SIGKILL
    assert sender.acks == []
    assert count(central, Event) == kept
    central.start().ready()
    sender.send(message)
    assert sender.acked(1)[0]["status"] in ({"stored", "duplicate"} if kept == 0 else {"duplicate"})
    sender.send(message)
    assert sender.acked(2)[-1]["status"] == "duplicate"
    assert (count(central, Event), count(central, Case)) == (1, 1)


def test_a_wrong_broker_password_is_told_in_one_line(tmp_path: Path, broker: int) -> None:
    central = Central(tmp_path, broker, password="wrong").start()
    assert central.process is not None
    try:
        assert central.process.wait(60) == 1
    finally:
        central.stop(signal.SIGKILL)
    assert f"broker 127.0.0.1:{broker}: " in central.log.read_text()
    assert "wrong" not in central.log.read_text().replace("wrong password", "")


def command(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = "import sys; from sightline.commands.central import app; from contract.errors import SightlineError\n"
    line += "try: app()\nexcept SightlineError as e: print(e, file=sys.stderr); sys.exit(e.exit_status)"
    given = [sys.executable, "-c", line, *words, "--config", str(config)]
    return subprocess.run(given, capture_output=True, text=True, timeout=60, input="a long password\n")


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    central = Central(tmp_path, 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", central.port))
        taken.listen()
        done = command(central.config, "serve")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"127.0.0.1:{central.port}: the port is in use")
    assert not (tmp_path / "data").exists()


def test_a_database_that_cannot_be_reached_is_told_in_one_line(tmp_path: Path) -> None:
    central = Central(tmp_path, 1)
    (tmp_path / "blocked").write_text("a file where a folder should be")
    central.config.write_text(central.config.read_text().replace("sqlite:///data/", "sqlite:///blocked/"))
    done = command(central.config, "serve")
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_migrate_puts_a_dropped_trigger_back_and_serving_never_does(tmp_path: Path) -> None:
    central = Central(tmp_path, 1)
    assert command(central.config, "migrate").returncode == 0
    (file,) = tmp_path.rglob("*.sqlite")
    with sqlite3.connect(file) as db:
        db.execute("DROP TRIGGER ledger_view")
    done = command(central.config, "serve")
    assert (done.returncode, "ledger_view" in done.stderr) == (1, True)
    assert command(central.config, "migrate").returncode == 0
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'ledger_view'").fetchone() == (1,)


def test_commands_make_accounts_and_codes(tmp_path: Path) -> None:
    central = Central(tmp_path, 1)
    assert command(central.config, "migrate").stdout.endswith(f"is at migration {migrate.head()}\n")
    made = command(central.config, "user", "add", "li", "--role", "officer", "--password-stdin")
    assert (made.returncode, made.stdout.strip()) == (0, "officer li can sign in")
    assert "a long password" not in made.stdout + made.stderr
    again = command(central.config, "user", "add", "li", "--role", "officer", "--password-stdin")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    code = command(central.config, "enrol-code", "edge-01").stdout.strip()
    assert len(code) == 14
    bad = command(central.config, "enrol-code", "../edge")
    assert (bad.returncode, "Traceback" in bad.stderr) == (2, False)
    shut = command(central.config, "edge", "revoke", "edge-09")
    assert (shut.returncode, "no box" in shut.stderr) == (2, True)
