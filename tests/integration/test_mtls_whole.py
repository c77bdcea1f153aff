"""A small county from the first command to the last: enrolled, renewed, shut out - and no secret of it anywhere.

Central with its authority, Mosquitto with mTLS, a box whose camera asks for a password: all made with the commands that
docs/enrolment.md names.
"""

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from cryptography import x509
from deliver_peers import feed, until
from mtls_peers import County, Peer, Process, box_settings, county, issue, private_key_of, sightline
from secret_search import Secret, leaks, leaks_in, of_jwk, of_pem, of_text

from central.ca.authority import key_pem, pem
from contract.events import now
from edge.deliver.certificate import ClientCertificate
from edge.deliver.spool import Spool
from edge.record.index import Index
from edge.secrets import SecretStore
from tests.scenes.recordings import record
from tests.scenes.rtsp import FileServer, GstServer, has_gst, open_port

#: Signs that an address must not show as they are.
RIGHT, WRONG = "c4m/era@pw #9", "wr0ng-c4mera-pw"


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a camera, without its password; it asks for one where GStreamer's server is installed."""
    folder = tmp_path_factory.mktemp("camera")
    record(folder / "in.mp4", 20.0, gop=25, size=(320, 192))
    server = GstServer(folder / "in.mp4", password=RIGHT) if has_gst() else FileServer(folder)
    yield server.url if isinstance(server, GstServer) else server.url("in.mp4")
    server.stop()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    with county(tmp_path_factory.mktemp("whole") / "county", open_port(), open_port()) as made:
        yield made


def cameras(url: str) -> list[dict]:
    """One whose password is right, one whose password is wrong: refusals are where addresses are told."""
    made = []
    for name in ("right", "wrong"):
        address = url.replace("://", f"://user:${{secret:{name}}}@")
        made.append({"id": f"cam-{name}", "url": address, "frame": [320, 192], "recording": {"segment_s": 2}})
    return made


def rows(office: County, query: str) -> list[tuple]:
    path = office.config.parent / "central.sqlite"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(query).fetchall()


def nearly_over(office: County, own: ClientCertificate, edge_id: str) -> int:
    """Give the box a certificate of which less than a third is left, as if it had been away; its serial number."""
    key = private_key_of(own.path)
    made = office.ca.client(edge_id, key.public_key(), timedelta(minutes=20))  # and an hour of it has passed
    own.path.write_bytes(key_pem(key) + pem(made).encode())
    return made.serial_number


class Box:
    """A box that was enrolled with the commands; deliver and a recorder run."""

    def __init__(self, edge_id: str, office: County, url: str) -> None:
        folder = office.folder.parent / edge_id
        self.edge_id, self.folder, self.office, self.data = edge_id, folder, office, folder / "data"
        self.config = box_settings(folder, edge_id, office, cameras(url))
        for name, value in (("right", RIGHT), ("wrong", WRONG)):
            sightline("edge", "secret", "set", name, "--config", self.config, given=value + "\n")
        self.code, self.invitation = office.invitation(edge_id)
        self.said = sightline("edge", "enrol", self.invitation, "--config", self.config)
        self.certificate = ClientCertificate(self.data / "keys")
        self.deliver: Process | None = None
        self.recorder: Process | None = None

    def start(self) -> None:
        self.deliver = Process(self.folder / "deliver.log", "-m", "edge.deliver.process", "--config", self.config)

    def record(self) -> None:
        words = ["-m", "edge.record.process", "--config", self.config, "--cameras", "cam-right,cam-wrong"]
        self.recorder = Process(self.folder / "recorder.log", *words)

    def state(self) -> dict:
        path = self.data / "outbox" / "state.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def end(self) -> None:
        for process in (self.recorder, self.deliver):
            if process is not None:
                process.end()


@pytest.fixture
def box(request: pytest.FixtureRequest, office: County, camera: str) -> Iterator[Box]:
    made = Box("box-renewed" if "renews" in request.node.name else "box-1", office, camera)
    yield made
    made.end()


def secrets_in(office: County, box: Box, watcher: Path, desk: dict[str, str]) -> dict[str, Secret]:
    """What must be nowhere but in its own files. `desk`: what people typed and were given."""
    keys, data = box.data / "keys", office.config.parent / "data"
    found = {
        "code": of_text(box.code),
        "sealing key": of_jwk(keys / "edge.jwk"),
        "key of the office": of_jwk(data / "office.jwk"),
        "key of the secrets": of_text((keys / "secrets.key").read_text().strip(), keys / "secrets.key"),
        "password of the camera": of_text(RIGHT),
        "wrong password of the camera": of_text(WRONG),
        "user and password of the camera, as RTSP says them": of_text(f"user:{RIGHT}"),
        **{name: of_text(value) for name, value in desk.items()},
    }
    certs = [
        *office.broker.certs.glob("*.key"),
        *(office.config.parent / "certs").glob("*.key"),
        *watcher.glob("*.key"),
    ]
    for path in [data / "ca" / "private" / "ca.key", box.certificate.path, *certs]:
        found[str(path)] = of_pem(path)
    return found


def at_the_desk(office: County, folder: Path) -> dict[str, str]:
    """An officer signs in, wrongly and rightly, and looks around. What was typed, and the cookie that was given."""
    typed = {"password of the officer": "b0ttle/of ink & 7 pens", "mistyped password": "b0ttle/of ink & 8 pens"}
    words = ("central", "user", "add", "li", "--role", "officer", "--password-stdin", "--config", office.config)
    sightline(*words, given=typed["password of the officer"] + "\n")
    said = []
    with httpx.Client(base_url=office.url) as client:
        wrong = {"name": "li", "password": typed["mistyped password"]}
        form = {"Accept": "text/html"}
        said += [client.post("/api/v1/session", json=wrong), client.post("/sign-in", data=wrong, headers=form)]
        opened = client.post("/api/v1/session", json=wrong | {"password": typed["password of the officer"]})
        assert opened.status_code == 201
        said += [
            client.get(path, headers=form)
            for path in ("/", "/cases/20260101-0001", "/api/v1/cases", "/metrics", "/healthz")
        ]
        said += [
            client.post("/api/v1/cases/20260101-0001/approve", json={"version": 1}, headers={"X-CSRF-Token": "wrong"})
        ]
        typed["cookie of the session"] = client.cookies["sightline_session"]
    # The page carries the token of its own session: that is where a form takes it from.
    (folder / "pages").write_text("\n".join(one.text.replace(opened.json()["csrf"], "") for one in said))
    return typed


def _search_finds(root: Path, secrets: dict[str, Secret]) -> None:
    """The search sees a leak where there is one: each secret, in each spelling, in a log, an archive and a database."""
    log, archive, database = root / "seeded.log", root / "seeded.zip", root / "seeded.sqlite"
    for name, secret in secrets.items():
        for how, form in secret.forms.items():
            log.write_bytes(b"2026-11-22 error: refused " + form + b" by the camera\n")
            assert any(one.startswith(f"{name}, {how}, in {log}") for one in leaks_in(log, {name: secret})), (name, how)
    one = next(iter(secrets.items()))
    form = one[1].forms["as it is"]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("report.txt", b"x" * 5000 + form + b"x" * 5000)
    assert leaks_in(archive, dict([one]))
    for size in range(600, 1200, 5):  # until it lies over the edge of a page, not side by side in the file
        database.unlink(missing_ok=True)
        with closing(sqlite3.connect(database)) as db:
            db.executescript("PRAGMA page_size = 512; PRAGMA synchronous = OFF; CREATE TABLE t (raw BLOB)")
            db.execute("INSERT INTO t VALUES (?)", (b"y" * size + form + b"y" * 5000,))
            db.commit()
        if form not in database.read_bytes():
            break
    assert form not in database.read_bytes() and leaks_in(database, dict([one]))
    archive.unlink()
    database.unlink()
    log.unlink()


def command_lines(*processes: Process | None) -> bytes:
    """What anybody on the machine sees of them, and what their children would inherit."""
    pids = [process.pid for process in processes if process is not None]
    return b"".join(Path(f"/proc/{pid}/{what}").read_bytes() for pid in pids for what in ("cmdline", "environ"))


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_box_renews_by_itself_and_is_shut_out_from_central(office: County, box: Box) -> None:
    events = f"SELECT count(*) FROM events WHERE edge_id = '{box.edge_id}'"
    first = box.certificate.held()
    assert first is not None and first.end - now() > timedelta(days=89) and "renews it by itself" in box.said
    old = nearly_over(office, box.certificate, box.edge_id)
    box.start()
    assert box.deliver is not None
    until(lambda: box.state().get("connected"), 60, box.deliver.told())
    renewed = _renewed(box, f"{old:x}")
    assert renewed.end - now() > timedelta(days=89)
    # The old one is put on the list: what lets the box in again after a restart of the broker can only be the new one.
    crl = office.config.parent / "data" / "ca" / "crl.pem"
    office.broker.kill()
    (office.broker.certs / "crl.pem").write_bytes(office.ca.revocations([(old, now())]))
    office.broker.start()
    Spool(box.data / "spool").put(feed(box.edge_id, "cam-right", "after the renewal"), {})
    until(lambda: rows(office, events) == [(2,)], 60, box.deliver.told())
    assert "will renew" in sightline("central", "edge", "rotate", box.edge_id, "--config", office.config)
    box.deliver.end()
    box.start()  # it asks at its start, and then each hour
    exchanged = _renewed(box, renewed.serial)
    assert renewed.serial in _listed(crl) and exchanged.serial not in _listed(crl)
    sightline("central", "edge", "revoke", box.edge_id, "--config", office.config)
    assert {renewed.serial, exchanged.serial} <= _listed(crl)
    box.deliver.end()
    office.broker.read_anew(crl)
    Spool(box.data / "spool").put(feed(box.edge_id, "cam-right", "after it was shut out"), {})
    box.start()
    until(lambda: "was this box shut out?" in box.deliver.told(), 60, box.deliver.told())
    assert rows(office, events) == [(2,)] and not box.state().get("connected")


def _renewed(box: Box, before: str):
    held: list = []

    def changed() -> bool:
        held[:] = [box.certificate.held()]
        return held[0].serial != before

    assert box.deliver is not None
    until(changed, 60, box.deliver.told())
    return held[0]


def _listed(crl: Path) -> set[str]:
    return {f"{one.serial_number:x}" for one in x509.load_pem_x509_crl(crl.read_bytes())}


@pytest.mark.timeout(120)
def test_a_qr_code_of_another_authority_is_not_believed(tmp_path: Path, office: County) -> None:
    config = box_settings(tmp_path / "box", "box-2", office, [{"id": "cam-1", "url": "rtsp://h/", "frame": [320, 192]}])
    _, invitation = office.invitation("box-2")
    settings = yaml.safe_load(config.read_text())
    other = sightline("edge", "enrol", invitation.replace("edge=box-2", "edge=box-3"), "--config", config, status=2)
    assert "the code is for box 'box-3'" in other
    forged = invitation[:-64] + "0" * 64
    assert "another authority than the QR code names" in sightline(
        "edge", "enrol", forged, "--config", config, status=1
    )
    keys = tmp_path / "box" / settings["data_dir"] / "keys"
    assert not (keys / "edge.jwk").exists() and not (keys / "client.pem").exists(), "nothing is in force"


@pytest.mark.timeout(240)
def test_no_password_or_key_of_a_whole_run_is_anywhere_but_in_its_own_file(office: County, box: Box) -> None:
    root = office.folder.parent
    watcher = Peer(office.broker.port, box.certificate.ca, issue(office.ca, "central", root / "watcher"))
    watcher.listen("#")
    box.start()
    box.record()
    assert box.recorder is not None and box.deliver is not None
    Spool(box.data / "spool").put(feed("box-1", "cam-right", "lost for a test"), {})
    with closing(Index(box.data / "recordings")) as index:
        until(lambda: list(index.segments("cam-right")), 60, box.recorder.told())
    if has_gst():
        until(lambda: "cam-wrong" in box.recorder.told() and "password" in box.recorder.told(), 60, box.recorder.told())
    until(
        lambda: (
            rows(office, "SELECT count(*) FROM events WHERE edge_id = 'box-1'")[0][0] >= 2
            and box.state().get("pending") == 0
        ),
        60,
    )
    desk = at_the_desk(office, root)
    seen = command_lines(box.deliver, box.recorder, office.process)
    # Every command that shows something, and commands that fail: their words are kept beside the logs.
    said = office.said + box.said.replace(box.invitation, "").replace(box.code, "")
    for words in (("edge", "secret", "list", "--config", box.config), ("edge", "check", box.folder / "site.yaml"),
                  ("central", "edge", "list", "--config", office.config), ("central", "ca", "list", "--config", office.config)):  # fmt: skip
        said += sightline(*words)
    said += sightline("edge", "enrol", box.code, "--config", box.config, status=1)
    box.end()
    Spool(box.data / "spool").put(feed("box-1", "cam-right", "still waiting"), {})
    said += sightline("edge", "outbox", "export", root / "held.zip", "--config", box.config)
    office.end()  # the last test: what central writes when it ends is looked through too
    (root / "said").write_text(said)
    (root / "seen").write_bytes(seen)
    (root / "heard").write_bytes(b"\n".join(topic.encode() + b" " + payload for topic, payload in watcher.got))
    watcher.close()
    secrets = secrets_in(office, box, root / "watcher", desk)
    assert len(watcher.got) >= 3 and len(secrets) >= 15
    assert leaks(root, secrets) == []
    private = [box.data / "secrets.json", *box.data.joinpath("keys").iterdir(), *{path for one in secrets.values() for path in one.own}]  # fmt: skip
    assert {path.name for path in private if path.stat().st_mode & 0o077} == set(), "owner alone"
    # The search finds what is there: each secret in the files that are its own.
    for name, secret in secrets.items():
        assert all(any(form in path.read_bytes() for form in secret.forms.values()) for path in secret.own), name
    _search_finds(root, secrets)
    store = SecretStore(box.data / "secrets.json", box.data / "keys" / "secrets.key")
    assert (store.get("right"), store.get("wrong")) == (RIGHT, WRONG)
