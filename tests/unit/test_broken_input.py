"""What a hostile newcomer writes into site files, settings and files of boxes: one line each, never a traceback."""

import json
import os
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import central.config
import edge.config
from contract.errors import ConfigError, InputError, ObjectsError, SiteError
from contract.sitefile import load_site
from edge.objects import MAX_T, read_objects
from edge.replay import parse_start, place_of, whole_or_nothing

DEMO = Path(__file__).resolve().parents[2] / "configs" / "sites" / "demo.yaml"
WAIT = "permitted_wait_s: 15.0"


def broken(folder: Path, old: str, new: str) -> Path:
    text = DEMO.read_text(encoding="utf-8")
    assert old in text
    path = folder / "site.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "value",
    ["2026-13-45", "!!int x", "!!timestamp 99", "!!binary x", "!!python/object/apply:os.system [ls]", "9" * 5000],
)
def test_a_value_that_only_looks_like_one(tmp_path: Path, value: str) -> None:
    path = broken(tmp_path, WAIT, f"permitted_wait_s: {value}")
    with pytest.raises(SiteError, match=r"site\.yaml") as told:
        load_site(path)
    assert "\n" not in str(told.value)


def test_a_key_that_is_a_list(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="unhashable"):
        load_site(broken(tmp_path, "site: demo-street", "? [a]\n: 2\nsite: demo-street"))


def test_an_abyss_of_brackets_is_left_at_once(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("[" * 500_000)
    with pytest.raises(SiteError, match="nested over"):
        load_site(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    - [-13.0, 55.0]\n", "    - [13.0, -55.0]\n", ["cam-1: ground"]),
        (
            "    - [311.4, 581.0]\n    - [788.7, 645.8]\n    - [853.8, 536.0]\n    - [441.6, 489.7]\n    policy",
            "    - [580, 560]\n    - [585, 560]\n    - [585, 565]\n    - [580, 565]\n    policy",
            ["zebra", "l1", "does not meet the crosswalk"],
        ),
        (
            "      - [495.7, 451.7]\n      - [680.6",
            "      - [680.6, 470.8]\n      - [680.6",
            ["stop_line", "one point"],
        ),
    ],
)
def test_shapes_that_do_not_fit_together(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    path = broken(tmp_path, old, new)
    with pytest.raises(SiteError, match=r"site\.yaml:\d+  ") as told:
        place_of(path, None)
    assert all(word in str(told.value) for word in words), told.value
    assert "site.yaml:1 " not in str(told.value)


@pytest.mark.parametrize("start", ["9999-12-31T23:59:59", "0001-01-01T00:00:00"])
def test_a_start_that_leaves_no_room(tmp_path: Path, start: str) -> None:
    zone = place_of(broken(tmp_path, WAIT, WAIT), None).site_file.site.zone_info
    with pytest.raises(InputError, match="years"):
        parse_start(start, zone)


@pytest.mark.parametrize("t", [f"1{'0' * 400}", "1e300", f"-{2 * MAX_T:g}"])
def test_a_time_beyond_any_recording(tmp_path: Path, t: str) -> None:
    path = tmp_path / "boxes.jsonl"
    path.write_text(f'{{"t": {t}, "objects": []}}\n')
    with pytest.raises(ObjectsError, match=r"boxes\.jsonl:1"):
        list(read_objects(path, print))


def test_what_cannot_be_written_down_again_is_unknown(tmp_path: Path) -> None:
    """JSON lets half a character and a number beyond all floats through; an event could not say them."""
    car = '"class": "car", "box": [10, 10, 60, 50]'
    vast = f'{{"class": "car", "box": [1, 1, 1{"0" * 400}, 9]}}'
    first = f'{{"id": 1, {car}, "plate": "\\ud800", "color": "{"x" * 100_000}"}}'
    path = tmp_path / "boxes.jsonl"
    path.write_text(f'{{"t": 0, "objects": [{first}, {vast}], "signal": {{"zebra": ["off"]}}}}\n')
    told: list[str] = []
    (frame,) = read_objects(path, told.append)
    assert len(frame.seen) == 1
    assert frame.facts == {}
    assert frame.signals == {}
    assert len(told) == 2


@pytest.mark.parametrize("module", [edge.config, central.config])
@pytest.mark.parametrize(
    "text",
    [
        "x: 2026-13-45",
        "[" * 3000,
        "x: !!python/object:os.x {}",
        "? [a]\n: 2",
        '{edge_id: e, sites: [s], data_dir: "a\\0b"}',
        "\x00",
        "[]",
        "",
    ],
)
def test_settings(tmp_path: Path, module: Any, text: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"settings\.yaml: ") as told:
        module.load_config(path)
    assert "\n" not in str(told.value)
    assert json.dumps(str(told.value))


def test_a_start_in_the_hour_that_summer_time_leaves_out_is_refused() -> None:
    with pytest.raises(InputError, match=r"--start '2026-03-29T01:30:00' is in the hour that summer time leaves out"):
        parse_start("2026-03-29T01:30:00", ZoneInfo("Europe/London"))


@pytest.mark.parametrize("start", ["2026-03-29T00:57:00", "2026-10-25T01:57:00", "2026-06-01T12:00:00"])
def test_a_second_of_replay_is_a_second_across_a_change_of_summer_time(start: str) -> None:
    begin = parse_start(start, ZoneInfo("Europe/London"))
    assert begin.wall(7200.0).astimezone(UTC) - begin.wall(0.0).astimezone(UTC) == timedelta(hours=2)


def test_an_explanation_goes_into_a_pipe_and_no_file_takes_its_place(tmp_path: Path) -> None:
    pipe = tmp_path / "explained"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with whole_or_nothing(pipe) as stream:
        assert stream is not None
        stream.write("said\n")
    assert os.read(reader, 100) == b"said\n"
    os.close(reader)
    assert pipe.is_fifo()
