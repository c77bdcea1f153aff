"""A box whose parts are killed or hang, whose disk is full, whose clock is set: it goes on, and the gap is on record.

`SIGHTLINE_CHAOS_ROUNDS` makes the last test longer: `make chaos` runs it with what it finds there.
"""

import itertools
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deliver_peers import until
from edge_peers import Field, enrolled
from goes_on_peers import LIMIT_S, MARKERS, Table, Watched, running, since

from contract.events import EventType
from contract.sealing import verify_detached
from tests.scenes.rtsp import leftovers

HOUR = 3600.0


def went_on(watched: Watched, part: str, number: signal.Signals) -> tuple[float, dict]:
    """Send a part `number`; seconds until the box does its whole work again, and the gap that central was told."""
    before = len(watched.gaps(part))
    pid = watched.pid(part)
    assert pid is not None
    began = time.monotonic()
    os.kill(pid, number)
    until(lambda: watched.pid(part) not in (None, pid), 60, watched.box.told())
    if part == "deliver":  # the gap itself is what it has to deliver
        until(lambda: len(watched.gaps(part)) > before, 60, watched.box.told())
    took = since(began, watched.looks, watched.records)
    until(lambda: len(watched.gaps(part)) > before, 60, watched.box.told())
    return took, watched.gaps(part)[-1]


@pytest.mark.timeout(300)
def test_a_killed_part_is_back_within_ten_seconds_and_the_gap_is_sealed(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field], table: Table
) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    with running(tmp_path, free_port, box) as watched:
        for part in MARKERS:
            took, gap = went_on(watched, part, signal.SIGKILL)
            table.note(f"kill -9 of {part}", took, gap["cause"])
            assert gap["cause"] == "killed by signal 9"
            assert 0.5 <= gap["gap_s"] < LIMIT_S
            assert gap["cameras"] == ([] if part == "deliver" else ["cam-1"])
        told = [(raw, jws) for raw, jws in watched.central.received if json.loads(raw)["type"] == EventType.GAP]
        for raw, jws in told:
            verify_detached(raw, jws, box.ring.load())
        assert 'sightline_edge_part_gaps_total{part="worker-1"} 1.0' in box.metrics()
        assert set(box.report()["gaps"]) == set(MARKERS)
        assert [gap.cause for gap in watched.index()[1]] == ["process"], "recording minds its own death alone"
    until(lambda: leftovers(str(tmp_path)) == [], 30, "parts outlive their box")


@pytest.mark.timeout(300)
def test_a_part_that_hangs_is_killed_and_started_anew(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field], table: Table
) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    with running(tmp_path, free_port, box) as watched:
        for part in MARKERS:
            took, gap = went_on(watched, part, signal.SIGSTOP)
            table.note(f"{part} is stopped (SIGSTOP)", took, gap["cause"])
            assert gap["cause"].startswith("hung: no sign of life for")
            assert f'sightline_edge_part_hung_total{{part="{part}"}} 1.0' in box.metrics()
        assert watched.restarts() == dict.fromkeys(MARKERS, 1), "and no other"
        assert [gap.cause for gap in watched.index()[1]] == ["process"]
    until(lambda: leftovers(str(tmp_path)) == [], 30, "parts outlive their box")


@pytest.mark.timeout(300)
def test_a_supervisor_that_is_killed_is_a_gap_of_the_whole_box(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field], table: Table
) -> None:
    """A service manager starts the box anew, as docs/operations.md tells it: when all is gone, and a second later."""
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    with running(tmp_path, free_port, box) as watched:
        assert box.process is not None
        began = time.monotonic()
        box.process.kill()
        box.process.wait(10)
        until(lambda: not any(box.part(marker) for marker in MARKERS.values()), 40, box.told())
        time.sleep(1.0)
        box.run()
        took = since(began, watched.looks, watched.records)
        until(lambda: watched.gaps("box"), 60, box.told())
        (gap,) = watched.gaps("box")
        table.note("kill -9 of the supervisor", took, gap["cause"])
        assert gap["cause"] == "the supervisor ended without a word" and gap["cameras"] == ["cam-1"]
        assert 1.0 < gap["gap_s"] < took + 2.0
        until(lambda: watched.index()[1], 30, box.told())
        assert [row.cause for row in watched.index()[1]] == ["process"], "nobody told it to stop"
    until(lambda: leftovers(str(tmp_path)) == [], 30, "parts outlive their box")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own; what the test may not mount it skips."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"may not mount a small disk: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until the disk holds nothing more."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


@pytest.mark.timeout(300)
def test_a_full_disk_is_survived_and_said(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field], table: Table
) -> None:
    box = field(free_port, "http://127.0.0.1:9")
    with small_disk(tmp_path / "disk", 64) as disk:
        box.data = disk / "data"
        box.ring = type(box.ring)(box.data / "keys")
        enrolled(box).set(data_dir=str(box.data))
        with running(tmp_path, free_port, box) as watched:
            fill(disk / "ballast")
            table.note("the disk is full: looking", since(time.monotonic(), watched.looks), "nothing is missed")
            until(lambda: "recording stops" in box.told(), 30, box.told())
            time.sleep(10)
            assert watched.restarts() == dict.fromkeys(MARKERS, 0), box.told()
            for part in MARKERS:  # what dies meanwhile comes back, too
                pid = watched.pid(part)
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                until(lambda p=part, old=pid: watched.pid(p) not in (None, old), 30, box.told())
            time.sleep(6)
            assert box.process is not None and box.process.poll() is None, box.told()
            parts = box.report()["parts"]
            assert all(part["running"] for part in parts.values()), parts
            assert parts["deliver"]["restarts"] == 1, "one that may not open its outbox waits, and does not end"
            watched.looks()
            (disk / "ballast").unlink()
            took = since(time.monotonic(), watched.looks, watched.records)
            until(lambda: all(watched.gaps(part) for part in MARKERS), 30, box.told())
            until(lambda: any(gap.cause == "storage" for gap in watched.index()[1]), 30, box.told())
            table.note("there is room on the disk again", took, "storage: No space left on device")
            until(lambda: any("storage" in gap["cause"] for gap in watched.unrecorded()), 30, box.told())
        assert "free space on the disk" in box.told()
        assert "Traceback" not in box.told()


@pytest.fixture(scope="module")
def clock_shift(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that moves a process's wall clock, built with this machine's compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("no C compiler (apt-get install gcc libc6-dev)")
        pytest.skip("no C compiler (apt-get install gcc libc6-dev)")
    source = Path(__file__).resolve().parents[1] / "scenes" / "clock_shift.c"
    built = tmp_path_factory.mktemp("clock") / "clock_shift.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-lm"], check=True)
    return built


@pytest.mark.timeout(300)
def test_a_clock_that_jumps_an_hour_is_survived_and_recorded(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field], clock_shift: Path, table: Table
) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    shift = tmp_path / "shift"
    shift.write_bytes(struct.pack("=d", 0.0))
    box.environment |= {"LD_PRELOAD": str(clock_shift), "SIGHTLINE_CLOCK_SHIFT": str(shift)}
    with running(tmp_path, free_port, box) as watched:
        for number, to in enumerate((HOUR, 0.0), start=1):
            with shift.open("r+b") as file:
                file.write(struct.pack("=d", to))
            took = since(time.monotonic(), watched.looks, watched.records)
            until(lambda n=number: len(watched.gaps("clock")) == n, 30, box.told())
            table.note(f"the clock is set to {to:+.0f} s", took, watched.gaps("clock")[-1]["cause"])
        steps = [gap["step_s"] for gap in watched.gaps("clock")]
        assert steps == [pytest.approx(HOUR, abs=1), pytest.approx(-HOUR, abs=1)]
        assert watched.restarts() == dict.fromkeys(MARKERS, 0), box.told()
        assert "sightline_edge_clock_steps_total 2.0" in box.metrics()
        assert box.report()["cameras"] == box.report()["recordings"] == {"cam-1": "live"}
        segments, gaps = watched.index()
        assert {gap.cause for gap in gaps} <= {"clock"}, "not a picture is missing"
        assert all(abs(b.t0 - a.t1) < 0.1 for a, b in itertools.pairwise(segments[:-1]))


@pytest.mark.timeout(300)
@pytest.mark.long
def test_a_box_without_a_processor_to_spare_has_no_part_killed(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field]
) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    with running(tmp_path, free_port, box) as watched:
        greedy = [sys.executable, "-c", "while True: pass"]
        hogs = [subprocess.Popen(greedy, start_new_session=True) for _ in range(8 * (os.cpu_count() or 1))]
        try:
            time.sleep(40)
            assert watched.restarts() == dict.fromkeys(MARKERS, 0), box.told()
            watched.records()
        finally:
            for hog in hogs:
                hog.kill()
                hog.wait(10)
        assert watched.gaps("clock") == [] and [gap.cause for gap in watched.index()[1]] == []


@pytest.mark.timeout(900)
@pytest.mark.long
def test_chaos_of_kills_and_hangs(tmp_path: Path, free_port: int, field: Callable[[int, str], Field]) -> None:
    rounds = int(os.environ.get("SIGHTLINE_CHAOS_ROUNDS", "3"))
    seed = int(os.environ.get("SIGHTLINE_CHAOS_SEED", "20260105"))
    dice = random.Random(seed)
    print(f"SIGHTLINE_CHAOS_SEED={seed}")
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    counted = dict.fromkeys(MARKERS, 0)
    with running(tmp_path, free_port, box) as watched:
        for _ in range(rounds):
            for part in dice.sample(list(MARKERS), dice.randint(1, 3)):
                pid = watched.pid(part)
                if pid is not None:
                    os.kill(pid, signal.SIGKILL if dice.random() < 0.8 else signal.SIGSTOP)
                    counted[part] += 1
                time.sleep(dice.uniform(0, 1.5))
            until(lambda: {part: len(watched.gaps(part)) for part in MARKERS} == counted, 90, box.told())
            watched.looks()
        assert all(gap["cause"] for part in MARKERS for gap in watched.gaps(part))
    until(lambda: leftovers(str(tmp_path)) == [], 30, "parts outlive their box")
