"""The packs that `edge replay --evidence` writes, opened and measured; and other law over the same boxes, end to end."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
import yaml

from contract.events import Image
from tests.pack_files import faults, read, units
from tests.scenes.kerbside import POLE, Street, car, parked, world

SITE = "road_illegal_parking_kevinjoy.wait6.site.yaml"
CLIP = "road_illegal_parking_kevinjoy.mp4"


def replay(*arguments: str, env: dict[str, str] | None = None) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "sightline", "edge", "replay", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def case(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case folder of the real clip, 640x360, with the weights of the shared folder."""
    folder = tmp_path_factory.mktemp("evidence")
    env = {
        **os.environ,
        "SIGHTLINE_WEIGHTS": str(shared / "weights"),
        "SIGHTLINE_MODELS": str(tmp_path_factory.mktemp("models")),
    }
    site = str(shared / "clips" / SITE)
    (event,) = replay("--site", site, str(shared / "clips" / CLIP), "--evidence", str(folder), env=env)
    (made,) = (path for path in folder.iterdir() if path.is_dir())
    assert made.name == event["data"]["case_key"]
    return made


@pytest.mark.shared
def test_a_small_cameras_pack_is_below_the_profile_in_the_files_and_in_the_manifest(case: Path) -> None:
    found = faults(case, wait_s=6.0)
    _, manifest = read(case)
    assert "pictures of 640x360; at least 1280x720 is asked for" in found
    assert set(found) <= set(manifest.below_profile)
    assert any("clock offset is unknown" in one for one in manifest.below_profile)
    assert any("lack the direction" in one for one in manifest.below_profile)
    # What is below the profile is so for these reasons alone: the files themselves hold.
    assert {one.split()[0] for one in found} <= {"pictures", "the"}


@pytest.mark.shared
def test_a_file_that_was_touched_does_not_hold(case: Path, tmp_path: Path) -> None:
    copy = tmp_path / case.name
    shutil.copytree(case, copy)
    still = copy / "first-far.jpg"
    raw = bytearray(still.read_bytes())
    raw[-200] ^= 0xFF
    still.write_bytes(bytes(raw))
    found = faults(copy, wait_s=6.0)
    assert any("is named and not there" in one for one in found)
    assert any(one == "first-far.jpg is there and not named" for one in found)


@pytest.mark.shared
def test_the_clip_is_the_cameras_own_pictures_and_long_enough(case: Path, shared: Path) -> None:
    _, manifest = read(case)
    assert manifest.video is not None and manifest.video.t1 - manifest.video.t0 >= 10
    clip, whole = units(case / "clip.mp4"), units(shared / "clips" / CLIP)
    assert len(clip) > 250
    begin = whole.index(clip[0])
    assert whole[begin : begin + len(clip)] == clip


@pytest.mark.shared
def test_the_sheet_is_one_picture_of_up_to_a_megabyte_beside_the_originals(case: Path) -> None:
    _, manifest = read(case)
    sheets = [image for image in manifest.images if image.role == "composite"]
    assert [(sheet.overlay, sheet.bytes <= 1_000_000, sheet.w) for sheet in sheets] == [(True, True, 1920)]
    far = [image for image in manifest.images if image.role == "far" and not image.overlay]
    assert len(far) >= 2 and len({image.sha256 for image in far}) == len(far)
    drawn = cv2.imread(str(case / "trigger-composite-overlay.jpg"))
    assert drawn.shape[1] == 1920 and drawn.std() > 20


@pytest.mark.shared
def test_every_whole_picture_has_its_copy_and_hides_nothing(case: Path) -> None:
    _, manifest = read(case)

    def of(overlay: bool) -> list[Image]:
        return [image for image in manifest.images if image.role == "far" and image.overlay is overlay]

    assert [image.moment for image in of(True)] == [image.moment for image in of(False)]
    for plain, copy in zip(of(False), of(True), strict=True):
        original, printed = (
            cv2.imread(str(case / f"{one.moment}-far{end}.jpg")) for one, end in ((plain, ""), (copy, "-overlay"))
        )
        assert cv2.PSNR(printed[: original.shape[0]], original) > 34


# The same boxes under other law


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A car that stands at a bus stop for 100 s, as a file of boxes, and the site that sees it."""
    street = Street(zone={"type": "bus_stop"})
    street.zone["permitted_wait_s"] = 60
    camera = street.camera().model_dump(mode="json", exclude_none=True)
    path = tmp_path_factory.mktemp("boxes") / "boxes.jsonl"
    names = ("person", "bicycle", "motorcycle", "car", "bus", "truck")
    with path.open("w", encoding="utf-8") as lines:
        for scene in world(car(parked(4.2, 22)), pinhole=POLE).scenes(0, 100, 2):
            tracks = scene.tracks
            objects = [
                {"id": int(tracks.ids[n]), "class": names[int(tracks.classes[n])], "plate": "AB12 CDE"}
                | {"box": [float(v) for v in tracks.boxes[n]], "score": float(tracks.scores[n])}
                for n in range(len(tracks))
            ]
            lines.write(json.dumps({"t": scene.t, "objects": objects}) + "\n")
    return path, camera


def under(
    folder: Path, boxes: tuple[Path, dict[str, Any]], jurisdiction: str, zone: dict[str, Any] | None = None, **site: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Events and explained decisions of the boxes under one jurisdiction."""
    path, camera = boxes
    zones = [{**camera["zones"][0], **(zone or {})}]
    data = {"site": "s", "name": "S", "timezone": "Europe/London", "jurisdiction": jurisdiction, **site}
    (folder / "site.yaml").write_text(
        yaml.safe_dump({**data, "cameras": [{**camera, "zones": zones}]}), encoding="utf-8"
    )
    explained = folder / "why.jsonl"
    events = replay("--site", str(folder / "site.yaml"), "--objects", str(path), "--explain", str(explained))
    return events, [json.loads(line) for line in explained.read_text(encoding="utf-8").splitlines()]


def test_a_british_camera_judges_a_bus_stop(tmp_path: Path, boxes: tuple[Path, dict[str, Any]]) -> None:
    (event,), _ = under(tmp_path, boxes, "uk")
    data = event["data"]
    assert (data["violation_code"], data["verdict"], data["jurisdiction"]) == ("47", "candidate", "uk")
    assert data["jurisdiction_ver"] and data["code_ver"]
    assert data["facts"]["driver_present"] == {
        "value": "unknown",
        "sources": ["model", "reviewer"],
        "ask": False,
        "question": "Is the driver in the vehicle, and did he or she drive on when told to?",
    }


def test_and_no_yellow_line(tmp_path: Path, boxes: tuple[Path, dict[str, Any]]) -> None:
    events, explained = under(tmp_path, boxes, "uk", {"type": "no_stopping", "marking": "yellow_line"})
    assert events == []
    assert [one["outcome"] for one in explained] == ["suppressed", "suppressed"]
    assert explained[0]["reason"] == "uk lets no camera judge a zone of type no_stopping marked yellow_line"


def test_new_york_marks_its_time_of_warnings(tmp_path: Path, boxes: tuple[Path, dict[str, Any]]) -> None:
    (event,), _ = under(tmp_path, boxes, "us-nyc", enforcing_since="2025-12-01")
    assert event["data"]["numbers"]["warning_only"] is True
    assert event["data"]["numbers"]["warning_until"] == "2026-01-29"


def test_a_listed_plate_is_not_accused_and_a_stolen_one_is_for_a_person(
    tmp_path: Path, boxes: tuple[Path, dict[str, Any]]
) -> None:
    (tmp_path / "plates.txt").write_text("AB12CDE\n", encoding="utf-8")
    events, explained = under(tmp_path, boxes, "cn-default", exempt_lists={"works_vehicle": "plates.txt"})
    assert events == [] and explained[0]["facts"]["works_vehicle"]["value"] == "yes"
    (event,), _ = under(tmp_path, boxes, "cn-default", exempt_lists={"stolen_or_cloned": "plates.txt"})
    assert event["data"]["verdict"] == "needs_human"
    assert [one["fact"] for one in event["data"]["unknown"]] == ["stolen_or_cloned"]
