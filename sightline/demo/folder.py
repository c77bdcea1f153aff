"""The demo's folder: settings of every part, written as a person would write them, and secrets made fresh each run.

<folder>/cache/            rendered scenes, kept between runs
<folder>/run/              everything of this run: configs, secrets (mode 0600), data, logs
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from contract.errors import RunError
from sightline.demo.scene.site import CAMERA_ID, as_yaml, site

EDGE_ID = "demo-edge"
OFFICER = "officer"
#: Two people look at every case: this is the other one.
COLLEAGUE = "colleague"
_CENTRAL_USER = "central"


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports of 127.0.0.1."""

    central: int
    broker: int
    camera: int


@dataclass(frozen=True, slots=True)
class Folder:
    """Where things lie. `make` begins a fresh run."""

    home: Path

    @property
    def cache(self) -> Path:
        """Rendered scenes."""
        return self.home / "cache"

    @property
    def run(self) -> Path:
        """This run."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """One log a part."""
        return self.run / "logs"

    @property
    def central_config(self) -> Path:
        """Settings of central."""
        return self.run / "central.yaml"

    @property
    def edge_config(self) -> Path:
        """Settings of the box."""
        return self.run / "edge.yaml"

    @property
    def broker_config(self) -> Path:
        """Port and accounts of the broker (mode 0600)."""
        return self.run / "broker.yaml"

    @property
    def camera_status(self) -> Path:
        """What the box says of its camera."""
        return self.run / "edge-data" / "status" / f"{CAMERA_ID}.json"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder while a demo runs in it. Raises RunError when another does: its files would be taken away."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            lock = (self.home / "lock").open("ab")
        except OSError as error:
            raise RunError(
                f"{self.home}: cannot be written ({error.strerror}) - choose another with --data-dir"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                said = "another demo runs in this folder - end it, or choose another with --data-dir"
                raise RunError(f"{self.home}: {said}") from error
            yield

    def make(self) -> None:
        """Empty the run folder and make it anew. Raises RunError when the disk refuses."""
        try:
            shutil.rmtree(self.run, ignore_errors=True)
            for folder in (self.run, self.logs, self.cache, self.run / "secrets"):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise RunError(
                f"{self.home}: cannot be written ({error.strerror}) - choose another with --data-dir"
            ) from error

    def write(self, ports: Ports, model: Path) -> dict[str, str]:
        """Write every part's settings; returns the officers' passwords, which stand nowhere else in clear."""
        passwords = {name: secrets.token_urlsafe(24) for name in (EDGE_ID, _CENTRAL_USER)}
        for name, password in passwords.items():
            _private(self.run / "secrets" / name, password + "\n")
        _private(self.broker_config, yaml.safe_dump({"port": ports.broker, "users": passwords}))
        (self.run / "site.yaml").write_text(
            as_yaml(site(f"rtsp://127.0.0.1:{ports.camera}/{CAMERA_ID}")), encoding="utf-8"
        )
        self.central_config.write_text(yaml.safe_dump(_central(ports), sort_keys=False), encoding="utf-8")
        self.edge_config.write_text(yaml.safe_dump(_edge(ports, model), sort_keys=False), encoding="utf-8")
        return {name: "-".join(secrets.token_hex(3) for _ in range(3)) for name in (OFFICER, COLLEAGUE)}


def default_home() -> Path:
    """$XDG_STATE_HOME/sightline/demo, else ~/.local/state/sightline/demo."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "sightline" / "demo"


def _central(ports: Ports) -> dict[str, object]:
    return {
        "host": "127.0.0.1",
        "port": ports.central,
        "data_dir": "central-data",
        "database": {"url": "sqlite:///central-data/central.sqlite"},
        "broker": _broker(ports, _CENTRAL_USER),
    }


def _edge(ports: Ports, model: Path) -> dict[str, object]:
    return {
        "edge_id": EDGE_ID,
        "sites": ["site.yaml"],
        "data_dir": "edge-data",
        "broker": _broker(ports, EDGE_ID),
        "central": {"url": f"http://127.0.0.1:{ports.central}"},
        "detection": {"model": str(model)},
    }


def _broker(ports: Ports, user: str) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": ports.broker, "username": user, "password_file": f"secrets/{user}"}


def _private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
