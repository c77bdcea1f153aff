"""`sightline edge replay` on the real clips gives what each clip's expect.json says: no more, no less."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.shared

CLIPS = [
    "lot_cctv_leaving_prakhar.bay",
    "road_cctv_india_clumsyy29.roadway",
    "road_crosswalk_madison_roxa.plain",
    "road_dusk_highway_federico.all",
    "road_illegal_parking_kevinjoy.wait15",
    "road_illegal_parking_kevinjoy.wait6",
    "road_zebra_redlight_kartik.plain",
]


@pytest.fixture(scope="session")
def yolo(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the weights of the shared folder are prepared once."""
    cache = tmp_path_factory.mktemp("models")
    return {**os.environ, "SIGHTLINE_WEIGHTS": str(shared / "weights"), "SIGHTLINE_MODELS": str(cache)}


def replay(site: Path, video: Path, env: dict[str, str], *more: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "sightline", "edge", "replay", "--site", str(site), str(video), *more]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def fits(event: dict[str, Any], expected: dict[str, Any]) -> bool:
    data = event["data"]
    if data["rule"] != expected["rule"] or data["zone_id"] != expected["zone_id"]:
        return False
    if data["verdict"] not in expected["verdict"]:
        return False
    windows = [name for name in ("t_first", "t_trigger", "t_last") if name in expected]
    return all(expected[name][0] <= data[name] <= expected[name][1] for name in windows)


def test_every_labelled_clip_is_in_the_list(shared: Path) -> None:
    found = {path.name.removesuffix(".expect.json") for path in (shared / "clips").glob("*.expect.json")}
    assert found == set(CLIPS)


@pytest.mark.parametrize("name", CLIPS)
def test_clip(name: str, shared: Path, yolo: dict[str, str]) -> None:
    folder = shared / "clips"
    expected = json.loads((folder / f"{name}.expect.json").read_text())
    events = replay(folder / expected.get("site", f"{name}.site.yaml"), folder / f"{expected['clip']}.mp4", yolo)
    assert len(events) == len(expected["events"]), events
    for one in expected["events"]:
        assert sum(fits(event, one) for event in events) == 1, (one, events)
    assert all(event["data"]["replay"] is True for event in events)
