"""mTLS to Mosquitto with the shipped listener: the certificate's name is the user, and the ACL holds by it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml
from cryptography import x509
from deliver_peers import Box, until
from mtls_peers import Peer, TlsBroker, broker_certificate, issue
from paho.mqtt.enums import CallbackAPIVersion

from central.ca.authority import Authority
from contract.events import now
from contract.topics import EdgeTopics
from edge.config import load_config
from edge.deliver.keys import connection_name
from edge.deliver.link import check_broker

World = tuple[int, Authority]


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[TlsBroker]:
    made = TlsBroker(tmp_path / "broker", free_port)
    broker_certificate(Authority.create(tmp_path / "ca"), made.certs)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def world(broker: TlsBroker, tmp_path: Path) -> World:
    """The port of a Mosquitto with the shipped TLS listener, and its CA."""
    return broker.port, Authority.load(tmp_path / "ca")


def pem_of(authority: Authority) -> Path:
    return authority.folder / "ca.pem"


def with_tls(box: Box, ca: Path, pair: tuple[Path, Path]) -> None:
    settings = yaml.safe_load(box.config.read_text())
    host, port = settings["broker"]["host"], settings["broker"]["port"]
    settings["broker"] = {
        "host": host, "port": port, "tls_ca": str(ca), "tls_cert": str(pair[0]), "tls_key": str(pair[1]),
    }  # fmt: skip
    box.config.write_text(yaml.safe_dump(settings))


def test_a_box_comes_in_by_its_certificate_and_reaches_its_own_topics(tmp_path, world) -> None:
    port, authority = world
    box = Box(tmp_path / "box", port, "unused")
    with_tls(box, pem_of(authority), issue(authority, "box-1", tmp_path))
    assert check_broker(load_config(box.config).broker, "box-1") is None
    seen: list[tuple[str, bytes]] = []
    central = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    certificate, key = issue(authority, "central", tmp_path)
    central.tls_set(str(pem_of(authority)), str(certificate), str(key))
    central.on_connect = lambda client, *_: client.subscribe("sightline/v1/#", qos=1)
    central.on_message = lambda _client, _data, message: seen.append((message.topic, message.payload))
    central.connect("127.0.0.1", port)
    central.loop_start()
    box.start()
    try:
        until(lambda: EdgeTopics("box-1").event in {topic for topic, _ in seen}, 60, "the genesis, over TLS")
    finally:
        box.kill()
        central.disconnect()
        central.loop_stop()


def test_the_certificate_of_another_box_opens_nothing_of_this_one(tmp_path, world) -> None:
    port, authority = world
    box = Box(tmp_path / "box", port, "unused")
    with_tls(box, pem_of(authority), issue(authority, "box-2", tmp_path))
    box.start()
    try:
        until(lambda: "refuses what this box publishes" in box.told(), 60)
    finally:
        box.kill()


def test_a_certificate_of_a_strange_authority_is_not_let_in(tmp_path, world) -> None:
    port, authority = world
    stranger = Authority.create(tmp_path / "stranger")
    box = Box(tmp_path / "box", port, "unused")
    with_tls(box, pem_of(authority), issue(stranger, "box-1", tmp_path))
    box.start()
    try:
        until(lambda: f"127.0.0.1:{port}: the broker refuses" in box.told(), 60, "the refusal is told")
        assert str(tmp_path / "box-1.pem") in box.told()
        assert not box.state().get("connected")
    finally:
        box.kill()


def test_a_broker_of_a_strange_authority_is_not_trusted(tmp_path, world) -> None:
    port, authority = world
    stranger = Authority.create(tmp_path / "stranger")
    box = Box(tmp_path / "box", port, "unused")
    with_tls(box, pem_of(stranger), issue(authority, "box-1", tmp_path))
    said = check_broker(load_config(box.config).broker, "box-1")
    assert said is not None and "CERTIFICATE_VERIFY_FAILED" in said


def revoke(authority: Authority, broker: TlsBroker, certificate: Path) -> None:
    """Put a certificate on the list, and have the broker read it."""
    serial = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
    listed = x509.load_pem_x509_crl((authority.folder / "crl.pem").read_bytes())
    before: list[tuple[int, datetime]] = [(one.serial_number, one.revocation_date_utc) for one in listed]
    (authority.folder / "crl.pem").write_bytes(authority.revocations([*before, (serial, now())]))
    broker.read_anew(authority.folder / "crl.pem")


def refused(port: int, ca: Path, pair: tuple[Path, Path]) -> bool:
    """Whether the broker hangs up on that certificate."""
    ends: list[str] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.tls_set(str(ca), str(pair[0]), str(pair[1]))
    client.on_connect = lambda *_: ends.append("in")
    client.on_disconnect = lambda *_: ends.append("out")
    client.connect("127.0.0.1", port)
    client.loop_start()
    until(lambda: ends, 20, "the broker says something")
    client.disconnect()
    client.loop_stop()
    return ends[0] == "out"


def test_a_revoked_certificate_is_refused_and_the_others_are_not(tmp_path, world, broker) -> None:
    port, authority = world
    pairs = [issue(authority, f"box-{number}", tmp_path) for number in (1, 2, 3)]
    assert not any(refused(port, pem_of(authority), pair) for pair in pairs)
    revoke(authority, broker, pairs[0][0])
    assert [refused(port, pem_of(authority), pair) for pair in pairs] == [True, False, False]
    revoke(authority, broker, pairs[1][0])
    assert [refused(port, pem_of(authority), pair) for pair in pairs] == [True, True, False]
    broker.kill()
    broker.start()
    assert [refused(port, pem_of(authority), pair) for pair in pairs] == [True, True, False]


def test_a_box_whose_certificate_is_revoked_says_so(tmp_path, world, broker) -> None:
    port, authority = world
    box, pair = Box(tmp_path / "box", port, "unused"), issue(authority, "box-1", tmp_path)
    with_tls(box, pem_of(authority), pair)
    revoke(authority, broker, pair[0])
    box.start()
    try:
        until(lambda: f"the broker refuses {pair[0]}" in box.told() and "was this box shut out?" in box.told(), 60)
    finally:
        box.kill()


def test_a_box_neither_speaks_nor_hears_under_another_id(tmp_path, world) -> None:
    port, authority = world
    central = Peer(port, pem_of(authority), issue(authority, "central", tmp_path))
    victim = Peer(port, pem_of(authority), issue(authority, "box-1", tmp_path), "victim")
    thief = Peer(port, pem_of(authority), issue(authority, "box-2", tmp_path), "thief")
    topics = EdgeTopics("box-1")
    own = [topics.event, topics.status, topics.camera_status("cam-1"), topics.reply, "sightline/v1/box-1/ledger"]
    hear = [topics.ack, topics.command, topics.sensor("level-1")]
    central.listen("sightline/v1/#")
    victim.listen(topics.ack, topics.command, topics.sensors)
    thief.listen("#", "+/+/+/#", "sightline/v1/box-1/#", "sightline/#", *own, *hear, "$SYS/#")
    denied = [*own, *hear, "sightline/v1/box-2/../box-1/event", "sightline/v1/+/event", "sightline/v1/box-22/event",
              "sightline/v1/event", "sightline/v2/box-2/event", "sightline/v1/box-2/ack", "sightline/v1/box-2/command",
              "sightline/v1/box-2/event/more", "$SYS/broker/uptime"]  # fmt: skip
    # A wildcard in a publish is a protocol error, for which a broker may hang up: it is tried as any client would.
    said = {topic: thief.publish(topic, b"forged", retain=True) for topic in denied if "+" not in topic}
    assert set(said.values()) == {"Not authorized"}, said
    assert thief.publish("sightline/v1/box-2/event", b"mine") in {"Success", "No matching subscribers"}
    for topic in own:
        assert victim.publish(topic, b"true", retain=True) == "Success"
    for topic in hear[:2]:
        assert central.publish(topic, b"told") == "Success"
    until(lambda: len(victim.got) == 2 and len(central.got) >= len(own) + 3, 20, f"{victim.got} {central.got}")
    late = Peer(port, pem_of(authority), issue(authority, "box-3", tmp_path), "late")
    late.listen("#", "sightline/v1/box-1/status")
    assert late.publish("sightline/v1/box-3/event", b"here") == "Success"
    try:
        assert thief.got == [] and late.got == [], "nothing of another box, retained or passing"
        assert not any(payload == b"forged" for _, payload in central.got + victim.got)
    finally:
        for one in (central, victim, thief, late):
            one.close()


def test_a_box_is_not_thrown_out_by_a_neighbour_with_its_client_id(tmp_path, world) -> None:
    port, authority = world
    box = Box(tmp_path / "box", port, "unused")
    with_tls(box, pem_of(authority), issue(authority, "box-1", tmp_path))
    box.start()
    try:
        until(lambda: box.state().get("connected"), 60)
        own = connection_name("box-1", box.ring.load())
        for guess in ("box-1", "edge-box-1", own[:-1] + ("0" if own[-1] != "0" else "1")):
            Peer(port, pem_of(authority), issue(authority, "box-2", tmp_path), guess).close()
        thrown_out = Peer(port, pem_of(authority), issue(authority, "box-2", tmp_path), own)
        until(lambda: "the connection was lost" in box.told(), 30, "the true id would do it: the test can fail")
        thrown_out.close()
        assert box.told().count("the connection was lost") == 1
    finally:
        box.kill()
