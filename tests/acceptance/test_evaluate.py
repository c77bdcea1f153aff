"""`sightline eval` as a process: a short campaign held to the thresholds of the rules, its report, its exit status."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.campaign import generate, short_of
from tests.scenes.generate import parking_scene

#: Neither tuned on (below 5,999) nor reported from (1,000,000 on).
SEED, COUNT = 20_000, 35


def run_eval(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightline", "eval", str(folder), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=550, check=False)


def campaign(rule: str, folder: Path) -> dict[str, Any]:
    """The figures of a short campaign, all lights together."""
    assert generate(rule, COUNT, SEED, folder) == []
    done = run_eval(folder, "--json", str(folder / "report.json"))
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "report.json").read_text())
    assert report["scenes"] == COUNT
    print(done.stdout)
    (figures,) = report["rules"].values()
    return dict(figures["all"])


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("rule", "offences"), [("yield", 7), ("parking", 8)])
def test_generated_scenes_do_not_contradict_the_thresholds(rule: str, offences: int, tmp_path: Path) -> None:
    """At this count a share says only whether the threshold can still be true: the upper end of its 95 % interval.

    `make campaign ARGS="--hold"` asks for the thresholds themselves, on 1,000 scenes.
    """
    found = campaign(rule, tmp_path)
    assert found["recall"]["of"] >= offences
    assert short_of(rule, found, "high") == []


def test_a_wrong_label_is_listed_and_strict_fails(tmp_path: Path) -> None:
    """The same scene with its label turned round: eval must say so, and `--strict` must not pass."""
    made = parking_scene.make(7, "one", "long_stay")
    assert len(made.expect["events"]) == 1
    made.write(tmp_path)
    right = run_eval(tmp_path, "--strict", "--json", str(tmp_path / "right.json"))
    assert right.returncode == 0, right.stdout + right.stderr
    assert json.loads((tmp_path / "right.json").read_text())["wrong"] == []
    label = tmp_path / "one.expect.json"
    label.write_text(json.dumps({**made.expect, "events": []}))
    wrong = run_eval(tmp_path, "--strict", "--explain", "--json", str(tmp_path / "wrong.json"))
    assert wrong.returncode == 1
    assert "not as expected" in wrong.stderr and "false: candidate illegal_parking" in wrong.stdout
    report = json.loads((tmp_path / "wrong.json").read_text())
    assert report["as_expected"] == 0 and report["wrong"][0]["decisions"]
    assert run_eval(tmp_path).returncode == 0


def test_a_scene_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    one, two = (parking_scene.make(11, "one") for _ in range(2))
    assert (one.site, one.lines, one.expect) == (two.site, two.lines, two.expect)
    assert parking_scene.make(12, "one").lines != one.lines


def test_input_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    nothing = run_eval(tmp_path)
    assert nothing.returncode == 2 and len(nothing.stderr.strip().splitlines()) == 1
    (tmp_path / "one.expect.json").write_text('{"events": [], "wat": 1}')
    unknown = run_eval(tmp_path)
    assert unknown.returncode == 2 and "one.expect.json: wat" in unknown.stderr


def test_a_broken_file_of_boxes_is_a_wrong_scene_and_not_the_end(tmp_path: Path) -> None:
    parking_scene.make(7, "one", "long_stay").write(tmp_path)
    made = parking_scene.make(8, "two", "passing")
    made.write(tmp_path)
    (tmp_path / "two.jsonl").write_text('{"t": 0, "objects": []}\nnot json\n')
    done = run_eval(tmp_path)
    assert done.returncode == 0 and "two.jsonl:2" in done.stdout.replace("\n", "")
    assert "1 of 2 scene(s) as expected" in done.stdout
