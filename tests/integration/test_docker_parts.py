"""What docker/ starts, started here without Docker: its scripts, its settings, its command lines and health checks."""

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import yaml
from central_replicas import postgres_server
from cryptography import x509
from deliver_peers import listening, until
from docker_peers import BrokerPart, Front, Office, healthy, well
from mtls_peers import Peer, box_settings, broker_certificate, issue
from sqlalchemy import select

from central.ca.authority import Authority
from central.config import load_config
from central.db.accounts import Attempt
from central.db.database import Database
from contract.errors import CentralError, ConfigError
from contract.events import now
from contract.sealing import sha256_hex
from edge.config import load_config as load_edge
from edge.deliver.asking import client
from edge.deliver.enrol import enrol
from edge.deliver.keys import KeyRing
from edge.deliver.transfer import Transfer, token
from tests.ports import open_port

CAMERA = {"id": "cam-1", "url": "rtsp://127.0.0.1:1/cam", "frame": [320, 192]}
#: What the broker answers to whom it lets publish.
TAKEN = {"Success", "No matching subscribers"}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, BrokerPart]]:
    """PostgreSQL, the broker and central of county.yaml; every part is well when the test begins."""
    folder = tmp_path_factory.mktemp("county")
    with postgres_server() as server:
        port = open_port()
        office = Office(folder, server.create("sightline"), port)
        broker = BrokerPart(
            folder_of(folder, "broker"), port, folder / "certs" / "broker", f"{office.url}/edge/v1/crl.pem"
        )
        parts = [broker.start()]
        try:
            well(broker.service, broker.places, parts[0])
            assert not healthy(office.service, office.places)
            parts.append(office.start())
            well(office.service, office.places, parts[1])
            yield office, broker
            assert [part.end() for part in reversed(parts)] == [0, 0]
        finally:
            for part in parts:
                part.end()


def folder_of(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def test_the_page_leads_to_a_county_that_is_well(county: tuple[Office, BrokerPart]) -> None:
    office, _ = county
    commands = [
        "central migrate --config",
        "central ca init",
        "central ca broker",
        "central ca client",
        "central user add",
    ]
    assert office.said[:5] == commands
    with httpx.Client(base_url=office.url) as officer:
        said = officer.post("/api/v1/session", json={"name": "li", "password": "a long password"})
        assert (said.status_code, said.json()["role"]) == (201, "officer")


def test_who_is_shut_out_is_out_within_moments_and_everybody_else_comes_back(
    county: tuple[Office, BrokerPart], tmp_path: Path
) -> None:
    office, broker = county
    reached = SimpleNamespace(url=office.url, broker=SimpleNamespace(port=broker.port))
    peers = []
    for name in ("edge-01", "edge-02"):
        code = office.run(["central", "enrol-code", name, "--no-qr", "--config", str(office.config)]).strip()
        settings = load_edge(box_settings(tmp_path / name, name, reached, [CAMERA]))
        enrol(settings, code)
        keys = settings.data_dir / "keys"
        peers.append(Peer(broker.port, keys / "ca.pem", (keys / "client.pem", keys / "client.pem")))
    out, stays = peers
    assert out.publish("sightline/v1/edge-01/reply", b"{}") in TAKEN
    assert out.publish("sightline/v1/edge-02/reply", b"{}") == "Not authorized"
    office.run(["central", "edge", "revoke", "edge-01", "--config", str(office.config)])
    assert broker.part is not None
    until(lambda: "somebody was shut out" in broker.part.told(), 30, "the new list is fetched")
    until(lambda: len(stays.joined) > 1 and stays.client.is_connected(), 30, "the other box is back")
    assert stays.publish("sightline/v1/edge-02/reply", b"{}") in TAKEN
    assert len(out.joined) == 1 and not out.client.is_connected()
    well(office.service, office.places, office.part)
    out.client.loop_stop()
    stays.close()


def test_a_list_that_the_authority_did_not_sign_changes_nothing(tmp_path: Path) -> None:
    ours, others = Authority.create(tmp_path / "ca"), Authority.create(tmp_path / "others")
    certs, offered = tmp_path / "certs", tmp_path / "offered.pem"
    broker_certificate(ours, certs)
    pair = issue(ours, "edge-01", tmp_path / "box")
    offered.write_bytes(others.revocations([(1, now())]))
    broker = BrokerPart(folder_of(tmp_path, "broker"), open_port(), certs, offered.as_uri())
    part = broker.start()
    try:
        well(broker.service, broker.places, part)
        until(lambda: "is not signed by our authority" in part.told(), 30, "the stranger's list is refused")
        peer = Peer(broker.port, certs / "ca.pem", pair)
        assert peer.publish("sightline/v1/edge-01/reply", b"{}") in TAKEN
        assert "somebody was shut out" not in part.told()
        peer.close()
        assert part.end() == 0
        assert not listening(broker.port)
    finally:
        part.end()


def test_an_older_list_lets_nobody_in_again(tmp_path: Path) -> None:
    """Who stands between broker and central keeps a list, signed as it is, and sends it when a box was shut out."""
    ours = Authority.create(tmp_path / "ca")
    certs, offered = tmp_path / "certs", tmp_path / "offered.pem"
    pair = issue(ours, "edge-01", tmp_path / "box")
    serial = x509.load_pem_x509_certificate(pair[0].read_bytes()).serial_number
    lists = []
    for revoked in ([], [(serial, now())], []):
        lists.append(ours.revocations(revoked))
        time.sleep(0.01)  # a list's number is its moment in ms
    before, without, again = lists
    broker_certificate(ours, certs)
    (certs / "crl.pem").write_bytes(before)
    offered.write_bytes(without)
    broker = BrokerPart(folder_of(tmp_path, "broker"), open_port(), certs, offered.as_uri())
    store = broker.folder / "store" / "crl.pem"
    part = broker.start()
    try:
        well(broker.service, broker.places, part)
        until(lambda: "somebody was shut out" in part.told(), 30, "the newer list is believed")
        offered.write_bytes(before)
        until(lambda: "is not newer than the list in force" in part.told(), 30, "the older one is not")
        assert store.read_bytes() == without
        assert part.told().count("somebody was shut out") == 1
        # One that came with the certificate, and is newer than what was fetched before, counts from the start.
        assert part.end() == 0
        (certs / "crl.pem").write_bytes(again)
        part = broker.start()
        well(broker.service, broker.places, part)
        assert (broker.folder / "run" / "certs" / "crl.pem").read_bytes() == again
        (certs / "crl.pem").write_bytes(before)
        assert part.end() == 0
        part = broker.start()
        well(broker.service, broker.places, part)
        assert (broker.folder / "run" / "certs" / "crl.pem").read_bytes() == without
    finally:
        part.end()


def test_a_broker_without_its_certificate_says_what_to_do(tmp_path: Path) -> None:
    broker = BrokerPart(folder_of(tmp_path, "broker"), open_port(), tmp_path, "file:///nowhere")
    assert broker.start().process.wait(20) == 2
    assert re.fullmatch(
        r"broker: .*ca.pem: is not there .* - run `sightline central ca broker HOST`.*\n", broker.part.told()
    )


def test_a_broker_that_dies_takes_its_container_along(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "ca")
    broker_certificate(authority, tmp_path / "certs")
    broker = BrokerPart(folder_of(tmp_path, "broker"), open_port(), tmp_path / "certs", "file:///nowhere")
    part = broker.start()
    try:
        well(broker.service, broker.places, part)
        children = Path(f"/proc/{part.process.pid}/task/{part.process.pid}/children").read_text().split()
        (mosquitto,) = [pid for pid in children if Path(f"/proc/{pid}/comm").read_text().strip() == "mosquitto"]
        os.kill(int(mosquitto), signal.SIGKILL)
        assert part.process.wait(20) == 1
        assert "mosquitto ended with status 137" in part.told()
    finally:
        part.end()


@pytest.fixture
def front(county: tuple[Office, BrokerPart], tmp_path: Path) -> Iterator[Front]:
    made = Front(tmp_path, county[0].url, county[1].port)
    try:
        well(made.service, {"127.0.0.1:8081": f"127.0.0.1:{made.inner}"}, made.part)
        yield made
    finally:
        made.part.end()


def test_the_front_lets_through_what_people_and_boxes_need(
    front: Front, county: tuple[Office, BrokerPart], tmp_path: Path
) -> None:
    office, broker = county
    with front.client(follow_redirects=True) as browser:
        page = browser.get("/")
        assert page.status_code == 200 and "max-age" in page.headers["Strict-Transport-Security"]
        assert [browser.get(path).status_code for path in ("/healthz", "/metrics")] == [404, 404]
        assert browser.post("/edge/v1/broker/access", json={"username": "edge-01"}).status_code == 404
        said = browser.post("/api/v1/session", json={"name": "li", "password": "a long password"})
        assert said.status_code == 201 and "Secure" in said.headers["Set-Cookie"]
    reached = SimpleNamespace(url=office.url, broker=SimpleNamespace(port=broker.port))
    code = office.run(["central", "enrol-code", "edge-03", "--no-qr", "--config", str(office.config)]).strip()
    settings = load_edge(box_settings(tmp_path / "edge-03", "edge-03", reached, [CAMERA]))
    enrol(settings, code)
    raw = os.urandom(3_000_000)
    headers = {"Authorization": f"Bearer {token(KeyRing(settings.data_dir / 'keys').load(), 'edge-03')}"}
    with front.client(headers=headers) as box:
        name = f"/edge/v1/media/{sha256_hex(raw)}"

        def there() -> int:
            return int(box.head(name).headers.get("Upload-Offset", "0"))

        def cut() -> Iterator[bytes]:
            yield raw[:1_000_000]
            # The front does not keep uploads to itself: what was sent is at central while more is to come. Not sooner,
            # for nginx drops what it has not read yet when it finds that whoever sent it has gone.
            until(lambda: there() > 0, 30, "the beginning is kept")
            raise ConnectionResetError("as when a box loses its line")

        def put(offset: int, content: bytes | Iterator[bytes]) -> int:
            size = {
                "Upload-Offset": str(offset),
                "Upload-Length": str(len(raw)),
                "Content-Length": str(len(raw) - offset),
            }
            return box.put(name, content=content, headers=size).status_code

        with pytest.raises(ConnectionResetError):
            put(0, cut())
        until(lambda: put(at := there(), raw[at:]) == 201, 30, "the rest arrives")


def test_a_box_trusts_the_authority_of_its_settings_and_says_whom_it_does_not_trust(
    front: Front, county: tuple[Office, BrokerPart], tmp_path: Path
) -> None:
    office, broker = county
    reached = SimpleNamespace(url=front.url, broker=SimpleNamespace(port=broker.port))
    code = office.run(["central", "enrol-code", "edge-05", "--no-qr", "--config", str(office.config)]).strip()
    path = box_settings(tmp_path / "edge-05", "edge-05", reached, [CAMERA])
    with pytest.raises(CentralError, match=r"not trusted here.* central\.tls_ca"):
        enrol(load_edge(path), code)
    settings = yaml.safe_load(path.read_text())
    for named, words in (("missing.pem", "missing.pem: cannot be read"), ("edge.yaml", "edge.yaml: cannot be read")):
        path.write_text(yaml.safe_dump(settings | {"central": {"url": front.url, "tls_ca": named}}))
        with pytest.raises(ConfigError, match=words):
            enrol(load_edge(path), code)
    shutil.copyfile(front.certificate, path.parent / "front.pem")
    path.write_text(yaml.safe_dump(settings | {"central": {"url": front.url, "tls_ca": "front.pem"}}))
    assert enrol(load_edge(path), code).edge_id == "edge-05", "and no try before used the code up"
    config, raw = load_edge(path), os.urandom(100_000)
    key = KeyRing(config.data_dir / "keys").load()
    still = tmp_path / sha256_hex(raw)
    still.write_bytes(raw)
    with client(config.central, httpx.Timeout(30.0)) as line:
        assert Transfer(line, config.central.url, "edge-05", key).send(still, still.name).state == "uploaded"
    with httpx.Client() as stranger:
        told = Transfer(stranger, config.central.url, "edge-05", key).send(still, still.name)
    assert told.state == "later" and "central.tls_ca" in told.reason


def test_behind_the_front_a_broker_still_sees_who_comes(
    front: Front, county: tuple[Office, BrokerPart], tmp_path: Path
) -> None:
    office, _ = county
    pair = issue(Authority.load(office.folder / "office" / "ca"), "edge-04", tmp_path / "box")
    peer = Peer(front.mqtt, office.folder / "certs" / "broker" / "ca.pem", pair)
    assert peer.publish("sightline/v1/edge-04/reply", b"{}") in TAKEN
    assert peer.publish("sightline/v1/edge-02/reply", b"{}") == "Not authorized"
    peer.close()


def test_failed_sign_ins_behind_the_front_are_counted_by_who_asks(
    front: Front, county: tuple[Office, BrokerPart]
) -> None:
    with front.client(headers={"X-Forwarded-For": "203.0.113.9"}) as stranger:
        assert stranger.post("/api/v1/session", json={"name": "li", "password": "guessed"}).status_code == 401
    db = Database(load_config(county[0].config).database.url)
    with db.read() as session:
        keys = set(session.execute(select(Attempt.key)).scalars())
    db.close()
    assert "address:127.0.0.2" in keys
    assert not any("203.0.113.9" in key or "127.0.0.1" in key for key in keys)
