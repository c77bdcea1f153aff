"""`sightline bench edge` from its command line: a whole box over real streams, figures that add up, nothing left."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.bench.history import floor_of, read_history
from sightline.bench.mix.clips import Picture
from sightline.bench.mix.encode import encode
from sightline.bench.mix.sensor import Sensor
from sightline.bench.mix.stream import FPS, Stream, write_stream
from sightline.bench.mix.view import Window
from tests.scenes.rtsp import leftovers

#: What short runs have said so far; a new one must not fall far below.
HISTORY = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "history.jsonl"


@dataclass(frozen=True)
class Run:
    """One run of the benchmark: the process, what it wrote, and its folder."""

    done: "subprocess.CompletedProcess[str]"
    result: dict[str, Any]
    folder: Path


def asphalt(sensor: Sensor, index: int) -> Picture:
    """An empty road, as a sensor sees it."""
    return sensor.expose(np.full((Window.SIZE[1], Window.SIZE[0], 3), 96, np.uint8), index)


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One kerb where nothing ever happens, a loop of four seconds."""
    home = tmp_path_factory.mktemp("streams")
    folder = home / "empty-kerb"
    folder.mkdir()
    segment = encode(
        folder / "flow.h264", map(partial(asphalt, Sensor(Window.SIZE, 2.2, 1)), range(4 * FPS)), Window.SIZE
    )
    zone = {
        "id": "kerb",
        "type": "no_parking",
        "polygon": [[400, 400], [1200, 400], [1200, 900], [400, 900]],
        "permitted_wait_s": 60,
    }
    camera = {"name": "kerb", "frame": list(Window.SIZE), "zones": [zone]}
    write_stream(folder, Stream("empty-kerb", "parking", "here", "0", camera, {"flow": segment}, ["flow"], []))
    return home


def bench(*words: str, timeout: float = 280, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "sightline", "bench", *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def short_run(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What `make regress` runs, over the drawn street alone, which is composed in a fraction of the time."""
    home = tmp_path_factory.mktemp("short")
    told, run = home / "result.json", home / "run"
    words = ["--short", "--peer", "ultralytics", "--history", str(HISTORY), "--streams", str(home / "streams")]
    street = {"SIGHTLINE_SHARED": str(home / "none"), "SIGHTLINE_WEIGHTS": str(shared / "weights")}
    done = bench("edge", *words, "--json", str(told), "--data-dir", str(run), timeout=500, **street)
    assert told.is_file(), done.stderr[-2000:]
    return Run(done, json.loads(told.read_text()), run)


@pytest.mark.timeout(600)
def test_no_camera_has_become_dearer_beside_the_peer(short_run: Run) -> None:
    """The ratio to Ultralytics' tracking on the same streams in the same run, against what the repository keeps."""
    result = short_run.result
    floor = floor_of(read_history(HISTORY), result)
    assert floor is not None, "nothing is kept of this detector, peer and streets - `make regress ARGS=--keep`"
    assert result["ratio"]["at_full_rate"] >= floor
    assert short_run.done.returncode == 0, short_run.done.stderr[-2000:]


@pytest.mark.timeout(600)
def test_a_box_is_measured_and_ended(short_run: Run) -> None:
    done, result, run = short_run.done, short_run.result, short_run.folder
    box = result["box"]
    assert {stream["kind"] for stream in result["streams"].values()} == {"parking", "yield"}
    assert all(stream["mbit_s"] == pytest.approx(4, rel=0.1) for stream in result["streams"].values())
    assert box["cameras"] == 4
    assert box["counters"]["packets"] == pytest.approx(4 * FPS * box["seconds"], rel=0.3)
    assert box["planted"]["expected"] >= 3
    assert (box["planted"]["missed"], box["planted"]["false"]) == ([], [])
    parts = box["by_process"]
    assert {"workers", "inference", "deliver", "supervisor"} <= set(parts)
    assert sum(parts.values()) == pytest.approx(box["cpu_s_per_camera_minute"], rel=0.02)
    assert set(box["beside_the_box"]) == {"broker", "central", "cameras"}
    assert box["memory_mb"]["most"] > 100
    assert 1.9 <= box["look_gap_s_worst"] <= 2.2, "a zone is looked at in every group of pictures"
    assert result["machine"]["versions"]["av"]
    assert "4 cameras" in done.stderr
    assert "cpu-seconds a camera-minute" in done.stdout
    assert leftovers(str(run)) == []
    secrets = [path.read_text().strip() for path in (run / "secrets").iterdir()]
    assert secrets
    logs = "".join(path.read_text() for path in (run / "logs").iterdir())
    assert not [word for word in secrets if word in logs + json.dumps(result) + done.stdout + done.stderr]


def test_what_cannot_be_measured_is_one_line(streams: Path, tmp_path: Path) -> None:
    nowhere = bench("compose", "--clips", str(tmp_path / "nowhere"))
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (2, 1)
    assert "--clips" in nowhere.stderr
    data = str(tmp_path / "run")
    zebras = bench("edge", "--parking", "0", "--yield", "1", "--streams", str(streams), "--data-dir", data)
    assert zebras.returncode == 2
    assert "holds no yield stream" in zebras.stderr.splitlines()[-1]
    nobody = bench("edge", "--parking", "0", "--yield", "0", "--streams", str(streams), "--data-dir", data)
    assert (nobody.returncode, nobody.stderr.count("\n")) == (1, 1)
    history = bench("edge", "--history", str(tmp_path / "history.jsonl"), "--streams", str(streams))
    assert (history.returncode, history.stderr.count("\n")) == (2, 1)
    assert "--peer" in history.stderr


def test_the_page_is_made_of_what_is_kept(tmp_path: Path) -> None:
    missing = bench("table", "--folder", str(tmp_path / "nowhere"))
    assert missing.returncode == 2
    kept = Path(__file__).resolve().parents[2] / "docs"
    made = bench("table", "--folder", str(kept / "benchmarks"), "--out", str(tmp_path / "page.md"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "page.md").read_text() == (kept / "benchmarks.md").read_text()
