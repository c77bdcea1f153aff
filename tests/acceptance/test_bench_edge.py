"""`sightline bench edge` from its command line: a whole box over real streams, figures that add up, nothing left."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.encode import encode
from sightline.bench.mix.sensor import Sensor
from sightline.bench.mix.stream import FPS, Stream, write_stream
from sightline.bench.mix.view import Window
from tests.scenes.rtsp import leftovers

SECONDS = 15


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


def bench(*words: str, timeout: float = 280) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "sightline", "bench", *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_a_box_is_measured_and_ended(streams: Path, tmp_path: Path) -> None:
    told, run = tmp_path / "result.json", tmp_path / "run"
    words = ["--parking", "2", "--yield", "0", "--duration", str(SECONDS), "--streams", str(streams)]
    done = bench("edge", *words, "--json", str(told), "--data-dir", str(run))
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(told.read_text())
    box = result["box"]
    assert result["streams"]["empty-kerb"]["mbit_s"] == pytest.approx(4, rel=0.1)
    assert box["cameras"] == 2
    assert box["counters"]["packets"] == pytest.approx(2 * FPS * box["seconds"], rel=0.3)
    assert box["planted"] == {"expected": 0, "found": 0, "missed": [], "false": []}
    parts = box["by_process"]
    assert {"workers", "inference", "deliver", "supervisor"} <= set(parts)
    assert sum(parts.values()) == pytest.approx(box["cpu_s_per_camera_minute"], rel=0.02)
    assert set(box["beside_the_box"]) == {"broker", "central", "cameras"}
    assert box["memory_mb"]["most"] > 100
    assert result["machine"]["versions"]["av"]
    assert "2 cameras" in done.stderr
    assert "cpu-seconds a camera-minute" in done.stdout
    assert leftovers(str(run)) == []
    secrets = [path.read_text().strip() for path in (run / "secrets").iterdir()]
    assert secrets
    logs = "".join(path.read_text() for path in (run / "logs").iterdir())
    assert not [word for word in secrets if word in logs + told.read_text() + done.stdout + done.stderr]


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
