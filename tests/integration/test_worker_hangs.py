"""A worker whose camera thread hangs ends, so that the supervisor starts it anew: a thread cannot be ended alone."""

import logging
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from contract.events import ModelRef
from edge import watch
from edge.cameras.link import CameraLink
from edge.config import load_config
from edge.frames import Detections
from edge.worker import Worker
from tests.scenes.recordings import record

SITE = {
    "site": "s-1",
    "name": "s-1",
    "timezone": "Asia/Shanghai",
    "jurisdiction": "cn-default",
}
ZONE = {"id": "kerb", "type": "no_parking", "polygon": [[100, 100], [1180, 100], [1180, 700], [100, 700]]}


class Eyes:
    """A detector that sees nothing, and from the `hangs_after`-th look on never answers."""

    model = ModelRef(name="eyes", version="1", sha256="a" * 64)

    def __init__(self, hangs_after: int) -> None:
        self.looks, self._hangs_after, self.released = 0, hangs_after, threading.Event()

    def detect(self, picture: np.ndarray) -> Detections:
        self.looks += 1
        if self.looks > self._hangs_after:
            self.released.wait()
        return Detections.empty()

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of a camera."""
    return record(tmp_path_factory.mktemp("film") / "cam-1.mp4", seconds=30)


@pytest.fixture
def config(tmp_path: Path, film: Path) -> Path:
    zone = ZONE | {"permitted_wait_s": 10}
    camera = {"id": "cam-1", "url": film.as_uri(), "frame": [1280, 720], "zones": [zone]}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(SITE | {"cameras": [camera]}))
    settings = {"edge_id": "box-1", "sites": ["site.yaml"], "data_dir": "data", "detection": {"plan": "full"}}
    (tmp_path / "edge.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "edge.yaml"


def worker(config: Path, eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr(Worker, "_detector", lambda *_: eyes)
    monkeypatch.setattr(watch, "HUNG_S", 3.0)
    return Worker(load_config(config), ["cam-1"], "worker-1")


def test_an_analysis_that_hangs_ends_the_worker(
    config: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    eyes = Eyes(hangs_after=2)
    try:
        with caplog.at_level(logging.ERROR):
            assert worker(config, eyes, monkeypatch).run([]) == 1
    finally:
        eyes.released.set()
    assert eyes.looks == 3
    assert "cam-1: its analysis hangs" in caplog.text


def test_a_capture_that_hangs_ends_the_worker(
    config: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    take = CameraLink._take

    def hanging(self: CameraLink, *packet: object) -> None:
        take(self, *packet)  # type: ignore[arg-type]
        if self.packets_seen > 30:
            release.wait()

    monkeypatch.setattr(CameraLink, "_take", hanging)
    try:
        with caplog.at_level(logging.ERROR):
            assert worker(config, Eyes(10**6), monkeypatch).run([]) == 1
    finally:
        release.set()
    assert "cam-1: its capture hangs" in caplog.text


def test_evidence_that_hangs_ends_the_worker(
    config: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    given = Worker(load_config(config), ["cam-1"], "worker-1")._watches[0]  # the real one, asked directly
    monkeypatch.setattr(watch, "HUNG_S", 0.2)
    given._lane.do(release.wait)
    try:
        time.sleep(0.5)
        given._attention.turned = time.monotonic()  # its analysis comes round
        assert (given.hangs() or "").startswith("its evidence hangs for")
    finally:
        release.set()
    given._lane.finish()
    assert "evidence" not in (given.hangs() or "")


def test_a_worker_whose_threads_come_round_goes_on(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signals: list[int] = []
    threading.Thread(target=lambda: (time.sleep(9), signals.append(15)), daemon=True).start()
    assert worker(config, Eyes(10**6), monkeypatch).run(signals) == 0
    assert signals, "it ended before it was told to"
