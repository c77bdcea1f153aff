"""What a box did not see, on record: what `GapBook` writes, and that central takes it."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import AT, Box

from central.ingest.admit import Key, judge
from contract.events import EventType, Gap
from contract.sealing import new_key, public_jwk
from edge import child
from edge.box import Folders
from edge.deliver.spool import Spool
from edge.gaps import GapBook
from edge.lifemark import Absence, LifeMark


@pytest.fixture
def book(tmp_path: Path) -> GapBook:
    return GapBook("box-1", Folders(tmp_path).make(), {"worker-1": ["cam-1", "cam-2"]})


def written(tmp_path: Path) -> list[dict]:
    return [taken.item.event.data for taken in Spool(tmp_path / "spool").take()]


def test_a_gap_names_part_cameras_cause_and_time(book: GapBook, tmp_path: Path) -> None:
    book.gap(child.Gap("worker-1", "killed by signal 9", 50.0, 53.25))
    (data,) = written(tmp_path)
    gap = Gap.model_validate(data)
    assert (gap.part, gap.cameras, gap.cause) == ("worker-1", ["cam-1", "cam-2"], "killed by signal 9")
    assert gap.gap_s == 3.25
    assert gap.at_until - gap.at_from == timedelta(seconds=3.25)


def test_only_a_clock_that_is_set_is_a_step(book: GapBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    for shift in (0.0, 0.4, 0.8, -3599.2, -3599.0):  # slewed twice, set back by an hour, slewed again
        monkeypatch.setattr(time, "time", lambda by=shift: real() + by)
        book.turn()
    (data,) = written(tmp_path)
    assert data["part"] == "clock" and data["step_s"] == pytest.approx(-3600, abs=0.2)
    assert "set back by 3600" in data["cause"]
    assert book.clock_steps == 1


def test_what_the_disk_refuses_is_written_later_in_order(
    book: GapBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put = Spool.put

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "put", full)
    for cause in ("first", "second"):
        book.gap(child.Gap("deliver", cause, 0.0, 1.0))
    book.turn()
    assert written(tmp_path) == []
    assert caplog.text.count("free space on the disk") == 1
    monkeypatch.setattr(Spool, "put", put)
    book.turn()
    assert [data["cause"] for data in written(tmp_path)] == ["first", "second"]


def test_how_the_box_before_ended_is_known(tmp_path: Path) -> None:
    path = tmp_path / "box.json"
    assert LifeMark(path, "first").before is None, "there was none"
    LifeMark(path, "first").turn()
    killed = LifeMark(path, "first").before
    assert killed is not None and killed.cause == "the supervisor ended without a word"
    assert 0.0 <= time.monotonic() - killed.since < 5.0
    cut = LifeMark(path, "second").before
    assert cut is not None and cut.cause == "the machine was started anew"
    assert 0.0 <= time.monotonic() - cut.since < 5.0
    LifeMark(path, "first").end()
    assert LifeMark(path, "first").before is None, "it ended in order"


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"ended": false, "boot": "first"}'])
def test_a_mark_that_is_torn_tells_nothing_and_stops_nothing(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "box.json"
    path.write_text(torn)
    mark = LifeMark(path, "first")
    assert mark.before is None
    mark.turn()
    assert LifeMark(path, "first").before is not None


def test_a_box_that_was_away_is_on_record_with_all_its_cameras(tmp_path: Path) -> None:
    book = GapBook("box-1", Folders(tmp_path).make(), {"box": ["cam-1", "cam-2"]})
    book.absent(Absence("the supervisor ended without a word", time.monotonic() - 7.5))
    (data,) = written(tmp_path)
    gap = Gap.model_validate(data)
    assert (gap.part, gap.cameras, gap.gap_s) == ("box", ["cam-1", "cam-2"], pytest.approx(7.5, abs=0.5))


def test_central_takes_a_gap_of_a_box() -> None:
    key = new_key()
    box = Box(key=key)
    gap = Gap(edge_id=box.edge_id, part="inference", cause="hung", at_from=AT, at_until=AT, gap_s=0.0)
    message = box.say(EventType.GAP, gap, source=f"/edge/{box.edge_id}")
    admitted = judge(message, lambda _, kid: Key(kid, public_jwk(key), revoked=False))
    assert admitted.event.type == "sightline.box.gap" and admitted.camera_id is None
    assert isinstance(admitted.data, Gap) and admitted.data.cause == "hung"
