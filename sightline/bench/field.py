"""Everything round the box under test - cameras, broker, central, each a process over loopback - and the box itself."""

import json
import os
import secrets
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from contract.errors import RunError
from edge.box import Folders
from sightline.bench.broker import broker_part
from sightline.bench.cameras import cameras_part
from sightline.bench.county import Mount, site_of
from sightline.bench.listener import USER, Listener
from sightline.demo import checks
from sightline.demo.office import Office
from sightline.demo.parts import Part, Parts, run_once, wait_until

EDGE_ID = "bench-edge"
_CENTRAL = "central"
_PYTHON = [sys.executable, "-m"]
_USUAL = {"broker": 8893, "central": 8090, "cameras": 8564, "health": 9164}
#: What caps oneDNN (OpenVINO, torch) and ATen to the instructions of an N100.
CPU = {
    "native": {},
    "avx2_vnni": {"ONEDNN_MAX_CPU_ISA": "AVX2_VNNI", "DNNL_MAX_CPU_ISA": "AVX2_VNNI", "ATEN_CPU_CAPABILITY": "avx2"},
}


@dataclass
class Field:
    """A run's folder, ports and processes. `settings` is merged into the box's settings file."""

    run: Path
    mounts: list[Mount]
    model: Path
    cpu: str
    permitted_wait_s: float | None
    settings: dict[str, Any]
    parts: Parts = field(default_factory=Parts)
    epoch: float = 0.0
    passwords: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def folders(self) -> Folders:
        """The box's own."""
        return Folders(self.run / "edge-data")

    def make(self) -> None:
        """An empty run folder with every settings file. Raises RunError when the disk refuses."""
        checks.require_space(self.run, 2_000_000_000)
        try:
            shutil.rmtree(self.run, ignore_errors=True)
            for folder in (self.run, self.run / "logs", self.run / "secrets"):
                folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise RunError(
                f"{self.run}: cannot be written ({error.strerror}) - choose another with --data-dir"
            ) from error
        self.ports = {name: checks.port(None, usual) for name, usual in _USUAL.items()}
        self.passwords = {name: secrets.token_urlsafe(24) for name in (EDGE_ID, _CENTRAL, USER)}
        for name, password in self.passwords.items():
            path = self.run / "secrets" / name
            path.touch(mode=0o600)
            path.write_text(password + "\n", encoding="utf-8")
        site = site_of(self.mounts, self.ports["cameras"], self.permitted_wait_s)
        self._write("site.yaml", site)
        self._write("central.yaml", self._central())
        self._write("edge.yaml", self._edge())

    def start_world(self) -> Listener:
        """Broker, central and cameras; the box is let in. The listener hears events from here on."""
        broker = self._start(
            broker_part(self.run / "broker", self._log("broker"), self.ports["broker"], self.passwords)
        )
        wait_until(lambda: _listens(self.ports["broker"]), "the broker's start", [broker], 30)
        serve = [*_PYTHON, "sightline", "central", "serve", "--config", str(self.run / "central.yaml")]
        central = self._start(Part("central", serve, self._log("central")))
        office = Office(f"http://127.0.0.1:{self.ports['central']}", "nobody", "")
        wait_until(office.healthy, "central's start", [central], 90)
        office.close()
        self._enrol()
        self.epoch = float(int(time.time()))
        cameras = self._start(
            cameras_part(self.run, self._log("cameras"), self.ports["cameras"], self.epoch, self.mounts)
        )
        wait_until(lambda: _listens(self.ports["cameras"]), "the cameras' start", [cameras], 60)
        listener = Listener(self.ports["broker"], self.passwords[USER])
        if not listener.ready():
            raise RunError(f"the broker does not let the listener in - see {self._log('broker')}")
        return listener

    def start_box(self) -> Part:
        """The box, capped as wished."""
        capped = ["env", *(f"{key}={value}" for key, value in CPU[self.cpu].items())] if CPU[self.cpu] else []
        run = [*_PYTHON, "sightline", "edge", "run", "--config", str(self.run / "edge.yaml")]
        return self._start(Part("edge", [*capped, *run], self._log("edge")))

    def part(self, name: str) -> Part:
        """A part that was started."""
        return next(one for one in self.started if one.name == name)

    @property
    def started(self) -> list[Part]:
        """All parts that were started, in order."""
        return self._started

    def __post_init__(self) -> None:
        self._started: list[Part] = []

    def _start(self, part: Part) -> Part:
        self._started.append(part)
        return self.parts.start(part)

    def _enrol(self) -> None:
        config = ["--config", str(self.run / "central.yaml")]
        sightline = [*_PYTHON, "sightline"]
        code = run_once([*sightline, "central", "enrol-code", EDGE_ID, *config], "asking for an enrolment code").strip()
        enrol = [*sightline, "edge", "enrol", code, "--config", str(self.run / "edge.yaml")]
        run_once(enrol, "enrolling the box")

    def _log(self, name: str) -> Path:
        return self.run / "logs" / f"{name}.log"

    def _write(self, name: str, data: dict[str, Any]) -> None:
        plain = json.loads(json.dumps(data))  # cameras share what their streams say; site files know no aliases
        (self.run / name).write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def _broker(self, user: str) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.ports["broker"], "username": user, "password_file": f"secrets/{user}"}

    def _central(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.ports["central"],
            "data_dir": "central-data",
            "database": {"url": "sqlite:///central-data/central.sqlite"},
            "broker": self._broker(_CENTRAL),
        }

    def _edge(self) -> dict[str, Any]:
        own: dict[str, Any] = {
            "edge_id": EDGE_ID,
            "sites": ["site.yaml"],
            "data_dir": "edge-data",
            "broker": self._broker(EDGE_ID),
            "central": {"url": f"http://127.0.0.1:{self.ports['central']}"},
            "health_port": self.ports["health"],
        }
        merged = {**own, **self.settings}
        merged["detection"] = {"model": str(self.model), **self.settings.get("detection", {})}
        return merged


def default_run() -> Path:
    """$XDG_STATE_HOME/sightline/bench, else ~/.local/state/sightline/bench."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "sightline" / "bench"


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
