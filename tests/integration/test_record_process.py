"""Recorders as processes, cameras over RTSP: every second is recorded, or is a gap with its cause."""

import errno
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest

from contract.states import Disk as DiskTold
from edge.cameras.packets import CameraPacket
from edge.config import load_config
from edge.deliver.spool import Spool
from edge.record import segment as segments
from edge.record.deletion import Deletions
from edge.record.holds import Holds
from edge.record.index import Gap, Index, Segment
from edge.record.process import RecorderProcess
from edge.record.recorder import Recorder, Target
from edge.record.sealer import Sealer
from edge.record.segment import segment_name
from edge.record.space import Budget, Space
from edge.record.tapped import TapReader
from edge.supervisor import Supervisor
from tests.record_kit import MB, Box, holes, until, whole
from tests.scenes.recordings import record
from tests.scenes.rtsp import FileServer, Relay

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """in.mp4: 30 s, 25/s, a keyframe a second."""
    folder = tmp_path_factory.mktemp("recordings")
    record(folder / "in.mp4", 30.0, gop=25, size=(640, 360))
    return folder


@pytest.fixture
def server(recordings: Path) -> Iterator[FileServer]:
    one = FileServer(recordings)
    yield one
    one.stop()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Callable[..., Box]]:
    made: list[Box] = []

    def make(url: str, **recording: int | str) -> Box:
        made.append(Box(tmp_path, url, **({"min_free_bytes": 0} | recording)))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None:
            one.end(signal.SIGKILL)


def test_pictures_are_handed_out_one_by_one_while_somebody_watches(box: Callable[..., Box], server: FileServer) -> None:
    one = box(server.url("in.mp4"))
    one.run()
    taps = one.folder / "data" / "run" / "taps"
    until((taps / "cam-1.sock").exists, 30, one.told)

    reader, came = TapReader(taps, "cam-1", "all"), []
    for _ in zip(range(100), reader.pictures(), strict=False):
        came.append(time.monotonic())
    reader.close()
    later = came[40:]  # behind all since the last keyframe, and what had been gathered by then
    assert sum(b - a < 0.01 for a, b in itertools.pairwise(later)) < 0.4 * len(later)


def test_every_picture_is_recorded_once(box: Callable[..., Box], server: FileServer) -> None:
    one = box(server.url("in.mp4"))
    one.run()
    until(lambda: one.root.exists() and len(one.segments()) >= 4, 30, one.told)
    disk = DiskTold.model_validate_json((one.folder / "data" / "run" / "disk.json").read_bytes())
    assert disk.free_bytes > 0 and disk.full_at is None and one.beat()["kept"] == {"days": 30.0}
    assert one.end() == 0
    rows = one.segments()
    assert [abs(b.t0 - a.t1) for a, b in itertools.pairwise(rows)] == pytest.approx([0.0] * (len(rows) - 1))
    span = (rows[-1].end_us - rows[0].start_us) / MB
    assert whole(one, rows) == pytest.approx(span * 25, abs=2)
    assert all(1.9 <= row.t1 - row.t0 <= 3.0 for row in rows[:-1])
    assert one.gaps() == [] and not list(one.root.rglob("*.part"))


def test_killed_it_loses_less_than_a_second_beyond_its_absence(box: Callable[..., Box], server: FileServer) -> None:
    one = box(server.url("in.mp4"))
    one.run()
    until(lambda: one.root.exists() and len(one.segments()) >= 2, 30, one.told)
    time.sleep(1.3)
    one.end(signal.SIGKILL)
    killed = time.time()
    assert list(one.root.rglob("*.part")), "it was killed in the midst of a segment"
    time.sleep(1.0)
    one.run()
    before = len(one.segments())
    until(lambda: len(one.segments()) >= before + 3, 30, one.told)
    one.end()
    rows = one.segments()
    torn = [row for row in rows if row.torn]
    assert len(torn) == 1 and not list(one.root.rglob("*.part"))
    assert killed - torn[0].end_us / MB < 1.0, "at most a second of what came is lost"
    gaps = one.gaps()
    assert [gap.cause for gap in gaps] == ["process"]
    assert gaps[0].start_us == torn[0].end_us
    assert gaps[0].end_us == next(row.start_us for row in rows if row.start_us > torn[0].start_us)
    whole(one, rows)


def test_a_camera_that_stalls_or_dies_is_a_gap_of_its_length(box: Callable[..., Box], server: FileServer) -> None:
    relay = Relay(server.port)
    one = box(server.url("in.mp4", relay.port))
    try:
        one.run()
        until(lambda: one.root.exists() and len(one.segments()) >= 2, 30, one.told)
        relay.freeze()
        frozen = time.time()
        until(lambda: one.beat().get("state") == "lost", 10, one.told)
        relay.thaw()
        until(lambda: one.gaps(), 20, one.told)
        until(lambda: one.segments()[-1].start_us > one.gaps()[0].start_us, 20, one.told)
        gap = one.gaps()[0]
        assert gap.cause == "camera" and "sent nothing for 4 s" in gap.detail
        assert abs(gap.start_us / MB - frozen) < 1.0, "what came before the stall is kept"
        assert 4.0 <= (gap.end_us - gap.start_us) / MB < 10.0
        one.end()
        rows = one.segments()
        between = [hole for hole in holes(rows) if hole > 1.0]
        assert between == [pytest.approx((gap.end_us - gap.start_us) / MB, abs=0.25)]
        whole(one, rows)
        spooled = [json.loads(path.read_bytes())["event"] for path in (one.folder / "data/spool/new").glob("*.json")]
        (told,) = [event for event in spooled if event["type"] == "sightline.box.gap"]
        assert told["data"]["cameras"] == ["cam-1"] and "camera" in told["data"]["cause"]
    finally:
        relay.close()


def test_the_budget_is_kept_while_it_records(box: Callable[..., Box], server: FileServer) -> None:
    one = box(server.url("in.mp4"), max_bytes=10_000_000)
    one.root.mkdir(parents=True)
    ago = datetime.now(UTC) - timedelta(hours=5)
    begun = round(ago.timestamp() * MB)
    big = Segment(
        "cam-1", begun, begun + 9 * MB, "old", 0, 0.0, 9.0, segment_name(ago), 9_990_000, "0" * 64, 1, 0,
        "h264", 1, 1, "rtcp",
    )  # fmt: skip
    old = one.root / "cam-1" / big.name
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    index = Index(one.root)
    index.add([big])
    one.run()
    until(lambda: not old.exists(), 30, one.told)
    assert index.kept_bytes() < 10_000_000
    assert index._db.execute("SELECT why FROM segment WHERE name = ?", (big.name,)).fetchone()[0].startswith("over")


def test_a_box_that_is_stopped_in_order_says_so(box: Callable[..., Box], server: FileServer) -> None:
    one = box(server.url("in.mp4"))
    for count in (1, 4):
        one.run()
        until(lambda least=count: one.root.exists() and len(one.segments()) >= least, 30, one.told)
        assert one.end() == 0
        time.sleep(1.5)
    assert [gap.cause for gap in one.gaps()] == ["operator"]


def test_a_camera_that_no_site_records_is_refused(box: Callable[..., Box], tmp_path: Path) -> None:
    one = box("rtsp://127.0.0.1:1/x")
    command = [sys.executable, "-m", "edge.record.process", "--config", str(one.folder / "edge.yaml"), "--cameras", "x"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1 and "recording" in ended.stderr


def test_a_recorder_that_is_killed_records_again_within_ten_seconds(
    box: Callable[..., Box], server: FileServer
) -> None:
    one = box(server.url("in.mp4"))
    config = load_config(one.folder / "edge.yaml")
    watched = Supervisor(config, one.folder / "edge.yaml", one.folder, lambda _: None)
    (part,) = watched.recorders
    part.start()
    try:
        until(lambda: one.root.exists() and len(one.segments()) >= 2, 30, one.told)
        assert part.pid is not None
        os.kill(part.pid, signal.SIGKILL)
        killed, before = time.monotonic(), len(one.segments())

        def recorded_again() -> bool:
            part.tend()
            return any(not row.torn for row in one.segments()[before:])

        until(recorded_again, 15, one.told)
        gap = one.gaps()[0]
        assert gap.cause == "process" and (gap.end_us - gap.start_us) / MB < 10.0
        assert time.monotonic() - killed < 15.0 and part.restarts == 1
    finally:
        part.ask_to_end()
        if not part.wait(10.0):
            part.kill()


def test_a_recorder_whose_thread_hangs_ends_so_that_it_is_started_anew(
    box: Callable[..., Box], server: FileServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = box(server.url("in.mp4"))
    release, take = threading.Event(), Recorder._take

    def hanging(self: Recorder, packet: CameraPacket) -> None:
        take(self, packet)
        if self.figures.segments == 2:
            release.wait()

    monkeypatch.setattr(Recorder, "_take", hanging)
    process = RecorderProcess(load_config(one.folder / "edge.yaml"), ["cam-1"], "recorder-1")
    try:
        with caplog.at_level(logging.ERROR):
            assert process.run([]) == 1
    finally:
        release.set()
    assert "cam-1: its recording hangs - the recorder is started anew" in caplog.text
    assert len(one.segments()) == 2, "what was whole is in the index"
    again = RecorderProcess(load_config(one.folder / "edge.yaml"), ["cam-1"], "recorder-1")
    monkeypatch.setattr(Recorder, "_take", take)
    signals: list[int] = []

    def end_when_it_records() -> None:
        try:
            until(lambda: one.gaps() and len(one.segments()) >= 3, 30, lambda: "it does not record")
        finally:
            signals.append(15)

    threading.Thread(target=end_when_it_records, daemon=True).start()
    assert again.run(signals) == 0
    assert [gap.cause for gap in one.gaps()] == ["process"]
    whole(one, one.segments())


# -- a disk that is full ------------------------------------------------------------------------------------------


class Disk:
    """os.write of segments, which refuses while `full`, some bytes into what it is given."""

    def __init__(self) -> None:
        self.full = False

    def write(self, handle: int, data: memoryview) -> int:
        if self.full:
            if len(data) > 5000:
                return os.write(handle, data[:5000])
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(handle, data)


def test_on_a_full_disk_recording_stops_says_so_and_goes_on(
    tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()

    class Os:
        write = staticmethod(disk.write)

        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

    monkeypatch.setattr(segments, "os", Os())
    rows: list[Segment | Gap] = []
    index = Index(tmp_path)
    sealer = Sealer(index, rows.append)
    sealer.start()
    spare = Index(tmp_path)
    deletions = Deletions(tmp_path, spare, Spool(tmp_path / "spool"), "box-1")
    space = Space(tmp_path, spare, Budget(10**12, 0), deletions, {})
    target = Target("cam-1", server.url("in.mp4"), tmp_path / "cam-1", "run", 2.0)
    recorder = Recorder(target, sealer, space, None)
    recorder.start()
    try:
        until(lambda: len(list(index.segments("cam-1"))) >= 2, 20, lambda: str(recorder.measure()))
        until(lambda: any(part.stat().st_size > 9000 for part in tmp_path.rglob("*.part")), 5, lambda: "nothing grows")
        disk.full = True
        until(lambda: recorder.full, 5, lambda: str(recorder.measure()))
        assert "No space left" in str(recorder.full) and recorder.measure()["state"] == "full"
        time.sleep(3.0)
        assert recorder.alive, "the camera is watched on"
        disk.full = False
        until(lambda: recorder.full is None, 5, lambda: str(recorder.measure()))
        until(lambda: any(isinstance(row, Gap) for row in rows), 10, lambda: str(recorder.measure()))
        time.sleep(3.0)
    finally:
        recorder.stop()
        recorder.join(10)
        sealer.stop(10)
    gaps = [row for row in rows if isinstance(row, Gap)]
    assert [gap.cause for gap in gaps] == ["storage"]
    lost = (gaps[0].end_us - gaps[0].start_us) / MB
    assert 3.0 <= lost <= 7.0
    found = list(index.segments("cam-1"))
    assert any(row.torn for row in found), "the whole beginning of the refused segment is kept"
    for row in found:
        with av.open(str(tmp_path / "cam-1" / row.name)) as container:
            assert sum(1 for _ in container.decode(video=0)) == row.pictures
    assert not list(tmp_path.rglob("*.part"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_real_disk_fills_up_and_is_emptied(box: Callable[..., Box], server: FileServer, small_disk: Path) -> None:
    one = box(server.url("in.mp4"), folder=str(small_disk / "kept"))
    one.root = small_disk / "kept"
    index = Index(one.root)
    Holds(index).hold("cam-1", 0, 1 << 60, "court")
    one.run()
    until(lambda: len(one.segments()) >= 1, 30, one.told)
    filler = small_disk / "filler"
    # Unbuffered: what did not fit would be written once more when the file is closed, and fail there.
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(100_000))
    until(lambda: one.beat().get("state") == "full", 15, one.told)
    filler.unlink()
    until(lambda: one.beat().get("state") == "live", 15, one.told)
    until(lambda: "storage" in [gap.cause for gap in one.gaps()], 15, one.told)
    assert one.end() == 0
    whole(one, one.segments())
    assert one.told().count("recording stops") <= 3, "said once, not every second"


def test_a_recorder_that_begins_on_a_full_disk_waits_for_room(
    box: Callable[..., Box], server: FileServer, small_disk: Path
) -> None:
    one = box(server.url("in.mp4"), folder=str(small_disk / "kept"))
    one.root = small_disk / "kept"
    one.run()
    until(lambda: one.root.exists() and len(one.segments()) >= 1, 30, one.told)
    one.end(signal.SIGKILL)
    with (small_disk / "filler").open("wb", buffering=0) as file:
        for size in (100_000, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    one.run()
    until(lambda: "waits for room on the disk" in one.told(), 20, one.told)
    time.sleep(2.0)
    assert one.process is not None and one.process.poll() is None, one.told()
    (small_disk / "filler").unlink()
    until(lambda: "storage" in [gap.cause for gap in one.gaps()], 20, one.told)
    assert one.end() == 0
    assert [gap.cause for gap in one.gaps()] == ["storage"]
    assert one.told().count("waits for room") == 1, "said once, not every second"
    whole(one, one.segments())
