"""A recording is handed out, every part real: recorder, masks, ledger, deliver, broker, central with its jobs, verifier.

The camera shows a room with a secret in glaring colours where the mask is: every picture of what was handed out is
decoded and looked at.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from deliver_peers import ROOT, Box, until
from joserfc.jwk import OKPKey
from sqlalchemy import update
from test_deliver_central import USERS, Central

from central.accounts import sessions
from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.db.accounts import User, UserRole, UserSession
from central.db.database import Database
from central.sites import register
from contract.events import now
from contract.sealing import thumbprint
from edge.config import load_config
from edge.deliver.enrol import enrol
from sightline.broker import EmbeddedBroker
from tests.mask_kit import SECRET, record_room, showing
from tests.ports import open_port
from tests.scenes.rtsp import FileServer

SIZE = (320, 192)
S = 1_000_000


class Place:
    """A polling station: its camera's recorder beside its deliver, and central."""

    def __init__(self, folder: Path, central: Central, box: Box, url: str) -> None:
        self.central, self.box, self.folder = central, box, folder
        begin = datetime.now(UTC) - timedelta(hours=1)
        hours = {"phase": "voting", "from": begin.isoformat(), "until": (begin + timedelta(hours=9)).isoformat()}
        zone = {"id": "booth", "type": "privacy_mask", "polygon": [list(point) for point in SECRET]}
        camera = {"id": "hall", "url": url, "frame": list(SIZE), "recording": {"segment_s": 2}, "zones": [zone]}
        site = {
            "site": "ps-1", "name": "S", "timezone": "UTC", "jurisdiction": "cn-default", "cameras": [camera],
            "polling": {"station": "1", "township": "T", "village": "V", "windows": [hours], "masks": "edge"},
        }  # fmt: skip
        self.site = box.config.parent / "site.yaml"
        self.site.write_text(yaml.safe_dump(site))
        said = yaml.safe_load(box.config.read_text())
        box.config.write_text(yaml.safe_dump(said | {"recording": {"min_free_bytes": 0, "block_s": 2}}))
        self.recorder: subprocess.Popen[bytes] | None = None

    def record(self) -> None:
        command = [sys.executable, "-m", "edge.record.process", "--config", str(self.box.config), "--cameras", "hall"]
        with (self.folder / "recorder.log").open("ab") as out:
            self.recorder = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env={**os.environ})

    def person(self, name: str, role: Role) -> tuple[httpx.Client, str]:
        """Somebody's browser, and the token of their forms."""
        db = Database(f"sqlite:///{self.central.folder / 'central.sqlite'}")
        with db.write() as session:
            row = User(name=name, password_hash="$argon2id$none", created_at=now())
            session.add(row)
            session.flush()
            session.add(UserRole(user_id=row.id, role=str(role)))
            token = sessions.opened(session, row, "127.0.0.1", "test")
            session.execute(update(UserSession).values(second_by="provider"))
        db.close()
        client = httpx.Client(base_url=self.central.url, cookies={SESSION_COOKIE: token.token}, timeout=30)
        return client, client.get("/api/v1/session").json()["csrf"]

    def registers(self) -> None:
        """The office puts the site file in force."""
        db = Database(f"sqlite:///{self.central.folder / 'central.sqlite'}")
        with db.write() as session:
            register.add(session, self.site, register.Terms("330122", date(2026, 1, 1), None, "chen"))
        db.close()

    def told(self) -> tuple[int, int]:
        """From when to when the camera's ledger is at central."""
        rows = self.central.rows("SELECT from_us, until_us FROM recording_ledgers")
        return rows[0] if rows and rows[0][0] is not None else (0, 0)

    def state(self) -> tuple[str, str, str, int]:
        return self.central.rows("SELECT state, waits, why, here FROM recording_exports")[0]


@pytest.fixture
def place(tmp_path: Path, free_port: int) -> Iterator[Place]:
    films = tmp_path / "films"
    films.mkdir()
    record_room(films / "room.mp4", 8.0, SIZE)
    server = FileServer(films)
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        central = Central(tmp_path / "central", open_port(), free_port)
        box = Box(tmp_path / "box", free_port, USERS["box-1"], central.url)
        box.ring.path.unlink()
        one = Place(tmp_path, central, box, server.url("room.mp4"))
        one.record()
        central.start()
        enrol(load_config(box.config), central.code("box-1"))
        yield one
        if one.recorder is not None:
            one.recorder.kill()
            one.recorder.wait()
        box.kill()
        central.kill()
        server.stop()


def test_from_the_camera_to_who_checks_it_alone(place: Place, tmp_path: Path) -> None:
    place.registers()
    place.box.start()
    mei, mei_csrf = place.person("mei", Role.MONITOR)
    chen, chen_csrf = place.person("chen", Role.CHIEF)
    until(lambda: place.told()[1] - place.told()[0] > 8 * S, 60, "eight seconds are in the ledger")
    first = place.told()[0] // S + 1
    form = {
        "csrf": mei_csrf, "camera": "box-1/hall", "reason": "a complaint", "from": _form(first), "until": _form(first + 6)
    }  # fmt: skip
    asked = mei.post("/stations/ps-1/recordings", data=form)
    assert asked.status_code == 303, asked.text
    ((key,),) = place.central.rows("SELECT request FROM recording_exports")
    assert mei.post(f"/approvals/{key}/approve", data={"csrf": mei_csrf}).status_code == 403
    assert chen.post(f"/approvals/{key}/approve", data={"csrf": chen_csrf, "note": ""}).status_code == 303
    until(lambda: place.state()[3] > 0 or place.state()[0] == "ready", 30, "the first has come")
    place.central.kill()
    place.central.start()
    until(lambda: place.state()[0] == "ready", 60, f"the archive is built {place.state()}")
    path = tmp_path / f"{key}.zip"
    with mei.stream("GET", f"/recordings/{key}/archive") as answer, path.open("wb") as file:
        etag, size = answer.headers["etag"], int(answer.headers["content-length"])
        for chunk in answer.iter_bytes(8192):
            file.write(chunk)
            if file.tell() > size // 2:
                break  # the line is cut
    have = path.stat().st_size
    assert have < size and "broke off" in _verified(place, path, 1)
    rest = mei.get(f"/recordings/{key}/archive", headers={"Range": f"bytes={have}-", "If-Range": etag})
    assert rest.status_code == 206
    with path.open("ab") as file:
        file.write(rest.content)
    assert "whole and unaltered" in _verified(place, path, 0)
    with zipfile.ZipFile(path) as held:
        films = [held.extract(name, tmp_path / "out") for name in held.namelist() if name.startswith("segments/")]
    seen = showing(map(Path, films))
    assert seen.pictures >= 6 * 25 and seen.showing == 0 and seen.sizes == {SIZE}
    asked_of = place.central.rows("SELECT word, status FROM box_commands ORDER BY asked_at")
    until(lambda: len(place.central.rows("SELECT 1 FROM box_commands WHERE status = 'done'")) == 3, 20, str(asked_of))


def _form(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _verified(place: Place, path: Path, status: int) -> str:
    """What the verifier says to somebody who has the archive, the office's key and its published heads."""
    data = place.central.folder / "data"
    office = thumbprint(OKPKey.import_key(json.loads((data / "office.jwk").read_text())))
    command = [sys.executable, "-m", "sightline", "evidence", "verify", str(path), "--trust", office]
    done = subprocess.run(
        [*command, "--heads", str(data / "heads.jsonl")], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr
