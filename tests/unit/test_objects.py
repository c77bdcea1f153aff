"""Files of boxes: what is refused is refused with its line, what is skipped is told, nothing else gets through."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ObjectsError
from edge.objects import ObjectTracker, read_objects

CAR = {"id": 7, "class": "car", "box": [410.0, 300.5, 520.0, 380.0], "score": 0.91}


def read(folder: Path, text: str) -> tuple[list, list[str]]:
    path = folder / "boxes.jsonl"
    path.write_text(text, encoding="utf-8")
    told: list[str] = []
    return list(read_objects(path, told.append)), told


def line(t: object, *objects: object, **more: object) -> str:
    return json.dumps({"t": t, "objects": objects, **more})


def test_the_line_of_the_design(tmp_path: Path) -> None:
    frames, told = read(tmp_path, line(12.48, CAR))
    assert told == []
    assert frames[0].t == 12.48
    assert ObjectTracker().update(frames[0]).ids.tolist() == [7]


def test_plate_colour_emergency_and_signal_are_kept(tmp_path: Path) -> None:
    frames, _ = read(tmp_path, line(0, {**CAR, "plate": "皖A195K9", "emergency": True}, signal={"zebra": "off"}))
    tracks = ObjectTracker().update(frames[0])
    assert tracks.facts_of(7).plate == "皖A195K9"
    assert tracks.facts_of(7).emergency is True
    assert frames[0].signals == {"zebra": "off"}


def test_ids_may_be_left_out_and_the_tracker_gives_them(tmp_path: Path) -> None:
    bare = {key: value for key, value in CAR.items() if key != "id"}
    frames, _ = read(tmp_path, "\n".join(line(n / 5, bare, {**CAR, "id": 3}) for n in range(4)))
    tracker = ObjectTracker()
    ids = [set(tracker.update(frame).ids.tolist()) for frame in frames]
    assert ids[1] == ids[3]
    assert 3 in ids[3]
    assert len(ids[3]) == 2


def test_one_hint_for_two_objects_is_no_hint(tmp_path: Path) -> None:
    other = {**CAR, "box": [10.0, 10.0, 60.0, 50.0]}
    frames, _ = read(tmp_path, line(0, CAR, other))
    assert (frames[0].ids < 0).all()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "boxes.jsonl: has no line"),
        ("\n\n", "boxes.jsonl: has no line"),
        ("not json", "boxes.jsonl:1  is not JSON"),
        (line(0, CAR) + "\n[]", "boxes.jsonl:2  must be"),
        (line(0, CAR) + "\n" + line("0.2"), "boxes.jsonl:2  must be"),
        (line(0, CAR) + '\n{"t": NaN, "objects": []}', "boxes.jsonl:2  must be"),
        (line(1, CAR) + "\n" + line(0.5, CAR), "boxes.jsonl:2  t 0.5 does not rise"),
        (line(1, CAR) + "\n" + line(1, CAR), "boxes.jsonl:2  t 1 does not rise"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(ObjectsError) as told:
        read(tmp_path, text)
    assert where in str(told.value)


@pytest.mark.parametrize(
    "bad",
    [
        {**CAR, "box": [1, 2, float("nan"), 4]},
        {**CAR, "box": [520, 300, 410, 380]},
        {**CAR, "box": [1, 2, 3]},
        {**CAR, "box": [0, 0, 1e9, 4]},
        {**CAR, "class": "tank"},
        {**CAR, "class": ["car"]},
        {**CAR, "score": 2},
        {**CAR, "id": -4},
        {**CAR, "id": "x"},
        "car",
    ],
)
def test_a_bad_object_is_skipped_and_told(tmp_path: Path, bad: object) -> None:
    frames, told = read(tmp_path, line(0, bad, CAR))
    assert len(frames[0].seen) == 1
    assert len(told) == 1
    assert "boxes.jsonl:1" in told[0]


def test_two_thousand_objects_are_no_frame(tmp_path: Path) -> None:
    frames, told = read(tmp_path, line(0, *[CAR] * 2000))
    assert len(frames[0].seen) == 0
    assert "2000 objects" in told[0]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "boxes.jsonl"
    path.write_bytes(raw)
    try:
        list(read_objects(path, lambda _: None))
    except ObjectsError as told:
        assert "boxes.jsonl" in str(told)
