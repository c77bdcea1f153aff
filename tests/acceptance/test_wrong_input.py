"""Wrong input is told in one line that names file or key and what to do; status 2, no traceback, nothing half-written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SITE = """\
site: s
name: s
timezone: Asia/Shanghai
jurisdiction: cn-default
cameras:
  - id: cam-1
    url: rtsp://127.0.0.1:8554/cam-1
    frame: [640, 360]
    zones:
      - {id: kerb, type: no_parking, polygon: [[316, 83], [352, 83], [356, 237], [260, 237]], permitted_wait_s: 6}
"""
LINE = json.dumps({"t": 0.0, "objects": [{"id": 1, "class": "car", "box": [10, 10, 60, 50], "score": 0.9}]}) + "\n"


def sightline(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sightline", *words],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert all(word in last for word in words), last


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    (tmp_path / "boxes.jsonl").write_text(LINE)
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("permitted_wait_s", "permited_wait_s", ["site.yaml:10", "permited_wait_s", "not a key"]),
        ("[352, 83], [356, 237]", "[356, 237], [352, 83]", ["site.yaml:10", "crosses itself", "redraw"]),
        ("type: no_parking", "type: crosswalk", ["site.yaml:10", "lane"]),
        ("cn-default", "cn-nowhere", ["cn-nowhere", "known are"]),
    ],
)
@pytest.mark.parametrize("command", ["check", "replay"])
def test_a_site_file(site: Path, old: str, new: str, words: list[str], command: str) -> None:
    site.write_text(SITE.replace(old, new))
    more = ["site.yaml"] if command == "check" else ["--site", "site.yaml", "--objects", "boxes.jsonl"]
    told(sightline(site.parent, "edge", command, *more), *words)


def test_a_camera_that_the_site_does_not_have(site: Path) -> None:
    done = sightline(site.parent, "edge", "replay", "--site", "site.yaml", "--camera", "x", "--objects", "boxes.jsonl")
    told(done, "site.yaml", "no camera 'x'")


def test_neither_and_both_inputs(site: Path) -> None:
    told(sightline(site.parent, "edge", "replay", "--site", "site.yaml"), "--objects")
    both = ["--objects", "boxes.jsonl", "v.mp4"]
    told(sightline(site.parent, "edge", "replay", "--site", "site.yaml", *both), "--objects")


def test_a_bad_line_leaves_no_explanation_behind(site: Path) -> None:
    (site.parent / "boxes.jsonl").write_text(LINE + "nonsense\n")
    done = sightline(
        site.parent, "edge", "replay", "--site", "site.yaml", "--objects", "boxes.jsonl", "--explain", "why.jsonl"
    )
    told(done, "boxes.jsonl:2", "not JSON")
    assert not list(site.parent.glob("why*"))


def test_a_start_that_is_no_time(site: Path) -> None:
    words = ["--objects", "boxes.jsonl", "--start", "tomorrow"]
    told(sightline(site.parent, "edge", "replay", "--site", "site.yaml", *words), "--start", "ISO 8601")


@pytest.fixture
def weights(shared: Path, tmp_path: Path) -> Path:
    """A private copy of a model package, so that a test may spoil it."""
    return Path(shutil.copytree(shared / "weights" / "yolo11n_int8_openvino_model", tmp_path / "model"))


@pytest.mark.shared
@pytest.mark.parametrize("content", [b"", b"not a video" * 100])
def test_a_video_that_is_none(site: Path, weights: Path, content: bytes) -> None:
    (site.parent / "v.mp4").write_bytes(content)
    told(sightline(site.parent, "edge", "replay", "--site", "site.yaml", "--model", str(weights), "v.mp4"), "v.mp4")


@pytest.mark.shared
def test_a_video_that_is_damaged_in_the_middle_plays_what_is_good(site: Path, weights: Path, shared: Path) -> None:
    raw = bytearray((shared / "clips" / "road_illegal_parking_kevinjoy.mp4").read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 20_000] = os.urandom(20_000)
    (site.parent / "v.mp4").write_bytes(raw)
    done = sightline(site.parent, "edge", "replay", "--site", "site.yaml", "--model", str(weights), "v.mp4")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.shared
def test_a_model_with_a_wrong_hash(site: Path, shared: Path) -> None:
    env = {"SIGHTLINE_WEIGHTS": str(shared / "weights"), "SIGHTLINE_MODELS": str(site.parent / "models")}
    assert sightline(site.parent, "models", "prepare", **env).returncode == 0
    package = next(path.parent for path in (site.parent / "models").rglob("sightline.yaml"))
    part = next(package.glob("*.bin"))
    part.chmod(0o644)
    part.write_bytes(part.read_bytes()[:-1] + b"\x00\x01")
    clip = str(shared / "clips" / "road_illegal_parking_kevinjoy.mp4")
    told(sightline(site.parent, "edge", "replay", "--site", "site.yaml", "--model", str(package), clip), part.name)


@pytest.mark.shared
def test_a_model_that_is_not_there(site: Path, shared: Path) -> None:
    clip = str(shared / "clips" / "road_illegal_parking_kevinjoy.mp4")
    told(sightline(site.parent, "edge", "replay", "--site", "site.yaml", "--model", "nowhere", clip), "nowhere")
