"""Packets that no MQTT library sends, against the broker with central behind it."""

import socket
from collections.abc import Iterator

from tests.bench.intruder_office import Office, Tally, until

_PATIENCE_S = 1.0


def number(value: int) -> bytes:
    """MQTT's variable byte integer."""
    found = bytearray()
    while True:
        value, digit = divmod(value, 128)
        found.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(found)


def text(raw: bytes) -> bytes:
    """MQTT's string: two bytes of length, then the bytes, whatever they are."""
    return len(raw).to_bytes(2) + raw


def packet(kind: int, body: bytes) -> bytes:
    """Fixed header and body."""
    return bytes([kind]) + number(len(body)) + body


CONNECT = packet(0x10, text(b"MQTT") + b"\x05\x02\x00\x3c\x00" + text(b""))


def publish(topic: bytes, payload: bytes = b"x", properties: bytes = b"", qos: int = 1) -> bytes:
    """A PUBLISH of MQTT 5."""
    mid = b"\x00\x01" if qos else b""
    return packet(0x30 | qos << 1, text(topic) + mid + number(len(properties)) + properties + payload)


EVENT = b"sightline/v1/edge-01/event"
#: A user property `jws` whose value is no UTF-8; what a lenient broker passes on.
BAD_PROPERTY = b"\x26" + text(b"jws") + text(b"\xff\xfe")


def odd_packets() -> Iterator[tuple[str, bytes]]:
    """(what it is, the bytes) after a good CONNECT."""
    for topic in (b"sightline/v1/+/event", b"sightline/v1/#", b"sightline/v1/\xff/event", b"sightline/v1/a\x00b/event", b"sightline/v1/\xed\xa0\x80/event",
                  b"", b"sightline/v1/\x1b[31m/event", b"$share/central/sightline/v1/edge-01/event"):  # fmt: skip
        yield "topic that is none", publish(topic)
    yield "property that is no UTF-8", publish(EVENT, properties=BAD_PROPERTY)
    yield "property cut short", publish(EVENT, properties=b"\x26\x00\x50jws")
    yield "properties longer than the packet", packet(0x32, text(EVENT) + b"\x00\x01" + number(100_000) + b"x")
    yield "property of no kind", publish(EVENT, properties=b"\x7f\x00")
    yield "alias that names nothing", publish(b"", properties=b"\x23\xff\xff")
    yield "payload said to be text, and is none", publish(EVENT, b"\xff\xfe", properties=b"\x01\x01")
    yield "QoS 3", packet(0x36, text(EVENT) + b"\x00\x01\x00x")
    yield "length without end", b"\x32\xff\xff\xff\xff\xff"
    yield "256 MB announced", b"\x32\xff\xff\xff\x7f" + text(EVENT)
    yield "greeted twice", CONNECT
    yield "packet of no kind", packet(0xF0, b"\x18\x03aut")
    yield (
        "answers nobody asked for",
        packet(0x40, b"\x12\x34") + packet(0x62, b"\x12\x34") + packet(0x90, b"\x00\x01\x00"),
    )


def attack(office: Office, tally: Tally) -> None:
    """All of them: each at most costs the intruder his own connection."""
    before = office.outcomes().get("stored", 0)
    for name, raw in odd_packets():
        with socket.create_connection(("127.0.0.1", office.broker_port), 5) as line:
            line.settimeout(_PATIENCE_S)
            line.sendall(CONNECT)
            line.recv(1024)
            line.sendall(raw)
            tally.told(f"wire: {name}", _answer(line))
    for name, raw in (("no greeting", publish(EVENT)), ("noise", bytes(range(256)) * 20)):
        with socket.create_connection(("127.0.0.1", office.broker_port), 5) as line:
            line.settimeout(_PATIENCE_S)
            line.sendall(raw)
            tally.told(f"wire: {name}", _answer(line))
    until(lambda: office.healthy(), "central is well after odd packets")
    if office.outcomes().get("stored", 0) != before:
        tally.faults.append("wire: an event was admitted")


def _answer(line: socket.socket) -> str:
    try:
        said = line.recv(64)
    except TimeoutError:
        return "not answered"
    except OSError:
        return "hung up"
    return "hung up" if not said or said[0] == 0xE0 else f"packet {said[0]:#x}"


__all__ = ["BAD_PROPERTY", "CONNECT", "EVENT", "attack", "number", "packet", "publish", "text"]
