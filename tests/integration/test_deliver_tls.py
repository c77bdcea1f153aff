"""mTLS to Mosquitto with the shipped listener: the certificate's name is the user, and the ACL holds by it."""

import datetime as dt
import ipaddress
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from deliver_peers import ROOT, Box, Mosquitto, until
from paho.mqtt.enums import CallbackAPIVersion

from contract.topics import EdgeTopics
from edge.config import load_config
from edge.deliver.link import check_broker


class Authority:
    """A small CA of the test's own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        self.certificate = self._signed(self.name, self.key, ca=True)
        self.path = folder / "ca.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, common_name: str, folder: Path) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        certificate, private = folder / f"{common_name}.pem", folder / f"{common_name}.key"
        certificate.write_bytes(self._signed(subject, key).public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        private.chmod(0o600)
        return certificate, private

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, ca: bool = False) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        )
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture
def world(tmp_path, free_port):
    """A Mosquitto with the shipped TLS listener, and its CA."""
    authority = Authority(tmp_path / "ca")
    broker = Mosquitto(tmp_path / "broker", free_port, {"central": "c-secret"})
    folder = tmp_path / "broker"
    shipped = (ROOT / "configs" / "mosquitto" / "listeners" / "tls.conf.example").read_text()
    assert "listener 8883\n" in shipped
    (folder / "listeners" / "loopback.conf").unlink()
    (folder / "listeners" / "tls.conf").write_text(
        shipped.replace("listener 8883\n", f"listener {free_port} 127.0.0.1\n")
    )
    certs = folder / "certs"
    certs.mkdir()
    (certs / "ca.pem").write_bytes(authority.path.read_bytes())
    authority.issue("broker", certs)
    broker.start()
    yield free_port, authority
    broker.kill()


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
    with_tls(box, authority.path, authority.issue("box-1", tmp_path))
    assert check_broker(load_config(box.config).broker, "box-1") is None
    seen: list[tuple[str, bytes]] = []
    central = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    certificate, key = authority.issue("central", tmp_path)
    central.tls_set(str(authority.path), str(certificate), str(key))
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
    with_tls(box, authority.path, authority.issue("box-2", tmp_path))
    box.start()
    try:
        until(lambda: "refuses what this box publishes" in box.told(), 60)
    finally:
        box.kill()


def test_a_certificate_of_a_strange_authority_is_not_let_in(tmp_path, world) -> None:
    port, authority = world
    stranger = Authority(tmp_path / "stranger")
    box = Box(tmp_path / "box", port, "unused")
    with_tls(box, authority.path, stranger.issue("box-1", tmp_path))
    box.start()
    try:
        until(lambda: f"127.0.0.1:{port}: the broker refuses" in box.told(), 60, "the refusal is told")
        assert str(tmp_path / "box-1.pem") in box.told()
        assert not box.state().get("connected")
    finally:
        box.kill()


def test_a_broker_of_a_strange_authority_is_not_trusted(tmp_path, world) -> None:
    port, authority = world
    stranger = Authority(tmp_path / "stranger")
    box = Box(tmp_path / "box", port, "unused")
    with_tls(box, stranger.path, authority.issue("box-1", tmp_path))
    said = check_broker(load_config(box.config).broker, "box-1")
    assert said is not None and "CERTIFICATE_VERIFY_FAILED" in said
