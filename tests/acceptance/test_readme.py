"""Every command in the README and its pages runs, and the two languages give the same ones."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/officer.md", "docs/monitor.md", "docs/crew.md"]
#: Run by a test of their own (a camera must stand behind the address), or are this very run.
ELSEWHERE = {
    "make demo": "tests/acceptance/test_demo.py",
    "make test": "tests/acceptance/test_readme.py",
    "sightline edge probe rtsp://127.0.0.1:8554/cam-1": "tests/integration/test_probe.py",
}


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


@pytest.mark.parametrize("command", ALL)
def test_command_runs(command: str, tmp_path: Path) -> None:
    if command in ELSEWHERE:
        assert (ROOT / ELSEWHERE[command]).is_file()
        return
    words = shlex.split(command)
    assert words[0] == "sightline"
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    line = {"t": 0.0, "objects": [{"id": 1, "class": "car", "box": [10, 10, 60, 50], "score": 0.9}]}
    (tmp_path / "boxes.jsonl").write_text(json.dumps(line) + "\n")
    env = {**os.environ, "SIGHTLINE_MODELS": str(tmp_path / "models")}
    done = subprocess.run(
        [sys.executable, "-m", "sightline", *words[1:]],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
