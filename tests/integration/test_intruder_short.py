"""A short intruder campaign (`make intruder` is the long one), and brokers that let everything through."""

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from central_kit import Box, decision, ended, intake_of, open_db, violation
from deliver_peers import until
from sqlalchemy import select

from central.api.health import router
from central.config import Broker, Ingest
from central.db.cases import Case
from central.ingest import broker_client
from central.ingest import receiver as receiving
from central.ingest.admit import Message
from central.ingest.intake import Intake
from central.ingest.receiver import Receiver
from central.metrics import Metrics
from contract.events import EventType, Vehicle
from edge.config import Broker as BoxBroker
from edge.deliver import enduring
from edge.deliver.link import Link
from tests.bench import intruder_county, intruder_edge, intruder_files, intruder_http, intruder_mqtt, intruder_wire
from tests.bench.intruder_office import Office, Tally
from tests.bench.intruder_wire import BAD_PROPERTY, number, packet, text

SEED = 7


@pytest.fixture(scope="module", autouse=True)
def broker() -> None:
    if shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("mosquitto is not installed")


def test_nothing_of_an_intruder_is_admitted_and_each_refusal_is_told(tmp_path: Path) -> None:
    tally = Tally()
    with Office(tmp_path / "office", postgres=False) as office:
        intruder_mqtt.Fuzz(office, tally, SEED).run(600)
        intruder_mqtt.refusals(office, tally)
        intruder_mqtt.looked_at(office, tally, most=3)
        intruder_wire.attack(office, tally)
        intruder_http.attack(office, tally, most=2)
        intruder_http.told_in_log(office, tally)
        assert office.tracebacks() == []
    assert tally.faults == [], f"seed {SEED}"
    assert len(tally.tried) > 80


def test_the_id_of_anothers_event_does_not_change_what_he_said(tmp_path: Path) -> None:
    """One batch: a victim's decision, and another box's under the very id. The case is of what the victim sealed."""
    db, victim, insider = open_db(tmp_path), Box(), Box("edge-66")
    for one in (victim, insider):
        one.enrol(db)
    true = decision(victim, violation(vehicle=Vehicle(class_="car", plate="A-TRUE")))
    name = json.loads(true.raw)["id"]
    false = json.loads(
        decision(insider, violation(edge_id="edge-66", vehicle=Vehicle(class_="car", plate="B-FALSE"))).raw
    )
    forged = insider.seal(json.dumps(false | {"id": name}).encode())
    closing = json.loads(insider.say(EventType.CLOSED, ended(edge_id="edge-66")).raw)
    other = insider.seal(json.dumps(closing | {"id": name}).encode())
    results = intake_of(db).take([true, forged, other])
    with db.read() as session:
        (case,) = session.execute(select(Case)).scalars()
    assert [one.outcome for one in results] == ["stored", "refused", "refused"]
    assert (case.edge_id, case.plate) == ("edge-01", "A-TRUE")
    db.close()


def test_forged_answers_take_no_row_of_a_box(tmp_path: Path) -> None:
    tally = Tally()
    intruder_edge.attack(tmp_path, tally, 150, SEED)
    assert tally.faults == [], f"seed {SEED}"


@pytest.mark.long
def test_files_of_others_are_bombs_and_cost_a_sentence(tmp_path: Path) -> None:
    tally = Tally()
    intruder_files.attack(tmp_path / "files", tally)
    assert tally.faults == []


@pytest.mark.long
def test_certificates_of_others_open_nothing(tmp_path: Path) -> None:
    tally = Tally()
    intruder_county.attack(tmp_path, tally)
    assert tally.faults == []


# -- a broker that passes on whatever it is given, as EMQX does as it comes ---------------------------------------------


class LenientBroker:
    """Lets anybody in. To the first connection it passes on `bad`, to those after it `good`; notes what it is answered."""

    def __init__(self, bad: bytes, good: bytes, topics: int) -> None:
        self.connections, self.answers = 0, bytearray()
        self._bad, self._good, self._granted = bad, good, b"\x01" * topics
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            # A client that is slow or has read enough resets the line while it is spoken to: the next one is met all
            # the same.
            with line, suppress(OSError):
                self._speak(line, self._bad if self.connections == 1 else self._good)

    def _speak(self, line: socket.socket, said: bytes) -> None:
        line.recv(4096)
        line.sendall(packet(0x20, b"\x00\x00\x00"))
        subscribed = b""
        while (at := subscribed.find(0x82)) < 0 or len(subscribed) < at + 4:
            if not (more := line.recv(4096)):
                return
            subscribed += more
        line.sendall(packet(0x90, subscribed[at + 2 : at + 4] + b"\x00" + self._granted) + said)
        while more := line.recv(4096):
            self.answers += more


BAD = {
    "topic": lambda topic: packet(0x32, text(topic[:-3] + b"\xff\xfe/") + b"\x00\x07\x00x"),
    "property": lambda topic: packet(
        0x32, text(topic) + b"\x00\x07" + bytes([len(BAD_PROPERTY)]) + BAD_PROPERTY + b"x"
    ),
    "cut short": lambda topic: packet(0x32, text(topic) + b"\x00\x07\x09\x26\x00\x50jws"),
}


@pytest.fixture(params=sorted(BAD))
def bad(request: pytest.FixtureRequest) -> Callable[[bytes], bytes]:
    return BAD[request.param]


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., LenientBroker]]:
    monkeypatch.setattr(enduring, "AFTER_UNREADABLE_S", 0.1)
    monkeypatch.setattr(broker_client, "_AFTER_UNREADABLE_S", 0.1)
    made: list[LenientBroker] = []

    def make(*words: object) -> LenientBroker:
        made.append(LenientBroker(*words))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_packet_that_cannot_be_read_does_not_make_central_deaf(tmp_path: Path, bad, lenient) -> None:
    db, box = open_db(tmp_path), Box()
    box.enrol(db)
    message = decision(box, violation())
    topic, seal = message.topic.encode(), b"\x26" + text(b"jws") + text(str(message.jws).encode())
    body = text(topic) + b"\x00\x09" + bytes([len(seal) & 0x7F | 0x80, len(seal) >> 7]) + seal + message.raw
    broker = lenient(bad(topic), packet(0x32, body), 1)
    metrics = Metrics(db)
    receiver = Receiver(Broker(port=broker.port), Ingest(), intake_of(db), metrics)
    receiver.start()
    try:
        until(lambda: b"\x40\x02\x00\x09" in broker.answers, 20, "the next event is stored and acknowledged")
    finally:
        receiver.stop()
        db.close()
    assert broker.connections >= 2
    assert b"\x00\x07" not in broker.answers[:4], "what could not be read was not acknowledged"


@pytest.mark.parametrize(
    ("properties", "answered"),
    [
        pytest.param(b"\x26\x00\x00\x00\x00" * 1_600_000, "refused", id="1.6 million of them"),
        pytest.param(b"\x26\x00\x00\x00\x00" * 21, "refused", id="21 of them"),
        pytest.param(b"\x26" + text(b"x") + text("\ufeff".encode()), "stored", id="U+FEFF"),
    ],
)
def test_lawful_properties_cost_central_neither_time_nor_the_connection(
    tmp_path: Path, properties: bytes, answered: str, lenient
) -> None:
    db, box = open_db(tmp_path), Box()
    box.enrol(db)
    first, second = decision(box, violation()), decision(box, violation("p2"))

    def published(message: Message, more: bytes, mid: bytes) -> bytes:
        held = more + b"\x26" + text(b"jws") + text(str(message.jws).encode())
        return packet(0x32, text(message.topic.encode()) + mid + number(len(held)) + held + message.raw)

    broker = lenient(published(first, properties, b"\x00\x07") + published(second, b"", b"\x00\x09"), b"", 1)
    metrics = Metrics(db)
    receiver = Receiver(Broker(port=broker.port), Ingest(), Intake(db, metrics, 100), metrics)
    receiver.start()
    try:
        until(lambda: b"\x40\x02\x00\x09" in broker.answers, 20, "the next event is stored and acknowledged")
        assert b"\x40\x02\x00\x07" in broker.answers, "the broker may let go of it"
        assert not receiver.silent
    finally:
        receiver.stop()
        db.close()
    assert broker.connections == 1
    assert metrics.registry.get_sample_value("sightline_central_events_total", {"outcome": answered}) >= 1
    stored = metrics.registry.get_sample_value("sightline_central_events_total", {"outcome": "stored"})
    assert (stored == 2) == (answered == "stored")


def test_a_broker_that_says_nothing_any_more_is_told_of(tmp_path: Path, lenient, monkeypatch) -> None:
    db = open_db(tmp_path)
    receiver = Receiver(Broker(port=lenient(b"", b"", 1).port), Ingest(), intake_of(db), metrics := Metrics(db))
    stuck = threading.Event()
    monkeypatch.setattr(receiving, "KEEPALIVE_S", 1)
    (route,) = (one for one in router(db, metrics, receiver).routes if one.path == "/healthz")
    receiver.start()
    try:
        until(lambda: b'"broker":"connected"' in route.endpoint().body, 20, "connected")
        # The thread does not come back.
        monkeypatch.setattr(receiver._client, "loop_misc", lambda: stuck.wait(60) and 0)
        until(lambda: b'"broker":"silent"' in route.endpoint().body, 20, "nothing was heard for two keep-alives")
        assert route.endpoint().status_code == 503
    finally:
        stuck.set()
        receiver.stop()
        db.close()


def test_a_packet_that_cannot_be_read_does_not_make_a_box_deaf(bad, lenient) -> None:
    topic = b"sightline/v1/box-1/ack"
    broker = lenient(bad(topic), packet(0x30, text(topic) + b"\x00an answer"), 3)
    link = Link(BoxBroker(port=broker.port), "box-1", threading.Event())
    link.start()
    try:
        assert link.mail.acks.get(timeout=20) == b"an answer"
    finally:
        link.stop()


def test_lawful_properties_cost_a_box_neither_time_nor_the_connection(lenient) -> None:
    topic, more = b"sightline/v1/box-1/ack", b"\x26\x00\x00\x00\x00" * 1_600_000
    marked = b"\x26" + text(b"x") + text("\ufeff".encode())
    first = packet(0x32, text(topic) + b"\x00\x07" + number(len(more)) + more + b"not read")
    second = packet(0x32, text(topic) + b"\x00\x09" + number(len(marked)) + marked + b"an answer")
    broker = lenient(first + second, b"", 3)
    link = Link(BoxBroker(port=broker.port), "box-1", threading.Event())
    link.start()
    try:
        assert link.mail.acks.get(timeout=20) == b"an answer"
        until(lambda: b"\x40\x02\x00\x09" in broker.answers, 20)
        assert b"\x40\x02\x00\x07" in broker.answers, "the broker may let go of it"
    finally:
        link.stop()
    assert broker.connections == 1
