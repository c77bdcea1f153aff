"""Outages in short (`python -m tests.bench.outages` is the campaign): a cable, a disk, a camera that hangs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import outages
from tests.bench.cable import NoCableError
from tests.bench.outages import SHORT, NoDiskError, Row
from tests.scenes.recordings import record
from tests.scenes.rtsp import FileServer


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    record(folder / "in.mp4", 60.0, gop=25, size=(640, 360))
    return folder


@pytest.fixture
def camera(recordings: Path) -> Iterator[FileServer]:
    one = FileServer(recordings)
    yield one
    one.stop()


def test_a_cut_cable_costs_no_more_than_the_cut(recordings: Path, tmp_path: Path) -> None:
    try:
        row = outages.unplugged(tmp_path / "cable", recordings, SHORT["cable"])
    except NoCableError as error:
        pytest.skip(str(error))
    assert row.faults == [] and row.causes == {"network"}


def test_a_full_disk_costs_no_more_than_its_fullness(camera: FileServer, tmp_path: Path) -> None:
    try:
        row = outages.filled(tmp_path / "disk", camera, SHORT["disk"])
    except NoDiskError as error:
        pytest.skip(str(error))
    assert row.faults == [] and row.causes == {"storage"}


def test_a_camera_that_hangs_costs_no_more_than_it_hung(camera: FileServer, tmp_path: Path) -> None:
    row = outages.stalled(tmp_path / "stall", camera, SHORT["stall"])
    assert row.faults == [] and row.causes == {"camera"}


def test_what_is_lost_untold_or_told_wrongly_is_a_fault() -> None:
    def faults(before: float, causes: set[str], untold: float) -> int:
        return len(Row("x", 5.0, before, 0.4, frozenset(causes), frozenset({"power"}), untold).faults)

    assert faults(0.5, {"power"}, 0.0) == 0
    assert faults(0.7, {"power"}, 0.0) == faults(0.5, {"process"}, 0.0) == faults(0.5, set(), 0.0) == 1
    assert faults(0.7, {"power", "clock"}, 0.2) == 3


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_outage_as_long_as_outages_are(tmp_path: Path) -> None:
    rows = list(outages.campaign(tmp_path, outages.LONG))
    assert [row.faults for row in rows if isinstance(row, Row)] == [[]] * len(rows)
