"""A recorder process with its settings on disk, and a machine whose clock and boot id a test can set.

`python -m tests.record_kit CLOCK ...` is the recorder with the wall clock and the boot id that stand in the file CLOCK.
"""

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import av
import pytest
import yaml

from contract.continuity import Block, Coverage, check, coverage, hash_of
from contract.events import EventType
from edge.cameras.clock import StreamClock
from edge.deliver.spool import Spool
from edge.record import process
from edge.record.index import Gap, Index, Segment

ROOT = Path(__file__).resolve().parents[1]
MB = 1_000_000


class Box:
    """A recorder process with its settings on disk."""

    def __init__(self, place: Path, url: str, **recording: int | str) -> None:
        folder = self.folder = place
        (folder / "clock").write_text("0 boot-0")
        site = {
            "site": "s", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
            "cameras": [{"id": "cam-1", "url": url, "frame": [640, 360], "recording": {"segment_s": 2}}],
        }  # fmt: skip
        (folder / "site.yaml").write_text(yaml.safe_dump(site))
        settings = {"edge_id": "box-1", "sites": ["site.yaml"], "data_dir": "data", "recording": recording}
        (folder / "edge.yaml").write_text(yaml.safe_dump(settings))
        self.root = folder / "data" / "recordings"
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *, clock: tuple[float, str] | None = None) -> None:
        """`clock`: seconds by which the machine's clock is wrong, and the id of its start, with ` silent` behind it
        when no camera is to tell its own clock."""
        config = ["--config", str(self.folder / "edge.yaml")]
        command = [sys.executable, "-m", "edge.record.process", *config]
        if clock is not None:
            self.set_clock(*clock)
            command = [sys.executable, "-m", "tests.record_kit", str(self.folder / "clock"), *config]
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "--cameras", "cam-1"], cwd=ROOT, stdout=out, stderr=out, env={**os.environ}
            )

    def set_clock(self, error_s: float, boot: str) -> None:
        """Set the clock of the machine that it runs on, when it was run with one."""
        (self.folder / "clock.new").write_text(f"{error_s} {boot}")
        (self.folder / "clock.new").rename(self.folder / "clock")

    def blocks(self) -> list[Block]:
        """The ledger as central gets it: each block handed over once, and whole."""
        found = [taken.item.event for taken in Spool(self.folder / "data" / "spool").take()]
        told = [Block.model_validate(one.data) for one in found if one.type == EventType.RECORDING_BLOCK]
        assert check([(one, hash_of(one)) for one in told]) == []
        return told

    def told_from(self, start_us: int) -> Coverage:
        """What the ledger says from an instant to the newest segment: a clock that was ahead told of what is to come."""
        return coverage(self.blocks(), start_us, self.segments()[-1].end_us)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)

    def segments(self) -> list[Segment]:
        with closing(Index(self.root)) as index:
            return list(index.segments("cam-1"))

    def gaps(self) -> list[Gap]:
        with closing(Index(self.root)) as index:
            return index.gaps("cam-1")

    def beat(self) -> dict:
        try:
            told = json.loads((self.folder / "data" / "run" / "recorder-1.json").read_text())
        except (OSError, ValueError):
            return {}
        return told["recording"]["cam-1"]

    def told(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def until(true: Callable[[], object], seconds: float, told: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:.0f} s\n{told()[-3000:]}")
        time.sleep(0.05)


def holes(rows: list[Segment]) -> list[float]:
    """Seconds between each segment and the next."""
    return [(b.start_us - a.end_us) / MB for a, b in itertools.pairwise(rows)]


def whole(box: Box, rows: list[Segment]) -> int:
    """Pictures in the files, after each was found to be what the index says and to play."""
    count = 0
    for row in rows:
        path = box.root / "cam-1" / row.name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256 and path.stat().st_size == row.bytes
        with av.open(str(path)) as container:
            times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
        assert len(times) == row.pictures
        assert times[-1] - times[0] == pytest.approx((row.end_us - row.start_us) / MB - 0.04, abs=0.06)
        count += len(times)
    return count


def _on_a_machine(clock: Path) -> None:
    """Have this process believe the wall clock and the boot id in a file, which may change while it runs."""
    error_s, boot, *silent = clock.read_text().split()
    shift = [float(error_s)]
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + shift[0]
    time.time_ns = lambda: real_ns() + round(shift[0] * 1e9)
    process.boot_id = lambda: boot
    process.host_error_ms = lambda: None
    if silent:
        StreamClock.report = lambda *_: None

    def follow() -> None:
        while True:
            time.sleep(0.05)
            shift[0] = float(clock.read_text().split()[0])

    threading.Thread(target=follow, daemon=True).start()


if __name__ == "__main__":
    _on_a_machine(Path(sys.argv[1]))
    status = process.main(sys.argv[2:])
    sys.stderr.flush()
    os._exit(status)
