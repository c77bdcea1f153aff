"""What `sightline bench live` runs against: a broker, a central with hundreds of stations, a box and its camera."""

import json
import secrets
import shutil
import socket
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import yaml
from numpy.typing import NDArray

from central.config import load_config
from central.db import migrate
from central.db.database import Database
from central.db.edges import Edge
from central.db.polling import BoxState, CameraState, RecordingGap, RecordingLedger, Station
from central.db.sites import Site
from central.polling.continuity import micros
from contract.errors import RunError
from sightline.bench.broker import broker_part
from sightline.bench.cameras import cameras_part
from sightline.bench.county import Mount
from sightline.bench.listener import USER
from sightline.bench.mix.encode import encode
from sightline.bench.mix.stream import FPS, Stream, write_stream
from sightline.bench.process import cpu_seconds, family
from sightline.bench.timecode import stamp
from sightline.demo import checks
from sightline.demo.parts import Part, Parts, run_once, wait_until

EDGE_ID, CAMERA, SITE = "bench-live", "hall-1", "station-000"
PEOPLE: Final = tuple(f"monitor-{n}" for n in range(1, 5))
SIZE, LOOP_S = (1920, 1080), 20
_CENTRAL = "central"
_PYTHON = [sys.executable, "-m"]
_SIGHTLINE = [*_PYTHON, "sightline"]
_USUAL = {"broker": 8893, "central": 8090, "cameras": 8564, "health": 9164}
_MIN = timedelta(minutes=1)


@dataclass
class Hall:
    """A run's folder, ports and processes. `epoch`: Unix seconds at which the camera's loop began."""

    run: Path
    stations: int
    parts: Parts = field(default_factory=Parts)
    epoch: float = 0.0
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    ports: dict[str, int] = field(default_factory=dict)
    central: Part | None = None

    @property
    def address(self) -> str:
        """Central's."""
        return f"http://127.0.0.1:{self.ports['central']}"

    def start(self) -> None:
        """All of it, up to a box whose camera is on the wall. Raises RunError."""
        self._make()
        passwords = {name: secrets.token_urlsafe(24) for name in (EDGE_ID, _CENTRAL, USER)}
        for name, password in passwords.items():
            self._private(f"secrets/{name}", password + "\n")
        self._write("site.yaml", site_file(self.ports["cameras"]))
        self._write("central.yaml", self._central())
        self._write("edge.yaml", self._edge())
        self._seed()
        broker = self.parts.start(
            broker_part(self.run / "broker", self._log("broker"), self.ports["broker"], passwords)
        )
        wait_until(lambda: _listens(self.ports["broker"]), "the broker's start", [broker], 30)
        serve = [*_SIGHTLINE, "central", "serve", "--config", str(self.run / "central.yaml")]
        self.central = self.parts.start(Part("central", serve, self._log("central")))
        wait_until(self._well, "central's start", [self.central], 90)
        self._enrol()
        self._camera()
        box = [*_SIGHTLINE, "edge", "run", "--config", str(self.run / "edge.yaml")]
        edge = self.parts.start(Part("edge", box, self._log("edge")))
        wait_until(self._known, "the first block of the box's ledger", [edge, self.central], 120)

    def central_cpu_s(self) -> float:
        """Of central and all its processes, so far."""
        assert self.central is not None
        assert self.central.process is not None
        return sum(cpu_seconds(pid) for pid in family(self.central.process.pid))

    def session(self, name: str) -> str:
        """`name=value` of the cookie of somebody who has signed in. Raises RunError."""
        asked = {"name": name, "password": self.password, "next": "/"}
        with httpx.Client(base_url=self.address, headers={"Accept": "text/html"}, timeout=60) as client:
            answer = client.post("/sign-in", data=asked)
            if answer.status_code != 303 or not client.cookies:
                raise RunError(f"{self.address}: central does not let {name} in (status {answer.status_code})")
            return "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)

    def due(self, number: int, seen: float) -> float:
        """When the camera took the picture `number` that was seen at Unix second `seen`."""
        at = self.epoch + number / FPS
        return at + (seen - at) // LOOP_S * LOOP_S

    def _make(self) -> None:
        checks.require_space(self.run, 1_000_000_000)
        try:
            shutil.rmtree(self.run, ignore_errors=True)
            for folder in (self.run, self.run / "logs", self.run / "secrets", self.run / "central-data"):
                folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise RunError(f"{self.run}: cannot be written ({error.strerror}) - choose another --data-dir") from error
        self.ports = {name: checks.port(None, usual) for name, usual in _USUAL.items()}

    def _seed(self) -> None:
        db = Database(load_config(self.run / "central.yaml").database.url)
        try:
            migrate.upgrade(db)
            fill(db, self.stations)
        finally:
            db.close()
        for name in PEOPLE:
            command = [*_SIGHTLINE, "central", "user", "add", name, "--config", str(self.run / "central.yaml")]
            run_once([*command, "--role", "monitor", "--password-stdin"], f"account {name}", self.password + "\n")

    def _enrol(self) -> None:
        config = ["--config", str(self.run / "central.yaml")]
        code = run_once([*_SIGHTLINE, "central", "enrol-code", EDGE_ID, *config], "asking for an enrolment code")
        enrol = [*_SIGHTLINE, "edge", "enrol", code.strip(), "--config", str(self.run / "edge.yaml")]
        run_once(enrol, "enrolling the box")

    def _camera(self) -> None:
        folder = self.run / "stream"
        folder.mkdir()
        segment = encode(folder / "loop.h264", (picture(number) for number in range(LOOP_S * FPS)), SIZE)
        stream = Stream("loop", "parking", "drawn", "0", {}, {"loop": segment}, ["loop"], [])
        write_stream(folder, stream)
        self.epoch = float(int(time.time()))
        mounts = [Mount(CAMERA, stream, folder, 0)]
        cameras = self.parts.start(
            cameras_part(self.run, self._log("cameras"), self.ports["cameras"], self.epoch, mounts)
        )
        wait_until(lambda: _listens(self.ports["cameras"]), "the camera's start", [cameras], 60)

    def _known(self) -> bool:
        db = Database(load_config(self.run / "central.yaml").database.url)
        try:
            with db.read() as session:
                return session.get(RecordingLedger, (EDGE_ID, CAMERA)) is not None
        finally:
            db.close()

    def _well(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def _log(self, name: str) -> Path:
        return self.run / "logs" / f"{name}.log"

    def _private(self, name: str, text: str) -> None:
        path = self.run / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")

    def _write(self, name: str, data: dict[str, Any]) -> None:
        self._private(name, yaml.safe_dump(json.loads(json.dumps(data)), sort_keys=False, allow_unicode=True))

    def _broker(self, user: str) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.ports["broker"], "username": user, "password_file": f"secrets/{user}"}

    def _central(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.ports["central"],
            "data_dir": "central-data",
            "database": {"url": f"sqlite:///{self.run}/central-data/central.sqlite"},
            "broker": self._broker(_CENTRAL),
            "logs": {"level": "warning"},
        }

    def _edge(self) -> dict[str, Any]:
        return {
            "edge_id": EDGE_ID,
            "sites": ["site.yaml"],
            "data_dir": "edge-data",
            "broker": self._broker(EDGE_ID),
            "central": {"url": self.address},
            "health_port": self.ports["health"],
            "recording": {"max_bytes": 2_000_000_000, "min_free_bytes": 0},
        }


def site_file(port: int) -> dict[str, Any]:
    """The station whose camera is there, open from an hour ago to tomorrow."""
    now = datetime.now(UTC).replace(microsecond=0)
    window = {"phase": "voting", "from": (now - 60 * _MIN).isoformat(), "until": (now + 1440 * _MIN).isoformat()}
    camera = {"id": CAMERA, "url": f"rtsp://127.0.0.1:{port}/{CAMERA}", "frame": list(SIZE), "recording": {}}
    return {
        "site": SITE,
        "name": "The hall",
        "timezone": "Asia/Shanghai",
        "jurisdiction": "cn-default",
        "polling": {"station": "000", "township": "T0", "village": "V0", "windows": [window]},
        "cameras": [camera],
    }


def fill(db: Database, count: int) -> None:
    """`count` stations, an hour into their day: the first is the box's own, each of the others has a box of its own.

    Each of those has two cameras with five gaps, and one in fifty is offline.
    """
    now = datetime.now(UTC)
    first = site_file(0)
    windows = first["polling"]["windows"]
    with db.write() as session:
        for n in range(count):
            name = f"station-{n:03}"
            session.add(Site(site=name, name=name, area=f"area-{n % 5}"))
            session.flush()
            cameras = [CAMERA] if n == 0 else ["hall-1", "count-1"]
            station = Station(site=name, station=f"{n:03}", township=f"T{n // 50}", village=f"V{n // 10}")
            station.name, station.sha256, station.windows = f"Hall {n}", "0" * 64, windows
            station.cameras = [{"id": one, "name": one} for one in cameras]
            session.add(station)
            for camera in cameras if n else ():
                session.add_all(_told(f"box-{n:03}", name, camera, now))
            if n:
                session.add(Edge(id=f"box-{n:03}", kid=f"box-{n:03}", public_jwk={}, enrolled_at=now))
                state = "offline" if n % 50 == 7 else "online"
                session.add(BoxState(edge_id=f"box-{n:03}", state=state, since=now - _MIN, heard_at=now))


def _told(edge: str, site: str, camera: str, now: datetime) -> list[CameraState | RecordingLedger | RecordingGap]:
    begin = now - 60 * _MIN
    state = CameraState(edge_id=edge, camera_id=camera, state="live", since=begin, cause="", heard_at=now)
    ledger = RecordingLedger(edge_id=edge, camera_id=camera, site=site, next_number=9, hash="0" * 64, heard_at=now)
    ledger.from_us, ledger.until_us = micros(begin), micros(now + 60 * _MIN)
    gaps = [
        RecordingGap(
            edge_id=edge, camera_id=camera, start_us=micros(begin + n * 9 * _MIN),
            end_us=micros(begin + n * 9 * _MIN) + 6_000_000, cause="network", detail="",
        )
        for n in range(1, 6)
    ]  # fmt: skip
    return [state, ledger, *gaps]


def picture(number: int) -> NDArray[np.uint8]:
    """A hall with somebody who walks, and noise that keeps 4 Mbit/s busy; it bears its number."""
    rng = np.random.default_rng(number)
    height, width = SIZE[1], SIZE[0]
    shade = np.linspace(70, 180, width).astype(np.uint8)[None, :]
    grain = rng.integers(0, 14, (height // 2, width // 2), dtype=np.uint8).repeat(2, 0).repeat(2, 1)
    grey = shade + grain
    left = number * 4 % (width - 120)
    grey[height // 3 :, left : left + 120] = 210
    made = np.ascontiguousarray(np.broadcast_to(grey[:, :, None], (height, width, 3)))
    stamp(made, number)
    return made


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


__all__ = ["CAMERA", "EDGE_ID", "LOOP_S", "PEOPLE", "SITE", "Hall", "fill", "picture", "site_file"]
