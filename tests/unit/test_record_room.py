"""How much room a box says it has: when what it must keep no longer fits, against recording it second by second."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_record import MB, START, micros, segment

from contract.states import Disk
from edge.record import room as reckoned
from edge.record.holds import Holds
from edge.record.index import Index
from edge.record.room import Room, Stock, full_at
from edge.record.space import Budget, Keep

HOUR = 3_600_000_000
DAY = 24 * HOUR
NOW = micros(START)


def recorded(stocks: list[Stock], room: int, held: int) -> int | None:
    """The hour in which it is full, by recording hour after hour and letting go what is past its days."""
    kept = [dict(one.kept) for one in stocks]
    longest = round(max((one.days for one in stocks), default=0) * 24)
    for hour in range(longest + 1):
        at = NOW + hour * HOUR
        for one, there in zip(stocks, kept, strict=True):
            if hour:
                there[at] = there.get(at, 0) + round(one.pace * 3600)
            for ended in [ended for ended in there if ended <= at - one.days * DAY]:
                del there[ended]
        if held + sum(sum(there.values()) for there in kept) > room:
            return hour
    return None


STOCK = st.builds(
    Stock, st.integers(2, 20).map(float), st.integers(0, 5_000_000).map(float),
    st.dictionaries(st.integers(1, 20 * 24).map(lambda hours: NOW - hours * HOUR), st.integers(0, 10**10), max_size=5),
)  # fmt: skip


@given(st.lists(STOCK, min_size=1, max_size=3), st.integers(0, 2 * 10**13), st.integers(0, 10**10))
def test_it_is_full_when_recording_it_would_fill_it(stocks: list[Stock], room: int, held: int) -> None:
    said, was = full_at(NOW, room, stocks, held), recorded(stocks, room, held)
    hours = None if said is None else (said - NOW) / HOUR
    margin = sum(one.pace for one in stocks) * 3600 * 5  # five hours of recording: a step of 20 days is 2.4 hours
    if recorded(stocks, room - round(margin), held) is None:
        assert said is None, "it is not said to fill where it has room to spare"
    if recorded(stocks, room + round(margin), held) is not None:
        assert hours is not None and was is not None, "it is told where much is lacking"


def test_two_days_of_room_are_two_days() -> None:
    pace = 500_000.0
    day = round(pace * 86_400)
    assert full_at(NOW, 2 * day, [Stock(30, pace)]) == pytest.approx(NOW + 2 * DAY, abs=HOUR)
    assert full_at(NOW, 2 * day, [Stock(1.9, pace)]) is None, "what is past its days makes room"
    assert full_at(NOW, 2 * day, [Stock(1.9, pace), Stock(30, 1.0)]) is None, "each camera has its own days"
    assert full_at(NOW, 2 * day, [Stock(30, pace, {NOW: day})]) == pytest.approx(NOW + DAY, abs=HOUR)
    old = NOW - round(29.5 * DAY)
    freed = [Stock(30, pace, {old: day})]
    assert full_at(NOW, 2 * day, freed) == pytest.approx(NOW + 2 * DAY, abs=2 * HOUR), "old ones go at noon"
    assert full_at(NOW, 2 * day, freed, held=2 * day) == NOW
    assert full_at(NOW, day, []) is None


@pytest.fixture
def told(tmp_path: Path) -> tuple[Index, Room, Path]:
    """Two hours of a polling camera at 100 kB/s, and of one of the road."""
    index = Index(tmp_path)
    index.add(segment(camera, number) for number in range(720) for camera in ("hall", "road"))
    keep = {"hall": Keep(2.0, polling=True), "road": Keep(30.0)}
    with index.at_once() as db:
        db.executemany(
            "INSERT INTO keeping VALUES (?, ?, ?)", [(name, one.days, one.polling) for name, one in keep.items()]
        )
    path = tmp_path / "disk.json"
    return index, Room(tmp_path, index, Budget(10**10, 0), keep, path), path


def test_a_box_tells_what_its_polling_cameras_need(told: tuple[Index, Room, Path], tmp_path: Path) -> None:
    index, room, path = told
    now = NOW + 2 * HOUR
    room.turn(now)
    said = Disk.model_validate_json(path.read_bytes())
    assert (said.budget_bytes, said.used_bytes, said.pace) == (10**10, 1440 * MB, 100_000)
    # 10 GB less the 0.72 GB that are there, at 0.36 GB an hour; the road's own go when they must.
    assert said.full_at is not None
    assert said.full_at.timestamp() * 1e6 == pytest.approx(now + (10**10 - 720 * MB) / 0.1, abs=HOUR)
    Holds(index).hold("road", NOW, now, "bookmark")
    held = room.disk(now).full_at
    assert held is not None
    assert (said.full_at - held).total_seconds() == pytest.approx(7200, abs=600), "what a hold keeps takes room"
    with index.at_once() as db:
        db.execute("UPDATE keeping SET days = 0.5 WHERE camera = 'hall'")
    assert room.disk(now).full_at is None, "half a day is 4.3 GB"


def test_a_camera_without_a_pace_leaves_it_unknown_and_the_file_is_written_seldom(
    told: tuple[Index, Room, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, _, path = told
    clock = [1000.0]
    monkeypatch.setattr(reckoned.time, "monotonic", lambda: clock[0])
    keep = {"hall": Keep(2.0, polling=True), "new": Keep(2.0, polling=True)}
    room, written = Room(tmp_path, index, Budget(10**10, 0), keep, path), 0
    for second in range(700):
        clock[0] = 1000.0 + second
        path.unlink(missing_ok=True)
        room.turn(NOW)
        if path.exists():
            written += 1
            assert "pace" not in json.loads(path.read_bytes()), "a camera that was never there has no pace"
    assert written == 2
    index.add(replace(segment("new", number), name=str(number)) for number in range(6))
    path.unlink(missing_ok=True)
    clock[0] += reckoned.SOON_S
    room.turn(NOW)
    assert json.loads(path.read_bytes())["pace"] == 200_000, "told as soon as it is known"


def test_the_oldest_recording_is_told_to_the_hour_and_a_deleted_one_is_none(told: tuple[Index, Room, Path]) -> None:
    index, room, _ = told
    now = NOW + 5 * HOUR
    assert room.kept(["hall"], now)["hall"] == {"days": 2.0, "oldest": "2026-01-05T03:00:00Z"}
    with index.at_once() as db:
        db.execute("UPDATE segment SET deleted_us = 1 WHERE camera = 'hall'")
    assert room.kept(["hall"], now)["hall"]["oldest"], "asked anew now and then only"
    assert (
        "oldest"
        not in Room(Path("/"), index, Budget(0, 0), {"hall": Keep(2.0)}, Path("/x")).kept(["hall"], now)["hall"]
    )
