"""A county before tests: central with its own authority, Mosquitto with the shipped TLS listener, boxes that enrol.

Everything is made as an operator makes it, with the commands; the processes are the real ones.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from deliver_peers import ROOT, Mosquitto, listening, until
from paho.mqtt.enums import CallbackAPIVersion

from central.ca.authority import Authority, key_pem, pem

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


class TlsBroker(Mosquitto):
    """Debian's mosquitto with the shipped TLS listener; `certs` is made by whoever owns the authority."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, port, {})
        self.folder, self.port, self.certs = folder, port, folder / "certs"
        (folder / "listeners" / "loopback.conf").unlink()
        shipped = (folder / "listeners" / "tls.conf.example").read_text()
        assert "listener 8883\n" in shipped
        listener = shipped.replace("listener 8883\n", f"listener {port} 127.0.0.1\n")
        (folder / "listeners" / "tls.conf").write_text(listener)

    def read_anew(self, crl: Path) -> None:
        """Bring the list of the revoked to the broker, as an operator does."""
        shutil.copyfile(crl, self.certs / "crl.pem")
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)


def issue(authority: Authority, name: str, folder: Path, life: timedelta = timedelta(hours=1)) -> tuple[Path, Path]:
    """A client's certificate and key, in files of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_text(pem(authority.client(name, key.public_key(), life)))
    private.write_bytes(key_pem(key))
    private.chmod(0o600)
    return certificate, private


def broker_certificate(authority: Authority, certs: Path) -> None:
    """What the broker needs of an authority."""
    certs.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    (certs / "broker.pem").write_text(pem(authority.server(["127.0.0.1"], key.public_key(), timedelta(hours=1))))
    (certs / "broker.key").write_bytes(key_pem(key))
    (certs / "ca.pem").write_text(authority.pem)
    shutil.copyfile(authority.folder / "crl.pem", certs / "crl.pem")


class Peer:
    """An MQTT client with a certificate; notes what it is told."""

    def __init__(self, port: int, ca: Path, pair: tuple[Path, Path], client_id: str = "") -> None:
        self.got: list[tuple[str, bytes]] = []
        self.answers: list[str] = []
        self.granted: list[str] = []
        self.joined: list[str] = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        client.tls_set(str(ca), str(pair[0]), str(pair[1]))
        client.on_connect = lambda _c, _d, _f, code, _p: self.joined.append(str(code))
        client.on_message = lambda _c, _d, message: self.got.append((message.topic, message.payload))
        client.on_publish = lambda _c, _d, _m, code, _p: self.answers.append(str(code))
        client.on_subscribe = lambda _c, _d, _m, codes, _p: self.granted.extend(str(code) for code in codes)
        client.connect("127.0.0.1", port)
        client.loop_start()
        until(lambda: self.joined, 20, "the broker lets it in")
        self.client = client

    def listen(self, *topics: str) -> None:
        before = len(self.granted)
        self.client.subscribe([(topic, mqtt.SubscribeOptions(qos=1)) for topic in topics])
        until(lambda: len(self.granted) >= before + len(topics), 20, "the broker answers")

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> str:
        """Publish, and the broker's answer in its words."""
        before = len(self.answers)
        self.client.publish(topic, payload, qos=1, retain=retain)
        until(lambda: len(self.answers) > before, 20, "the broker answers")
        return self.answers[-1]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def sightline(*words: object, given: str = "", status: int = 0) -> str:
    """Run a command to its end; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "sightline", *map(str, words)],
        cwd=ROOT, env=ENVIRONMENT, input=given, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


class Process:
    """A process of ours whose words go to a file."""

    def __init__(self, log: Path, *words: object) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, *map(str, words)], cwd=ROOT, env=ENVIRONMENT, stdout=out, stderr=out
            )
        self.pid = self._process.pid

    def told(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, number: int = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(60)


class County:
    """Central and its broker, set up by the commands that docs/enrolment.md names."""

    def __init__(self, folder: Path, broker_port: int, web_port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{web_port}"
        self._web_port = web_port
        office = folder / "central"
        office.mkdir(parents=True)
        self.config = office / "central.yaml"
        certs = {"tls_ca": "certs/ca.pem", "tls_cert": "certs/central.pem", "tls_key": "certs/central.key"}
        settings = {
            "port": web_port, "data_dir": "data", "database": {"url": "sqlite:///central.sqlite"},
            "broker": {"host": "127.0.0.1", "port": broker_port, **certs},
        }  # fmt: skip
        self.config.write_text(yaml.safe_dump(settings))
        self.said = sightline("central", "ca", "init", "--config", self.config)
        self.broker = TlsBroker(folder / "broker", broker_port)
        for words in (
            ("broker", "127.0.0.1", "--out", self.broker.certs),
            ("client", "central", "--out", office / "certs"),
        ):
            self.said += sightline("central", "ca", *words, "--config", self.config)
        self.ca = Authority.load(office / "data" / "ca")
        self.process: Process | None = None

    def start(self) -> None:
        self.broker.start()
        words = ["-m", "sightline", "central", "serve", "--config", self.config]
        self.process = Process(self.folder / "central" / "log", *words)
        until(lambda: listening(self._web_port), 60, "central listens")

    def end(self) -> None:
        if self.process is not None:
            self.process.end()
        self.broker.kill()

    def invitation(self, edge_id: str) -> tuple[str, str]:
        """A one-time code, and the text of its QR code."""
        lines = sightline("central", "enrol-code", edge_id, "--qr", "--config", self.config).splitlines()
        return lines[0], lines[1]


@contextmanager
def county(folder: Path, broker_port: int, web_port: int) -> Iterator[County]:
    made = County(folder, broker_port, web_port)
    try:
        made.start()
        yield made
    finally:
        made.end()


def box_settings(folder: Path, edge_id: str, county: County, cameras: list[dict]) -> Path:
    """Settings and site file of a box that meets the broker with the certificate that it gets when enrolled."""
    folder.mkdir(parents=True)
    site = {"site": "s", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default", "cameras": cameras}
    (folder / "site.yaml").write_text(yaml.safe_dump(site))
    settings = {
        "edge_id": edge_id, "sites": ["site.yaml"], "data_dir": "data", "central": {"url": county.url},
        "broker": {"host": "127.0.0.1", "port": county.broker.port}, "recording": {"min_free_bytes": 0},
    }  # fmt: skip
    config = folder / "edge.yaml"
    config.write_text(yaml.safe_dump(settings))
    return config


def private_key_of(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
