"""The usual pipelines run as they are installed here: a peer that does not run would flatter nobody for long."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("kind", ["ultralytics", "supervision"])
def test_a_peer_processes_video_and_tells_its_cost(kind: str, shared: Path) -> None:
    weights, video = shared / "weights" / "yolov8n.pt", shared / "clips" / "road_cctv_india_clumsyy29.mp4"
    command = [sys.executable, "-m", "sightline.bench.peer", kind, str(weights), str(video), "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["frames"] >= 1
    assert told["wall_s"] > 1
    assert told["cpu_s"] > 0.1
    assert told["objects_per_frame"] > 0.5
