"""The demo's scene through replay with YOLO: the same two violations that the live demo gives with NanoDet."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.demo.scene.render import prepare_scene
from sightline.demo.scene.site import SITE_FILE


@pytest.mark.long  # every run of the tests: the same street and detector in test_bench_edge.py, the clips in test_replay_clips.py
@pytest.mark.shared
def test_yolo_gives_what_the_scene_contains(shared: Path, tmp_path: Path) -> None:
    files = prepare_scene(tmp_path, print)
    model = shared / "weights" / "yolo11n_int8_openvino_model"
    command = [sys.executable, "-m", "sightline", "edge", "replay", "--site", str(SITE_FILE), str(files.scene)]
    done = subprocess.run([*command, "--model", str(model)], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line)["data"] for line in done.stdout.splitlines()]
    truth = json.loads(files.truth.read_text())["tickets"]
    expected = {(one["rule"], one["zone_id"], one.get("lane_id")): one["t_trigger"] for one in truth}
    assert {(one["rule"], one["zone_id"], one.get("lane_id")) for one in found} == set(expected)
    assert len(found) == len(expected)
    for one in found:
        when = expected[one["rule"], one["zone_id"], one.get("lane_id")]
        assert one["t_trigger"] == pytest.approx(when, abs=1.5)
        assert one["verdict"] == "candidate"
