"""A whole box before a whole central, and everybody has a password: none of them stands where it need not.

`sightline edge run` with worker, inference, recorder, sensors and deliver; Mosquitto; central; a camera, asked once with
its password and once with a wrong one; a gateway; an officer. A shorter search goes with the run of
tests/integration/test_edge_processes.py, that for certificates and their keys is tests/integration/test_mtls_whole.py.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import yaml

from tests.integration.deliver_peers import ROOT, Mosquitto, listening, publish_as, until
from tests.integration.edge_peers import CLIP, SITE, Field
from tests.integration.secret_search import Secret, leaks, of_jwk, of_pem, of_text
from tests.scenes.rtsp import GstServer, leftovers, open_port

#: Signs that addresses, forms, JSON and HTML write otherwise.
CAMERA, MISTYPED = "c4m/era@pw #9", "wr0ng/c4mera pw"
BROKER = {"central": 'c3ntral"pass/word=8', "box-7": "br0ker+pass/word=7", "gw-a": "g4teway&pass<word>"}
OFFICER, NO_OFFICER = "b0ttle/of ink & 7 pens", "b0ttle/of ink & 8 pens"
SENSOR = {"id": "water-01", "kind": "water_level", "place": "north sump", "unit": "cm", "raise_at": 30, "clear_at": 20}


def sightline(*words: object, given: str = "", status: int = 0) -> str:
    """Run a command to its end; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "sightline", *map(str, words)], cwd=ROOT, input=given, capture_output=True, text=True,
        timeout=120, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


class Office:
    """Central and its broker."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.broker_port = folder, open_port(), open_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secret, self.config = folder / "broker-password", folder / "central.yaml"
        folder.mkdir()
        self.secret.write_text(BROKER["central"])
        self.secret.chmod(0o600)
        broker = {"port": self.broker_port, "username": "central", "password_file": self.secret.name}
        settings = {"port": self.port, "data_dir": "data", "database": {"url": "sqlite:///central.sqlite"}}
        self.config.write_text(yaml.safe_dump(settings | {"broker": broker}))
        self.broker = Mosquitto(folder / "broker", self.broker_port, BROKER)
        with (folder / "broker" / "acl").open("a") as rights:
            rights.write("\nuser gw-a\ntopic write sightline/v1/box-7/sensor/water-01\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.broker.start()
        words = [sys.executable, "-m", "sightline", "central", "serve", "--config", str(self.config)]
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(
                words, cwd=ROOT, stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )
        until(lambda: listening(self.port), 60, "central listens")
        add = ("central", "user", "add", "li", "--role", "officer", "--password-stdin", "--config", self.config)
        sightline(*add, given=OFFICER + "\n")

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self.broker.kill()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "office")
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def camera(shared: Path) -> Iterator[GstServer]:
    server = GstServer(shared / "clips" / CLIP, password=CAMERA)
    yield server
    server.stop()


@pytest.fixture
def box(tmp_path: Path, shared: Path, office: Office, camera: GstServer) -> Iterator[Field]:
    """Its camera's password is kept by the box; a second camera has a wrong one in the site file itself."""
    folder = tmp_path / "box"
    folder.mkdir()
    made = Field(folder, shared / "clips" / SITE, camera.url, office.broker_port, office.url, shared / "weights")
    (folder / "pw").write_text(BROKER["box-7"])
    site = yaml.safe_load(made.site.read_text(encoding="utf-8"))
    (right,) = site["cameras"]
    right |= {"url": camera.url.replace("://", "://user:${secret:cam}@"), "recording": {"segment_s": 2}}
    address = camera.url.replace("://", f"://user:{quote(MISTYPED, safe='')}@")
    wrong = {"id": "cam-2", "url": address, "frame": [*right["frame"]], "recording": {"segment_s": 2}}
    made.site.write_text(yaml.safe_dump(site | {"cameras": [right, wrong], "sensors": [SENSOR]}))
    made.site.chmod(0o600)
    made.set(recording={"min_free_bytes": 0})
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end()


@pytest.fixture
def dumps() -> Iterator[None]:
    """A machine that writes core dumps, which are what a process held in its memory."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def sign_in(client: httpx.Client) -> list[httpx.Response]:
    """An officer signs in, wrongly and rightly; what was answered."""
    wrong, right = ({"name": "li", "password": one} for one in (NO_OFFICER, OFFICER))
    answers = [
        client.post("/api/v1/session", json=wrong),
        client.post("/sign-in", data=wrong, headers={"Accept": "text/html"}),
        client.post("/api/v1/session", json=right),
    ]
    assert [one.status_code for one in answers] == [401, 401, 201]
    return answers


def awaited(box: Field, true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until `true()`, as long as the box runs."""
    assert box.process is not None
    until(lambda: true() or box.process.poll() is not None, seconds, box.log)  # type: ignore[union-attr]
    assert true(), box.told()


def happens(box: Field, office: Office, client: httpx.Client) -> str:
    """A vehicle stands too long, water rises, a camera refuses its password; the number of the case."""
    topic, raw = "sightline/v1/box-7/sensor/water-01", b'{"value": 42, "unit": "cm"}'

    def rises() -> object:
        publish_as(office.broker_port, "gw-a", BROKER["gw-a"], topic, raw)
        return client.get("/api/v1/alarms").json()["items"]

    awaited(box, lambda: "cam-2" in box.told() and "password" in box.told(), 90)
    awaited(box, rises)
    awaited(box, lambda: client.get("/api/v1/cases").json()["items"], 200)
    return str(client.get("/api/v1/cases").json()["items"][0]["number"])


def looked_at(client: httpx.Client, number: str) -> list[httpx.Response]:
    """Every page and answer that shows the case, the box or the alarm."""
    html = {"Accept": "text/html"}
    (alarm,) = client.get("/api/v1/alarms").json()["items"]
    paths = ["/", "/?show=sensors", f"/cases/{number}", f"/alarms/{alarm['number']}", "/cases/20260101-9999"]
    paths += [f"/api/v1/cases/{number}", "/metrics", "/healthz", "/api/v1/alarms"]
    return [client.get(path, headers=html if "api" not in path else {}) for path in paths]


def faults(box: Field, office: Office, camera: GstServer) -> None:
    """Parts die, the camera and the broker vanish: that is when much is told."""
    for part in ("edge.worker", "edge.deliver", "edge.record", "edge.sensors"):
        os.kill(box.part(part)[0], signal.SIGABRT)
    awaited(box, lambda: box.told().count("killed by signal 6 - starting it anew") == 4)
    awaited(box, lambda: box.report().get("cameras", {}).get("cam-1") == "live")
    camera.stop()
    awaited(box, lambda: box.report()["cameras"].get("cam-1") == "lost")
    office.broker.kill()
    awaited(box, lambda: not box.report()["outbox"].get("connected", True))


def commands(box: Field, office: Office, camera: GstServer, number: str, folder: Path) -> str:
    """What the commands say that show something, and those that fail."""
    bundle, central = folder / "case.zip", ("--config", office.config)
    said = sightline("evidence", "export", number, "--by", "li", "--output", bundle, "--without-redacted", *central)
    said += sightline("evidence", "verify", bundle) + sightline("evidence", "audit", *central)
    said += sightline("central", "edge", "list", *central) + sightline("central", "media", "usage", *central)
    said += sightline("edge", "secret", "list", "--config", box.config) + sightline("edge", "check", box.site)
    said += sightline("edge", "enrol", "AAAA-BBBB-CCCC", "--config", box.config, status=1)
    said += sightline("edge", "probe", camera.url.replace("://", f"://user:{quote(MISTYPED, safe='')}@"), status=1)
    said += sightline("edge", "outbox", "export", folder / "held.zip", "--config", box.config)
    return said


def secrets_of(box: Field, office: Office, code: str, cookie: str) -> dict[str, Secret]:
    """What must be nowhere but in its own files."""
    keys, data = box.data / "keys", office.folder / "data"
    return {
        "password of the camera": of_text(CAMERA),
        "user and password of the camera, as RTSP says them": of_text(f"user:{CAMERA}"),
        "mistyped password of the camera": of_text(MISTYPED, box.site),
        "password of the box": of_text(BROKER["box-7"], box.folder / "pw"),
        "password of central": of_text(BROKER["central"], office.secret),
        "password of the gateway": of_text(BROKER["gw-a"]),
        "password of the officer": of_text(OFFICER),
        "mistyped password of the officer": of_text(NO_OFFICER),
        "code": of_text(code),
        "cookie of the session": of_text(cookie),
        "key of the secrets": of_text((keys / "secrets.key").read_text().strip(), keys / "secrets.key"),
        "sealing key": of_jwk(keys / "edge.jwk"),
        "key of the office": of_jwk(data / "office.jwk"),
        "key of the manifests": of_pem(data / "c2pa.pem"),
    }


def seen_by_anybody(box: Field, office: Office) -> bytes:
    """Command lines of all processes, and what their children would inherit. None of them may dump its memory."""
    assert office.process is not None and box.process is not None
    pids = {office.process.pid, box.process.pid, *leftovers(str(box.folder))}
    assert len(pids) >= 7
    limits = "\n".join(Path(f"/proc/{pid}/limits").read_text() for pid in pids)
    assert set(re.findall(r"Max core file size +(\w+)", limits)) <= {"0", "1"}
    return b"".join(Path(f"/proc/{pid}/{what}").read_bytes() for pid in pids for what in ("cmdline", "environ"))


@pytest.mark.long
@pytest.mark.timeout(400)
def test_no_password_or_key_of_a_whole_run_is_anywhere_but_in_its_own_file(
    tmp_path: Path, office: Office, camera: GstServer, box: Field, dumps: None
) -> None:
    said = sightline("edge", "secret", "set", "cam", "--config", box.config, given=CAMERA + "\n")
    code = sightline("central", "enrol-code", "box-7", "--config", office.config).strip()
    said += sightline("edge", "enrol", code, "--config", box.config)
    client = httpx.Client(base_url=office.url, timeout=30)
    answers = sign_in(client)
    box.run()
    number = happens(box, office, client)
    answers += looked_at(client, number)
    seen = seen_by_anybody(box, office)
    metrics = box.metrics() + json.dumps(box.report())
    faults(box, office, camera)
    assert box.end() == 0
    said += commands(box, office, camera, number, tmp_path)
    office.end()
    for name, text in {"said": said, "metrics": metrics, "pages": "\n".join(one.text for one in answers)}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "seen").write_bytes(seen)
    secrets = secrets_of(box, office, code, client.cookies["sightline_session"])
    client.close()
    assert list(tmp_path.rglob("core*")) == []
    assert leaks(tmp_path, secrets) == []
    for name, secret in secrets.items():
        assert all(any(form in path.read_bytes() for form in secret.forms.values()) for path in secret.own), name
        assert {path for path in secret.own if path.stat().st_mode & 0o077} == set(), f"{name}: owner alone"
    (tmp_path / "seeded").write_text(f"rtsp://user:{quote(CAMERA, safe='')}@127.0.0.1/cam")
    assert len(leaks(tmp_path, secrets)) == 1, "the search sees a leak where there is one"
