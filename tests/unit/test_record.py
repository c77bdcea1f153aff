"""Recording without a camera: torn files, the index, the budget of the disk, causes."""

import hashlib
import itertools
import multiprocessing
import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.command import KeepSpan, ReleaseSpan
from contract.continuity import Deleted
from contract.events import parse_data
from edge.asked import Asked
from edge.cameras.file import FilePackets
from edge.deliver.spool import Spool
from edge.record.boxes import whole_length
from edge.record.cause import cause_of, cause_of_restart
from edge.record.deletion import Deletions, Doomed, Why
from edge.record.elapsed import Here, here
from edge.record.holds import Holds
from edge.record.index import Gap, Index, Segment
from edge.record.recovery import recover
from edge.record.segment import GrowingSegment, Template, segment_name, start_of
from edge.record.space import Budget, Keep, Space
from tests.scenes.recordings import record

START = datetime(2026, 1, 5, 2, 0, 0, 250_000, tzinfo=UTC)
MB = 1_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segment of 6 s with B-frames, closed but under its temporary name."""
    folder = tmp_path_factory.mktemp("made")
    packets = FilePackets(record(folder / "in.mp4", 6.0, gop=25, bframes=2), lambda t: START).packets(0.0, 60.0)
    growing = GrowingSegment(folder / "cam-1", START, Template(packets[0]), packets[0])
    for packet in packets:
        growing.add(packet)
    growing.finish()
    assert growing.file.size == growing.part.stat().st_size
    assert growing.file.digest == hashlib.sha256(growing.part.read_bytes()).hexdigest()
    return growing.part


def pictures(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def test_a_segment_holds_every_picture_in_order(made: Path, tmp_path: Path) -> None:
    times = pictures(made)
    assert len(times) == 150
    assert all(b - a == pytest.approx(0.04, abs=0.001) for a, b in itertools.pairwise(times))
    assert whole_length(made) <= made.stat().st_size


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_torn_segment_is_cut_back_to_whole_fragments(made: Path, tmp_path: Path, share: float) -> None:
    raw = made.read_bytes()
    torn = tmp_path / "torn.part"
    torn.write_bytes(raw[: round(len(raw) * share)])
    begins = [found.start() - 4 for found in re.finditer(b"moof", raw)] + [raw.index(b"mfra") - 4]
    ends = [end for end in begins[1:] if end <= torn.stat().st_size]
    assert whole_length(torn) == (ends[-1] if ends else 0)
    if ends:
        torn.write_bytes(raw[: ends[-1]])
        got = pictures(torn)
        assert 10 * len(ends) <= len(got) <= 14 * len(ends), "a fragment is half a second"


def test_what_is_no_mp4_has_nothing_whole(tmp_path: Path) -> None:
    for raw in (b"", b"\0" * 100, b"moof" * 100, (8).to_bytes(4, "big") + b"moof"):
        (tmp_path / "x").write_bytes(raw)
        assert whole_length(tmp_path / "x") == 0


def test_the_name_of_a_segment_tells_its_start() -> None:
    assert segment_name(START) == "2026-01-05/02/20260105T020000.250000Z.mp4"
    assert start_of(Path("/x") / segment_name(START)) == START
    assert start_of(Path("20260105T020000.250000Z-1.mp4")) == START


def test_a_restart_keeps_what_is_whole_and_adopts_what_has_no_row(made: Path, tmp_path: Path) -> None:
    folder, index = tmp_path / "cam-1", Index(tmp_path)
    hour = folder / "2026-01-05" / "02"
    hour.mkdir(parents=True)
    raw = made.read_bytes()
    (hour / "20260105T020000.250000Z.mp4").write_bytes(raw)
    (hour / "20260105T020010.250000Z.part").write_bytes(raw[: len(raw) // 2])
    (hour / "20260105T020020.250000Z.part").write_bytes(raw[:500])
    rows = recover(folder, "cam-1", index)
    assert [(row.torn, row.start_us) for row in rows] == [(False, micros(START)), (True, micros(START) + 10 * MB)]
    whole, torn = rows
    assert (whole.pictures, whole.codec, whole.width) == (150, "h264", 1280)
    assert whole.end_us - whole.start_us == pytest.approx(6.0 * MB, abs=60_000)
    assert 50 < torn.pictures < 80 and torn.sha256 == hashlib.sha256((folder / torn.name).read_bytes()).hexdigest()
    assert not list(folder.rglob("*.part"))
    index.add(rows)
    assert recover(folder, "cam-1", index) == []


def micros(moment: datetime) -> int:
    return round(moment.timestamp() * MB)


def segment(camera: str, number: int, size: int = MB, start: datetime = START) -> Segment:
    begin = start + timedelta(seconds=10 * number)
    return Segment(
        camera, micros(begin), micros(begin) + 10 * MB, "run", 0, 0.0, 10.0, segment_name(begin), size, "0" * 64, 250, 0,
        "h264", 1920, 1080, "rtcp",
    )  # fmt: skip


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    one = Index(tmp_path)
    yield one
    one.close()


def test_the_index_tells_what_is_there_and_what_is_not(index: Index) -> None:
    gap = Gap("cam-1", micros(START) + 20 * MB, micros(START) + 25 * MB, "camera", "sent nothing")
    index.add([segment("cam-1", 0), segment("cam-1", 1), gap, segment("cam-2", 0)])
    assert list(index.segments("cam-1")) == [segment("cam-1", 0), segment("cam-1", 1)]
    assert list(index.segments("cam-1", micros(START) + 12 * MB)) == [segment("cam-1", 1)]
    assert index.gaps("cam-1") == [gap] and index.gaps("cam-2") == []
    assert index.last("cam-1") == segment("cam-1", 1) and index.last("cam-9") is None
    assert index.kept_bytes() == 3 * MB


def filled(index: Index, folder: Path, count: int, start: datetime = START) -> None:
    rows = [segment(camera, number, start=start) for number in range(count) for camera in ("cam-1", "cam-2")]
    for row in rows:
        path = folder / row.camera / row.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    index.add(rows)


def _opened(folder: Path, ready: threading.Barrier) -> None:
    ready.wait()
    Index(folder).close()


def test_recorders_that_start_together_make_one_index(tmp_path: Path) -> None:
    """CI found it: "database is locked" from a recorder that opened the new index beside another."""
    for attempt in range(12):
        ready = multiprocessing.Barrier(4)
        together = [multiprocessing.Process(target=_opened, args=(tmp_path / str(attempt), ready)) for _ in range(4)]
        for process in together:
            process.start()
        for process in together:
            process.join(60)
        assert [process.exitcode for process in together] == [0] * 4


def room(folder: Path, max_bytes: int, keep: dict[str, Keep], min_free: int = 0, asked: bool = False) -> Space:
    """The space of a folder, its spool beside it."""
    one, spool = Index(folder), Spool(folder / "spool")
    commands = (Asked(folder / "asked", "keep_span"), Asked(folder / "asked", "release_span")) if asked else None
    return Space(folder, one, Budget(max_bytes, min_free), Deletions(folder, one, spool, "box-1"), keep, commands)


def spooled(folder: Path) -> list[Deleted]:
    found = [parse_data(taken.item.event) for taken in Spool(folder / "spool").take()]
    assert all(isinstance(one, Deleted) for one in found)
    return found  # type: ignore[return-value]


NOW = here("boot-1")


def test_over_the_budget_the_oldest_go_and_what_is_held_stays(index: Index, tmp_path: Path) -> None:
    filled(index, tmp_path, 10)
    Holds(index).hold("cam-1", micros(START) + 5 * MB, micros(START) + 15 * MB, "bookmark")
    space = room(tmp_path, 8 * MB, {"cam-1": Keep(9999), "cam-2": Keep(9999)})
    space.turn(NOW)
    assert index.kept_bytes() == 8 * MB and space.lack is None
    starts = [(row.start_us - micros(START)) // (10 * MB) for row in index.segments("cam-1")]
    assert starts == [0, 1, 7, 8, 9], "the two that the hold touches, and the newest"
    for camera in ("cam-1", "cam-2"):
        there = {str(path.relative_to(tmp_path / camera)) for path in (tmp_path / camera).rglob("*.mp4")}
        assert there == {row.name for row in index.segments(camera)}
    told = spooled(tmp_path)
    assert sum(len(one.segments) for one in told) == 12 and {one.why for one in told} == {"disk_full"}
    assert [one.camera_id for one in told] == ["cam-2", "cam-1"], "each camera's are told as one"


class Noting(Deletions):
    """Deletions that remember when and why each camera's were told."""

    def __init__(self, folder: Path, index: Index, clock: list[float]) -> None:
        super().__init__(folder, index, Spool(folder / "spool"), "box-1")
        self.told: list[tuple[float, str, str]] = []
        self._clock = clock

    def delete(self, chosen: Sequence[Doomed], why: Why, detail: str) -> None:
        self.told.append((self._clock[0], chosen[0].camera, why))
        super().delete(chosen, why, detail)


def test_over_the_budget_each_camera_is_told_once_a_minute(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault this was written for: the days were looked after every second, and less than a minute went at once."""
    clock, cameras = [1000.0], ["cam-1", "cam-2", "cam-3"]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    index.add(segment(camera, number) for number in range(-720, 0) for camera in cameras)
    keep = {"cam-1": Keep(9999), "cam-2": Keep(9999), "cam-3": Keep(7200 / 86_400, polling=True)}
    noting, budget = Noting(tmp_path, index, clock), 3 * 720 * MB
    space = Space(tmp_path, index, Budget(budget, 0), noting, keep)
    for second in range(600):
        clock[0] += 1
        if second % 10 == 0:
            index.add(segment(camera, second // 10) for camera in cameras)
        space.turn(replace(NOW, boot_us=micros(START) + second * MB - NOW.lead_us))
        assert index.kept_bytes() <= budget * 1.025
    for camera in cameras:
        at = [second for second, one, _ in noting.told if one == camera]
        assert len(at) > 5 and all(after - before >= 60 for before, after in itertools.pairwise(at)), (camera, at)
    assert {(one, why) for _, one, why in noting.told} == {
        ("cam-1", "disk_full"), ("cam-2", "disk_full"), ("cam-3", "kept_long_enough"),
    }  # fmt: skip


def test_when_holds_keep_everything_recording_stops_and_says_so_and_goes_on_after_release(
    index: Index, tmp_path: Path
) -> None:
    filled(index, tmp_path, 5)
    kept = Holds(index)
    holds = [kept.hold(camera, 0, 1 << 60, "court") for camera in ("cam-1", "cam-2")]
    space = room(tmp_path, 2 * MB, {"cam-1": Keep(9999), "cam-2": Keep(9999)})
    space.turn(NOW)
    assert index.kept_bytes() == 10 * MB
    assert space.lack is not None and "10 MB may not be deleted" in space.lack
    for number in holds:
        kept.release(number)
    space.turn(NOW)
    assert index.kept_bytes() == 2 * MB and space.lack is None


def test_days_are_kept_by_camera_and_what_went_stays_in_the_index(index: Index, tmp_path: Path) -> None:
    filled(index, tmp_path, 2, datetime.now(UTC) - timedelta(days=3))
    space = room(tmp_path, 100 * MB, {"cam-1": Keep(2.0), "cam-2": Keep(4.0)})
    space.turn(NOW)
    assert not list(index.segments("cam-1")) and len(list(index.segments("cam-2"))) == 2
    told = index._db.execute("SELECT why, deleted_us FROM segment WHERE camera = 'cam-1'").fetchall()
    assert [why for why, _ in told] == ["older than 2 days"] * 2
    assert all(abs(at / 1e6 - time.time()) < 60 for _, at in told)


def test_a_disk_that_is_nearly_full_is_cleared_and_then_told(index: Index, tmp_path: Path) -> None:
    filled(index, tmp_path, 3)
    Holds(index).hold("cam-1", 0, 1 << 60, "court")
    space = room(tmp_path, 100 * MB, {}, min_free=1 << 60)
    space.turn(NOW)
    assert len(list(index.segments("cam-1"))) == 3 and not list(index.segments("cam-2"))
    assert space.lack is not None and "MB left" in space.lack


def test_only_one_recorder_clears_the_disk(index: Index, tmp_path: Path) -> None:
    filled(index, tmp_path, 3)
    first, second = (room(tmp_path, 10 * MB, {}) for _ in range(2))
    first.turn(NOW)
    second._budget = Budget(MB, 0)
    second.turn(NOW)
    assert index.kept_bytes() == 6 * MB and second.lack is None


def test_of_a_polling_station_nothing_goes_within_its_days(index: Index, tmp_path: Path) -> None:
    """The fault this was written for: over the budget the oldest went, whatever days were promised."""
    filled(index, tmp_path, 3, datetime.now(UTC) - timedelta(days=3))
    filled(index, tmp_path, 5, datetime.now(UTC) - timedelta(days=1))
    space = room(tmp_path, 2 * MB, {"cam-1": Keep(2.0, polling=True), "cam-2": Keep(30.0)})
    space.turn(NOW)
    assert len(list(index.segments("cam-1"))) == 5, "what is past its days went, and nothing else"
    assert not list(index.segments("cam-2")), "a road camera's goes within its days"
    assert space.lack is not None and "5 MB may not be deleted" in space.lack
    told = spooled(tmp_path)
    assert {(one.camera_id, one.why) for one in told} == {("cam-1", "kept_long_enough"), ("cam-2", "disk_full")}
    without = room(tmp_path, 2 * MB, {"cam-2": Keep(30.0)})
    space._mine() and without.turn(NOW)
    assert len(list(index.segments("cam-1"))) == 5, "also when the site file has the camera no more"


def test_what_is_kept_on_command_is_kept_once_and_goes_after_its_release(index: Index, tmp_path: Path) -> None:
    filled(index, tmp_path, 4)
    asked = Asked(tmp_path / "asked", "keep_span")
    span = {
        "camera_id": "cam-1",
        "from_us": micros(START),
        "until_us": micros(START) + 15 * MB,
        "by": "w",
        "reason": "r",
    }
    space = room(tmp_path, MB, {"cam-1": Keep(9999)}, asked=True)
    for _ in range(2):
        asked.put(KeepSpan(command="keep_span", id="c-1", **span))
        space.turn(NOW)
    assert len(list(index.segments("cam-1"))) == 2 and asked.waiting() == []
    assert index.db.execute("SELECT count(*) FROM hold").fetchone() == (1,)
    release = Asked(tmp_path / "asked", "release_span")
    release.put(ReleaseSpan(command="release_span", id="c-2", hold="c-1", by="w", reason="r"))
    asked.put(KeepSpan(command="keep_span", id="c-1", **span))
    space.turn(NOW)
    assert len(list(index.segments("cam-1"))) == 1 and release.waiting() == [], "what was released stays released"


def test_a_deletion_cut_short_is_finished_and_told_once(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(index, tmp_path, 3)
    space = room(tmp_path, MB, {})

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as within, pytest.raises(KeyboardInterrupt):
        within.setattr(Deletions, "_remove", dies)
        space.turn(NOW)
    assert spooled(tmp_path), "it is told before the file goes"
    os.close(space._lock)
    room(tmp_path, MB, {}).turn(NOW)
    ids = {one.sha256 for one in index.segments("cam-1")} | {one.sha256 for one in index.segments("cam-2")}
    there = [path for camera in ("cam-1", "cam-2") for path in (tmp_path / camera).rglob("*.mp4")]
    assert len(there) == index.kept_bytes() // MB == len(ids) == 1


def test_a_clock_that_leaps_ahead_deletes_nothing(index: Index, tmp_path: Path) -> None:
    filled(index, tmp_path, 2, datetime.now(UTC) - timedelta(days=1))
    space = room(tmp_path, 100 * MB, {"cam-1": Keep(30.0), "cam-2": Keep(30.0)})
    space.turn(NOW)
    for later, sure in ((NOW.boot, False), ("boot-2", False), ("boot-2", True)):
        space._days_at = 0.0
        space.turn(Here(later, NOW.boot_us + 60 * MB, NOW.lead_us + 400 * 86_400 * MB, sure))
        assert len(list(index.segments("cam-1"))) == (0 if sure else 2)


@pytest.mark.parametrize(
    ("before", "cause"),
    [
        (None, "start"),
        (("boot-1", ""), "process"),
        (("boot-0", ""), "power"),
        (("boot-0", "told to stop"), "operator"),
    ],
)
def test_why_a_run_ended(before: tuple[str, str] | None, cause: str) -> None:
    assert cause_of_restart(before, "boot-1")[0] == cause


def test_whether_the_camera_or_the_network_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert cause_of(f"rtsp://127.0.0.1:{port}/x", "sent nothing") == "camera"
    assert cause_of(f"rtsp://127.0.0.1:{port}/x", "the stream broke off") == "camera"
    assert cause_of("rtsp://10.255.255.1/x", "no route to that host - check") == "network"
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:  # what comes now is dropped, as by a cut cable
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        assert cause_of(f"rtsp://127.0.0.1:{address[1]}/x", "sent nothing") == "network"
        for one in waiting:
            one.close()
