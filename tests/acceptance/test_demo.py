"""The demo as a newcomer runs it: whole processes, an empty home, package registries alone."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sightline.demo.folder import Folder
from sightline.demo.scene.render import prepare_scene

ROOT = Path(__file__).resolve().parents[2]
MARK = "SIGHTLINE_TEST_RUN"
TIMEOUT_S = 280
pytestmark = pytest.mark.timeout(420)


class Run:
    """A demo process, and what it has said so far."""

    def __init__(self, env: dict[str, str], home: Path, *options: str) -> None:
        self.mark = uuid.uuid4().hex
        command = [sys.executable, "-m", "sightline", "demo", "--data-dir", str(home), *options]
        self.env = {**env, MARK: self.mark}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.out = ""
        self.said: list[str] = []
        self._readers = [threading.Thread(target=self._listen), threading.Thread(target=self._collect)]
        for reader in self._readers:
            reader.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())

    def _collect(self) -> None:
        assert self.process.stdout is not None
        self.out = self.process.stdout.read()

    def heard(self, pattern: str, limit_s: float = 150) -> str:
        """The first line that matches, waited for."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            found = next((line for line in self.said if re.search(pattern, line)), None)
            if found is not None:
                return found
            assert self.process.poll() is None or any(re.search(pattern, line) for line in self.said), self.text
            time.sleep(0.2)
        raise AssertionError(f"{pattern!r} was not said within {limit_s} s:\n{self.text}")

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def end(self, limit_s: float = TIMEOUT_S + 60) -> int:
        status = self.process.wait(limit_s)
        for reader in self._readers:
            reader.join(20)
        return status

    def processes(self) -> dict[int, str]:
        """Every living process that carries this run's mark: pid -> command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody who has nothing: an empty home, no weights of our own."""
    home = tmp_path_factory.mktemp("home")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SIGHTLINE_", "XDG_"))}
    return {**kept, "HOME": str(home)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all runs of this file, so that the scene is rendered once."""
    folder = tmp_path_factory.mktemp("demo")
    prepare_scene(Folder(folder).cache, print)
    return folder


@contextmanager
def running(env: dict[str, str], home: Path, *options: str) -> Iterator[Run]:
    run = Run(env, home, *options)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.end(60)
        for pid in run.processes():
            os.kill(pid, signal.SIGKILL)


def assert_as_the_scene_says(run: Run, status: int) -> None:
    assert status == 0, run.text + run.out
    result = json.loads(run.out)
    assert result["ok"] is True
    assert result["difference"] == []
    kinds = sorted((one["rule"], one["zone_id"], one["lane_id"]) for one in result["tickets"])
    assert kinds == [("failure_to_yield", "zebra", "l1"), ("illegal_parking", "kerb", None)]
    assert all(one["complete"] for one in result["tickets"])
    assert "nanodet" in result["detector"]


@pytest.mark.long
def test_headless_once_gives_what_the_scene_contains(newcomer: dict[str, str], home: Path) -> None:
    """An undisturbed pass. The next test asks the same of one in which central is killed."""
    with running(newcomer, home, "--headless", "--once", "--timeout", str(TIMEOUT_S)) as run:
        status = run.end()
        assert_as_the_scene_says(run, status)
        assert run.processes() == {}
        assert "Traceback" not in run.text


def test_central_killed_in_the_middle_still_gets_each_ticket_once(newcomer: dict[str, str], home: Path) -> None:
    with running(newcomer, home, "--headless", "--once", "--timeout", str(TIMEOUT_S)) as run:
        run.heard("the scene begins")
        time.sleep(8)
        central = [pid for pid, command in run.processes().items() if " central serve " in command]
        assert len(central) == 1
        os.kill(central[0], signal.SIGKILL)
        run.heard("central has ended")
        time.sleep(20)  # both violations are decided while nobody listens
        again = next(line for line in run.said if " central serve " in line)
        replacement = subprocess.Popen(shlex.split(again), cwd=ROOT, env=run.env, stderr=subprocess.DEVNULL)
        try:
            status = run.end()
            assert_as_the_scene_says(run, status)
        finally:
            replacement.terminate()
            replacement.wait(30)
        assert run.processes() == {}
        assert "Traceback" not in run.text


def test_ctrl_c_leaves_nothing_behind(newcomer: dict[str, str], home: Path) -> None:
    with running(newcomer, home) as run:
        run.heard("the scene begins")
        assert len(run.processes()) > 5
        assert re.search(r"open +http://127\.0\.0\.1:\d+", run.text)
        assert re.search(r"account +officer, password \S+", run.text)
        assert re.search(r"second +colleague, password \S+", run.text)
        assert re.search(r"detector +nanodet", run.text)
        run.process.send_signal(signal.SIGINT)
        assert run.end(90) == 0
        assert run.processes() == {}
        assert "Traceback" not in run.text


def test_a_demo_that_is_killed_takes_its_parts_along(newcomer: dict[str, str], home: Path) -> None:
    with running(newcomer, home) as run:
        run.heard("the box sees the camera")
        run.process.kill()
        run.end(30)
        until = time.monotonic() + 60
        while run.processes() and time.monotonic() < until:
            time.sleep(0.5)
        assert run.processes() == {}


def test_a_port_in_use_is_told_in_one_line(newcomer: dict[str, str], home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with running(newcomer, home, "--headless", "--port", str(number)) as run:
            assert run.end(60) == 1
            assert run.said == [f"sightline: 127.0.0.1:{number}: the port is in use - choose another with --port"]
            assert run.out == ""


def test_a_scene_that_breaks_off_is_told_with_the_difference(newcomer: dict[str, str], home: Path) -> None:
    with running(newcomer, home, "--headless", "--once", "--timeout", "30") as run:
        run.heard("the scene begins", 90)
        for pid, command in run.processes().items():
            if "sightline.demo.camera" in command:
                os.kill(pid, signal.SIGKILL)
        run.heard("camera has ended")
        assert run.end(150) == 1
        result = json.loads(run.out)
        assert result["ok"] is False
        assert "missing: 1 x illegal_parking at kerb" in result["difference"]
        assert run.processes() == {}
