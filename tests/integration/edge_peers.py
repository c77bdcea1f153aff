"""A box in the field for tests: its settings on disk, its processes, and what it says."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from contract.sitefile import load_site
from edge.deliver.keys import KeyRing
from tests.scenes.rtsp import leftovers, open_port

ROOT = Path(__file__).resolve().parents[2]
CLIP, SITE = "road_illegal_parking_kevinjoy.mp4", "road_illegal_parking_kevinjoy.wait6.site.yaml"
USERS = {"central": "central-pw", "box-7": "box-pw"}


class Field:
    """A box with its settings on disk; `run` starts `sightline edge run`."""

    def __init__(self, folder: Path, site: Path, url: str, broker: int, central: str, weights: Path) -> None:
        self.folder, self.data, self.health = folder, folder / "data", open_port()
        self.site = folder / "site.yaml"
        text = site.read_text(encoding="utf-8")
        self.site.write_text(text.replace(load_site(site).site.cameras[0].url, url), encoding="utf-8")
        (folder / "pw").write_text(USERS["box-7"])
        (folder / "pw").chmod(0o600)
        settings = {
            "edge_id": "box-7",
            "sites": ["site.yaml"],
            "data_dir": "data",
            "broker": {"host": "127.0.0.1", "port": broker, "username": "box-7", "password_file": "pw"},
            "central": {"url": central},
            "health_port": self.health,
        }
        self.config = folder / "edge.yaml"
        self.config.write_text(yaml.safe_dump(settings))
        self.ring = KeyRing(self.data / "keys")
        self.log = folder / "run.log"
        self.environment = {**os.environ, "SIGHTLINE_WEIGHTS": str(weights), "PYTHONPATH": str(ROOT)}
        self.process: subprocess.Popen[bytes] | None = None

    def set(self, **more: object) -> None:
        """Change settings before `run`."""
        self.config.write_text(yaml.safe_dump(yaml.safe_load(self.config.read_text()) | more))

    def run(self) -> None:
        command = [sys.executable, "-m", "sightline", "edge", "run", "--config", str(self.config)]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out, env=self.environment)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if number and self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(90)

    def report(self) -> dict:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/healthz", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {}

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/metrics", timeout=5) as answer:
            return answer.read().decode()

    def part(self, marker: str) -> list[int]:
        return [pid for pid in leftovers(str(self.folder)) if marker in _command(pid)]

    def told(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def enrolled(one: Field) -> Field:
    one.ring.pending()
    one.ring.accept()
    return one
