"""Every command in the README and its pages runs, and the two languages give the same ones."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenes.recordings import record
from tests.scenes.rtsp import FileServer

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/officer.md", "docs/monitor.md", "docs/crew.md"]
CAMERA = "rtsp://127.0.0.1:8554/cam-1"
CLIPS = "../shared/clips"


def commands(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def chinese(page: str) -> str:
    return page.replace(".md", ".zh-CN.md")


ALL = list(dict.fromkeys(command for page in PAGES for command in commands(page)))


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_name_the_same_commands(page: str) -> None:
    assert commands(page) == commands(chinese(page))


@pytest.mark.parametrize("page", [*PAGES, *map(chinese, PAGES)])
def test_every_linked_file_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).is_file(), target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a newcomer would stand: the configs, and a file of boxes."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    line = {"t": 0.0, "objects": [{"id": 1, "class": "car", "box": [10, 10, 60, 50], "score": 0.9}]}
    (tmp_path / "boxes.jsonl").write_text(json.dumps(line) + "\n")
    return tmp_path


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[str]:
    """A camera that stands behind the README's address, on a port of its own."""
    record(tmp_path / "cam-1.mp4", seconds=4)
    server = FileServer(tmp_path)
    yield server.url("cam-1.mp4")
    server.stop()


def succeeds(words: list[str], folder: Path, *more: str) -> None:
    # In the checkout `models` is a package: weights that `make setup` fetches go where they always go.
    env = dict(os.environ) if folder == ROOT else {**os.environ, "SIGHTLINE_MODELS": str(folder / "models")}
    command = [*words, *more]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


ALONE = [one for one in ALL if one.startswith("sightline") and CAMERA not in one and CLIPS not in one]


@pytest.mark.parametrize("command", ALONE)
def test_command_runs(command: str, folder: Path) -> None:
    succeeds([sys.executable, "-m", *shlex.split(command)], folder)


@pytest.mark.parametrize("command", [command for command in ALL if CAMERA in command])
def test_command_with_a_camera_runs(command: str, folder: Path, camera: str) -> None:
    succeeds([sys.executable, "-m", *shlex.split(command.replace(CAMERA, camera))], folder)


@pytest.mark.shared
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", [command for command in ALL if CLIPS in command])
def test_command_on_the_real_clips_runs(
    command: str, folder: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_WEIGHTS", str(shared / "weights"))
    (folder / "docs").mkdir()
    succeeds([sys.executable, "-m", *shlex.split(command.replace(CLIPS, str(shared / "clips")))], folder, "--strict")
    state = json.loads((folder / "docs" / "evaluation.clips.json").read_text())
    assert state


@pytest.mark.parametrize(("command", "arguments"), [("make demo", "--help"), ("make test", "--version")])
def test_make_reaches_its_program(command: str, arguments: str) -> None:
    """What the two commands do is shown by test_demo.py and by this very run; here, that make gets that far."""
    assert command in ALL
    succeeds([*command.split(), f"ARGS={arguments}"], ROOT)


def test_no_command_is_left_out() -> None:
    assert {command.split()[0] for command in ALL} == {"sightline", "make"}
    assert {command for command in ALL if command.startswith("make")} == {"make demo", "make test"}
