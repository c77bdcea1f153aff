"""A standing car whose plate can be read, from video to the manifest: the very command, detector and reader."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from contract.events import Manifest, Violation
from models.bundles import prepare
from tests.bench.plates import picture
from tests.integration.test_evidence_plate import filmed

SITE = """
site: kerbside
name: 迎春南路 3 号
timezone: Asia/Shanghai
jurisdiction: cn-default
cameras:
  - id: cam-1
    url: rtsp://127.0.0.1:8554/cam-1
    frame: [1520, 1160]
    zones:
      - {id: kerb, type: no_parking, polygon: [[300, 300], [1300, 300], [1300, 1100], [300, 1100]], permitted_wait_s: 6}
"""


@pytest.fixture(scope="module")
def kerb(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the video and its site file."""
    folder = tmp_path_factory.mktemp("kerb")
    car = picture(shared / "plates" / "photos" / "ccpd_demo_3.jpg")
    scene = cv2.copyMakeBorder(car, 0, 0, 400, 400, cv2.BORDER_CONSTANT, value=(110, 110, 110))
    filmed(folder / "car.mp4", scene)
    (folder / "site.yaml").write_text(SITE, encoding="utf-8")
    return folder


def replayed(kerb: Path, cases: Path, shared: Path, **env: str) -> tuple[Path, str]:
    """The one case folder, and what was said on standard error."""
    words = ["edge", "replay", "--site", "site.yaml", "car.mp4", "--evidence", str(cases)]
    done = subprocess.run(
        [sys.executable, "-m", "sightline", *words],
        cwd=kerb,
        env={**os.environ, "SIGHTLINE_WEIGHTS": str(shared / "weights"), **env},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (event,) = (json.loads(line) for line in done.stdout.splitlines())
    return cases / event["data"]["case_key"], done.stderr


def manifest_of(folder: Path) -> Manifest:
    return Manifest.model_validate(json.loads((folder / "manifest.json").read_bytes())["data"])


@pytest.mark.shared
def test_the_manifest_carries_the_plate_and_the_decision_did_not_wait_for_it(
    kerb: Path, shared: Path, tmp_path: Path
) -> None:
    prepare("plates-cn", lambda _: None)
    folder, _ = replayed(kerb, tmp_path, shared)
    violation = Violation.model_validate(json.loads((folder / "violation.json").read_bytes())["data"])
    manifest = manifest_of(folder)
    assert violation.vehicle.plate is None
    assert manifest.vehicle is not None
    assert (manifest.vehicle.plate, manifest.vehicle.plate_color, manifest.vehicle.plate_type) == (
        "皖AMK620",
        "blue",
        "02",
    )
    assert manifest.vehicle.conf is not None and manifest.vehicle.conf >= 0.9
    assert [image.role for image in manifest.images if image.role == "plate"] == ["plate"]
    assert any(path.name.endswith("-plate.jpg") for path in folder.iterdir())
    assert not [lack for lack in manifest.below_profile if "plate" in lack]


@pytest.mark.shared
def test_without_the_weights_it_is_said_once_and_the_evidence_is_whole(
    kerb: Path, shared: Path, tmp_path: Path
) -> None:
    folder, said = replayed(kerb, tmp_path / "cases", shared, SIGHTLINE_MODELS=str(tmp_path / "models"))
    assert said.count("plates are not read") == 1 and "sightline models fetch plates-cn" in said
    manifest = manifest_of(folder)
    assert manifest.vehicle is None and manifest.video is not None
    assert not [lack for lack in manifest.below_profile if "plate" in lack]
