"""`sightline edge top` in a pseudo-terminal of 80 columns, before a real `/metrics` of heartbeats on disk."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edge.box import Folders
from edge.child import Child
from edge.gaps import GapBook
from edge.health import Health, HealthServer, serve
from edge.metrics import STAGES

ROOT = Path(__file__).resolve().parents[2]
ESCAPE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
#: What each camera does in a second.
DOES = {
    "kerb-1": {"packets": 25, "decoded": 0.5, "gated": 0.45, "looked": 0.05, "cpu_decode_s": 0.012},
    "kerb-2": {"packets": 25, "decoded": 0.5, "gated": 0.45, "looked": 0.05, "cpu_decode_s": 0.012},
    "kerb-with-a-name-that-is-long": {"packets": 25, "decoded": 0.5, "cpu_decode_s": 0.012},
    "zebra-1": {"packets": 25, "decoded": 25, "looked": 12.5, "shed": 2.0, "cpu_decode_s": 0.21},
    "zebra-2": {},
}


class Beating:
    """A process that runs, and its heartbeat, written as a worker does."""

    def __init__(self, folder: Path, port: int) -> None:
        folders = Folders(folder).make()
        self.path = folders.heartbeat("worker-1")
        self.child = Child("worker-1", ["-c", "import time; time.sleep(300)"])
        self.child.start()
        self.child.heartbeat = self.path
        folders.outbox_state.parent.mkdir()
        folders.outbox_state.write_text(json.dumps({"pending": 3, "media_bytes": 12_000_000, "connected": True}))
        server = serve(Health([self.child], folders, GapBook("box-1", folders, {})), port)
        assert isinstance(server, HealthServer)
        self.server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._began = time.time()
        self._write()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.server.close()
        self.child.kill()
        self.child.wait(10)

    def _run(self) -> None:
        while not self._stop.wait(0.3):
            self._write()

    def _write(self) -> None:
        now = time.time()
        ran = now - self._began
        cameras = {}
        for name, does in DOES.items():
            lost = name == "zebra-2"
            figures = {
                "state": "lost" if lost else "live",
                "mode": "keyframes",
                "losses": int(lost),
                "queue_age_s": 0.1,
            }
            figures |= {f"cpu_{stage}_s": 0.0 for stage in STAGES} | {"zone_looked_at": now}
            figures |= {"clock_offset_ms": -2300.0 if name == "kerb-2" else 12.0}
            cameras[name] = figures | {key: rate * ran for key, rate in does.items()}
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"at": now, "cameras": cameras}))
        temporary.replace(self.path)


@pytest.fixture
def box(tmp_path: Path, free_port: int) -> Iterator[Beating]:
    beating = Beating(tmp_path / "data", free_port)
    yield beating
    beating.close()


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "sightline", "edge", "top", *options]


def run(*options: str, columns: int = 80) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    return subprocess.run(
        command(*options), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_once_as_json_tells_rates_and_trouble(box: Beating) -> None:
    done = run("--url", f"http://127.0.0.1:{box.server.port}", "--once", "--json", "--interval", "2")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [row["camera"] for row in told["cameras"]][:3] == ["zebra-2", "zebra-1", "kerb-2"]
    rows = {row["camera"]: row for row in told["cameras"]}
    assert rows["zebra-2"]["trouble"] == ["lost"]
    assert rows["zebra-1"]["trouble"] == ["shedding"]
    assert rows["kerb-2"]["trouble"] == ["clock"]
    assert rows["kerb-1"]["trouble"] == []
    assert rows["zebra-1"]["looked"] == pytest.approx(12.5, rel=0.02)
    assert rows["kerb-1"]["decoded"] == pytest.approx(0.5, rel=0.02)
    assert rows["kerb-1"]["cpu_ms"]["decode"] == pytest.approx(12.0, rel=0.03)
    assert told["box"]["waiting"] == 3 and told["box"]["connected"] is True
    assert told["box"]["memory_bytes"]["supervisor"] > 5_000_000


def test_once_fits_80_columns(box: Beating) -> None:
    done = run("--url", f"http://127.0.0.1:{box.server.port}", "--once", "--interval", "1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(len(line) for line in lines) <= 80
    head = next(line for line in lines if line.startswith("camera"))
    assert " ".join(head.split()) == "camera mode seen dec gate look shed wait cap dec gat det rul evi lost clock"
    zebra = next(line for line in lines if line.startswith("zebra-1")).split()
    assert zebra[1:7] == ["key", "25.0", "25.0", "0", "12.5", "2.0"]
    lost = next(line for line in lines if line.startswith("zebra-2"))
    assert lost.split()[1] == "LOST"


def test_live_in_a_terminal_until_q(box: Beating) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 80, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES"}} | {
        "TERM": "xterm"
    }
    process = subprocess.Popen(
        command("--url", f"http://127.0.0.1:{box.server.port}", "--interval", "0.5"),
        cwd=ROOT, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        seen = read_until(master, b"12.5", 30)
        text = ESCAPE.sub(b"", seen).decode()
        assert "5 cameras, 3 in trouble" in text
        assert "and 2 more cameras, 0 of them in trouble" in text, "ten lines hold three cameras"
        os.write(master, b"q")
        drain(master, process)
        assert process.wait(10) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        os.close(master)


def read_until(master: int, what: bytes, seconds: float) -> bytes:
    seen, until = b"", time.monotonic() + seconds
    while what not in ESCAPE.sub(b"", seen):
        assert time.monotonic() < until, ESCAPE.sub(b"", seen).decode(errors="replace")
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 65536)
    return seen


def drain(master: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until:
        if select.select([master], [], [], 0.2)[0]:
            try:
                os.read(master, 65536)
            except OSError:
                return


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ((), 2, "give one of --config FILE and --url ADDRESS"),
        (("--url", "ftp://x"), 2, "is no http address"),
        (("--url", "http://127.0.0.1:1", "--once"), 1, "the box does not answer"),
        (("--url", "http://127.0.0.1:1", "--json"), 2, "give --once"),
        (("--url", "http://127.0.0.1:1"), 2, "no terminal - give --once"),
    ],
)
def test_what_cannot_be_is_one_line(options: tuple[str, ...], status: int, said: str) -> None:
    done = run(*options)
    assert done.returncode == status
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_box_without_health_port_says_what_to_set(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(yaml.safe_dump({"edge_id": "box-1", "sites": ["site.yaml"], "data_dir": "data"}))
    done = run("--config", str(config), "--once")
    assert done.returncode == 2
    assert f"{config}: health_port is not set" in done.stderr
