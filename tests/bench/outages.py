"""What is lost beyond an outage, and what the ledger says of it (issue: recorder, camera, cable, disk, power).

    python -m tests.bench.outages              as long as outages are: the cable is cut for two minutes
    python -m tests.bench.outages --short      seconds; what the tests run

A real recorder records a real RTSP camera (25 pictures/s, a keyframe a second, beginning with one when it is asked to
play). *Before* is what had come before the outage and is not on record, *after* what came after its end: from the
instant at which camera, cable, disk or recorder were whole again. Every second between the first recorded picture and
the last must be a segment or a gap with one of the causes that fit. Exit status 1 when more than a second is lost, a
second is told by nobody, or a cause is wrong.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cable import Cable, NoCableError
from tests.record_kit import MB, Box
from tests.scenes.recordings import record
from tests.scenes.rtsp import FileServer

#: Seconds of the long form and of the short one.
LONG = {"kill": 5.0, "stall": 60.0, "cable": 120.0, "disk": 60.0, "power": 30.0}
SHORT = {"kill": 1.0, "stall": 8.0, "cable": 9.0, "disk": 3.0, "power": 3.0}
MOST_S = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One outage: its length, what is lost on either side of it, and what the ledger says. Seconds."""

    name: str
    outage_s: float
    before_s: float
    after_s: float
    causes: frozenset[str]
    allowed: frozenset[str]
    untold_s: float

    @property
    def faults(self) -> list[str]:
        """What is not as it must be."""
        found = []
        if self.before_s + self.after_s > MOST_S:
            found.append(f"{self.before_s + self.after_s:.2f} s lost beyond it")
        if self.untold_s > 0.001:
            found.append(f"{self.untold_s:.3f} s that nobody tells of")
        if not self.causes or self.causes - self.allowed:
            found.append(f"cause {', '.join(sorted(self.causes)) or 'none'}, not {', '.join(sorted(self.allowed))}")
        return found


class Trial:
    """One recorder, its camera, and an outage that is to come."""

    def __init__(self, place: Path, url: str, **recording: int | str) -> None:
        place.mkdir(parents=True)
        self.box = Box(place, url, **({"min_free_bytes": 0, "block_s": 2} | recording))

    def recorded(self, more: int = 3, seconds: float = 60.0) -> None:
        """Wait until so many more segments are in the ledger."""
        before = len(self._whole())
        until(lambda: len(self._whole()) >= before + more, seconds, self.box.told)
        last = self.box.segments()[-1].end_us
        until(lambda: self._told_until() >= last, 30, self.box.told)

    def _told_until(self) -> int:
        """The end of the ledger; 0 while its blocks are just being handed over, and not in order yet."""
        try:
            return max((block.until_us for block in self.box.blocks()), default=0)
        except AssertionError:
            return 0

    def _whole(self) -> list[object]:
        return [one for one in self.box.segments() if not one.torn] if self.box.root.exists() else []

    def judged(self, name: str, begun: float, ended: float, allowed: set[str]) -> Row:
        """The recorder has ended; what it says of the outage from `begun` to `ended`, Unix seconds."""
        rows = self.box.segments()
        last = max(row.end_us for row in rows if row.start_us / MB < begun)
        first = min(row.start_us for row in rows if row.start_us >= last)
        told = self.box.told_from(rows[0].start_us)
        around = [gap for gap in told.gaps if gap.end_us > last and gap.start_us < first]
        before, after = max(0.0, begun - last / MB), max(0.0, first / MB - ended)
        return Row(
            name, ended - begun, before, after, frozenset(gap.cause for gap in around), frozenset(allowed),
            told.unledgered_us / MB,
        )  # fmt: skip


def killed(folder: Path, camera: FileServer, seconds: float) -> Row:
    """kill -9 of the recorder; it is whole again when the new process says that it lives."""
    trial = Trial(folder, camera.url("in.mp4"))
    trial.box.run()
    trial.recorded()
    begun = time.time()
    trial.box.end(signal.SIGKILL)
    time.sleep(seconds)
    trial.box.run()
    ended = _alive(trial.box)
    trial.recorded()
    trial.box.end()
    return trial.judged("kill -9 of the recorder", begun, ended, {"process"})


def stalled(folder: Path, camera: FileServer, seconds: float) -> Row:
    """The camera hangs: its connections stay open and say nothing."""
    trial = Trial(folder, camera.url("in.mp4"))
    trial.box.run()
    trial.recorded()
    begun = time.time()
    camera.stall()
    time.sleep(seconds)
    camera.go_on()
    ended = time.time()
    trial.recorded()
    trial.box.end()
    return trial.judged("camera stalls", begun, ended, {"camera"})


def unplugged(folder: Path, recordings: Path, seconds: float) -> Row:
    """A cable that is cut. Raises NoCableError."""
    with Cable() as cable:
        camera = FileServer(recordings, cable.camera, cable.behind)
        trial = Trial(folder, camera.url("in.mp4"))
        try:
            trial.box.run()
            trial.recorded()
            begun = time.time()
            cable.cut()
            time.sleep(seconds)
            cable.mend()
            ended = time.time()
            trial.recorded()
            trial.box.end()
        finally:
            trial.box.end(signal.SIGKILL)
            camera.stop()
    return trial.judged("cable cut", begun, ended, {"network"})


def filled(folder: Path, camera: FileServer, seconds: float) -> Row:
    """A real disk of 24 MB that others fill up. Raises NoDiskError."""
    with small_disk(folder.with_name(f"{folder.name}-disk")) as disk:
        trial = Trial(folder, camera.url("in.mp4"), folder=str(disk / "kept"))
        trial.box.root = disk / "kept"
        trial.box.run()
        trial.recorded()
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(100_000))
            except OSError:
                begun = time.time()
        until(lambda: trial.box.beat().get("state") == "full", 20, trial.box.told)
        time.sleep(seconds)
        filler.unlink()
        ended = time.time()
        trial.recorded()
        trial.box.end()
        return trial.judged("disk full", begun, ended, {"storage"})


def powerless(folder: Path, camera: FileServer, seconds: float, error_s: float) -> Row:
    """The machine is cut off and starts anew with its clock wrong by `error_s`; the camera tells its own."""
    trial = Trial(folder, camera.url("in.mp4"))
    trial.box.run(clock=(0.0, "boot-1"))
    trial.recorded()
    begun = time.time()
    trial.box.end(signal.SIGKILL)
    time.sleep(seconds)
    trial.box.run(clock=(error_s, "boot-2"))
    ended = _alive(trial.box, error_s)
    trial.recorded()
    trial.box.end()
    return trial.judged(f"power cut, clock {error_s:+.0f} s", begun, ended, {"power"})


def campaign(folder: Path, lengths: dict[str, float]) -> Iterator[Row | str]:
    """Every outage once; a sentence for one that this machine cannot make."""
    recordings = folder / "recordings"
    recordings.mkdir()
    record(recordings / "in.mp4", 600.0 if lengths is LONG else 60.0, gop=25, size=(640, 360))
    with ExitStack() as stack:
        camera = FileServer(recordings)
        stack.callback(camera.stop)
        yield killed(folder / "kill", camera, lengths["kill"])
        yield stalled(folder / "stall", camera, lengths["stall"])
        try:
            yield unplugged(folder / "cable", recordings, lengths["cable"])
        except NoCableError as error:
            yield f"cable cut: not tried, {error}"
        try:
            yield filled(folder / "disk", camera, lengths["disk"])
        except NoDiskError as error:
            yield f"disk full: not tried, {error}"
        for error_s in (-90_000.0, 90_000.0):
            yield powerless(folder / f"power{error_s:+.0f}", camera, lengths["power"], error_s)


class NoDiskError(Exception):
    """This machine mounts no disk for us."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 24 MB. Raises NoDiskError."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDiskError(f"no disk can be mounted here ({done.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def until(true: Callable[[], object], seconds: float, told: Callable[[], str]) -> None:
    """Wait for it. Raises TimeoutError with what the recorder said."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s\n{told()[-3000:]}")
        time.sleep(0.02)


def _alive(box: Box, error_s: float = 0.0) -> float:
    """When the process that was just started said for the first time that it lives, Unix seconds of a right clock."""
    since = time.time()
    beat = box.folder / "data" / "run" / "recorder-1.json"
    until(lambda: beat.exists() and beat.stat().st_mtime >= since, 30, box.told)
    return beat.stat().st_mtime


def main() -> int:
    """The campaign from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.outages", description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        for row in campaign(Path(place), SHORT if options.short else LONG):
            if isinstance(row, str):
                print(row, flush=True)
                continue
            told = "; ".join(row.faults) or "well"
            lost = f"{row.before_s:.2f} s before and {row.after_s:.2f} s after it lost"
            print(f"{row.name}: {row.outage_s:.1f} s; {lost}; {', '.join(sorted(row.causes))}; {told}", flush=True)
            bad += bool(row.faults)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
