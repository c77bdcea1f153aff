"""The continuity ledger of real recorders: every second is a segment or a gap with its cause, whatever is done to them."""

import itertools
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.continuity import Missing
from sightline.evidence.verify import verify
from tests.record_kit import MB, Box, until
from tests.recording_kit import of_blocks
from tests.scenes.recordings import record
from tests.scenes.rtsp import FileServer, Relay


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
        made.append(Box(tmp_path, url, **({"min_free_bytes": 0, "block_s": 2} | recording)))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None:
            one.end(signal.SIGKILL)


def recorded(one: Box, more: int = 2) -> None:
    """Wait until so many more segments are on disk and in the ledger."""
    before = len(one.segments()) if one.root.exists() else 0
    until(lambda: one.root.exists() and len(one.segments()) >= before + more, 40, one.told)
    last = one.segments()[-1].end_us
    until(lambda: (told := one.blocks()) and told[-1].until_us >= last, 20, one.told)


def lengths(gaps: tuple[Missing, ...], cause: str) -> float:
    return sum(one.end_us - one.start_us for one in gaps if one.cause == cause) / MB


def test_killed_again_and_again_the_ledger_stays_one(box: Callable[..., Box], server: FileServer) -> None:
    one = box(server.url("in.mp4"), block_s=1)
    away = 0.0
    for turn in range(3):
        one.run()
        recorded(one)
        time.sleep(0.3 * turn)
        one.end(signal.SIGKILL)
        killed = time.time()
        time.sleep(0.5)
        away += time.time() - killed
    one.run()
    recorded(one)
    assert one.end() == 0
    blocks = one.blocks()
    found = one.told_from(blocks[0].from_us)
    assert {gap.cause for gap in found.gaps} <= {"start", "process"}
    rows = one.segments()
    between = sum(max(0, after.start_us - before.end_us) for before, after in itertools.pairwise(rows)) / MB
    assert away < lengths(found.gaps, "process") == pytest.approx(between, abs=0.5)
    names = [segment.name for block in blocks for segment in block.recorded]
    assert sorted(names) == sorted(row.name for row in rows) and len(set(names)) == len(names)
    assert sum(1 for row in rows if row.torn) >= 1
    files = {row.sha256: one.root / "cam-1" / row.name for row in rows}
    archive = of_blocks(one.folder / "handed-out", blocks, files, (one.folder / "site.yaml").read_bytes())
    said = verify(archive.archive(), archive.trust)
    assert "whole and unaltered" in said[0]
    assert not [line for line in said if line.startswith(("differs", "note"))]


def test_a_camera_that_stalls_and_a_cable_that_is_cut_are_told_while_they_last(
    box: Callable[..., Box], server: FileServer
) -> None:
    relay = Relay(server.port)
    one = box(server.url("in.mp4", relay.port))
    try:
        one.run()
        recorded(one)
        relay.freeze()
        frozen = time.time()
        until(lambda: any(gap.cause == "camera" for block in one.blocks() for gap in block.missing), 20, one.told)
        relay.thaw()
        thawed = time.time()
        recorded(one)
    finally:
        relay.close()
    assert one.end() == 0
    found = one.told_from(one.blocks()[0].from_us)
    lost = lengths(found.gaps, "camera")
    assert thawed - frozen - 1.0 < lost < thawed - frozen + 4.0, "to the next keyframe after it is found again"
    assert {gap.cause for gap in found.gaps} == {"start", "camera"}


@pytest.mark.parametrize(
    ("error_s", "camera"), [(-90_000.0, "silent"), (90_000.0, "silent"), (-90_000.0, ""), (90_000.0, "")]
)
def test_a_power_cut_with_a_wrong_clock_is_told_in_its_true_length(
    box: Callable[..., Box], server: FileServer, error_s: float, camera: str
) -> None:
    """By the camera's own clock at once; with a camera that tells none, as soon as the machine's clock is set."""
    one = box(server.url("in.mp4"))
    one.run(clock=(0.0, f"boot-1 {camera}"))
    recorded(one)
    one.end(signal.SIGKILL)
    cut = time.time()
    time.sleep(3.0)
    one.run(clock=(error_s, f"boot-2 {camera}"))
    before = len(one.segments())
    until(lambda: len(one.segments()) >= before + 3, 30, one.told)

    def power() -> list[Missing]:
        return [gap for gap in one.told_from(one.blocks()[0].from_us).gaps if gap.cause == "power"]

    if camera:
        one.set_clock(0.0, f"boot-2 {camera}")
    until(lambda: 0.0 < lengths(tuple(power()), "power") < 30.0, 30, one.told)
    assert one.end() == 0
    gaps = power()
    assert 0 <= cut - gaps[0].start_us / MB < 1.0, "at most a second of what came is lost"
    lost = (gaps[-1].end_us - gaps[0].start_us) / MB
    assert 3.0 < lost < 12.0 and lengths(tuple(gaps), "power") == pytest.approx(lost)
    rows = one.segments()
    assert all(row.start_us < time.time() * MB for row in rows), "what was recorded meanwhile is dated right"
    assert ("told anew" in one.told()) == (error_s > 0 and bool(camera))
    assert any(row.cause == "power" and 3.0 < (row.end_us - row.start_us) / MB < 30.0 for row in one.gaps())
