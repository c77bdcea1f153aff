"""Real packages, prepared once a test run in a cache of its own, and a real inference service process."""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import pytest

from edge.detect import wire
from edge.detect.protocol import Picture
from models.prepare import Wish, prepare

ROOT = Path(__file__).resolve().parents[2]


@cache
def cache_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="sightline-test-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def own_cache(**more: str) -> Iterator[None]:
    """The environment of this process with the test run's cache and nothing of the user's."""
    before = dict(os.environ)
    os.environ.pop("SIGHTLINE_WEIGHTS", None)
    os.environ.update({"XDG_CACHE_HOME": str(cache_folder()), "SIGHTLINE_MODELS": str(cache_folder() / "m"), **more})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@cache
def nanodet() -> Path:
    with own_cache():
        return prepare(Wish(), print, only="nanodet")


@cache
def yolov8n(weights: Path) -> Path:
    with own_cache():
        return prepare(Wish(weights), print, only="yolov8n")


@cache
def bus() -> Picture:
    spec = find_spec("ultralytics")
    if spec is None or spec.origin is None:
        pytest.fail("the test extras are not installed: ultralytics is missing")
    return cv2.imread(str(Path(spec.origin).parent / "assets" / "bus.jpg"))


@contextmanager
def service(path: Path, package: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """An inference service of its own, ended at the end whatever happened."""
    process = start_service(path, package, *options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def start_service(path: Path, package: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "edge.detect.service", "--socket", str(path), "--model", str(package)]
    process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", f"the service ended with {process.wait(20)}"
    return process


def dial(path: Path, camera: str = "raw") -> tuple[socket.socket, wire.Hello, wire.Slots]:
    """A client by hand, to say what RemoteDetector would never say."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(20)
    line.connect(str(path))
    line.sendall(wire.pack(wire.Introduce(camera_id=camera)))
    head, received, _, _ = socket.recv_fds(line, wire.HEAD.size, 1)
    hello = wire.Hello.model_validate_json(line.recv(wire.body_length(head), socket.MSG_WAITALL))
    slots = wire.Slots(received[0], hello.slots, hello.size)
    os.close(received[0])
    return line, hello, slots


def ask(line: socket.socket, *looks: wire.Look) -> dict[str, object]:
    """Send looks at once; the first answer."""
    line.sendall(b"".join(wire.pack(look) for look in looks))
    return answer(line)


def answer(line: socket.socket) -> dict[str, object]:
    return wire.parse(line.recv(wire.body_length(line.recv(4, socket.MSG_WAITALL)), socket.MSG_WAITALL))
