"""What the camera processes of a box have in common: settings told wrong, signals, naps and heartbeats.

A heartbeat is a file that health and metrics read; the pulse (`edge.pulse`) is what the supervisor watches.
"""

import json
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contract.errors import SightlineError
from edge import pulse
from edge.deliver.durable import write_whole
from edge.logs import configure


def run_part(run: Callable[[list[int]], int]) -> int:
    """`run` with a list in which SIGTERM and SIGINT appear; its exit status, or that of a fault told in one line."""
    configure()
    os.umask(0o077)
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda seen, _frame: signals.append(seen))
    try:
        return run(signals)
    except SightlineError as error:
        sys.stderr.write(f"sightline: {error}\n")
        return error.exit_status


def nap(signals: list[int], seconds: float) -> None:
    """Sleep with a beating pulse, but not through a signal."""
    until = time.monotonic() + seconds
    while not signals and time.monotonic() < until:
        pulse.beat()
        time.sleep(0.1)


@contextmanager
def beating(most_s: float) -> Iterator[None]:
    """Beat while the block runs, for `most_s` seconds at most: who winds up does not hang, unless it never ends."""
    ended = threading.Event()
    until = time.monotonic() + most_s

    def beat() -> None:
        while not ended.wait(0.1) and time.monotonic() < until:
            pulse.beat()

    threading.Thread(target=beat, name="pulse", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def write_heartbeat(path: Path, figures: Mapping[str, Any], log: logging.Logger) -> None:
    """Write `figures` and what this process uses; a disk that refuses costs figures only."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    beat = {
        "pid": os.getpid(),
        "at": time.time(),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
        "rss_bytes": usage.ru_maxrss * 1024,
        **figures,
    }
    try:
        write_whole(path, json.dumps(beat).encode("utf-8"))
    except OSError as error:
        log.warning("%s: cannot be written (%s)", path, error.strerror)


__all__ = ["beating", "nap", "run_part", "write_heartbeat"]
