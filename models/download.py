"""Fetching `.pt` weights through Ultralytics, where the internet is there, and giving up quickly where it is not.

Ultralytics retries with its own patience and may start curl, so it works in a process group of its own that is ended
when nothing comes; whether the address answers at all is found out first, in at most 5 seconds.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from edge.detect.package import sha256_of
from edge.detect.ultralytics import quiet_environment
from models.catalogue import Entry
from models.store import cache_home

REACH_S = 5.0
_SILENT_S = 20.0
_TOTAL_S = 180.0
_REACH = (
    "import sys, urllib.request as u\n"
    "u.urlopen(u.Request(sys.argv[1], method='HEAD'), timeout=float(sys.argv[2]))  # noqa: S310\n"
)
_FETCH = (
    "import sys\nfrom ultralytics.utils.downloads import attempt_download_asset\nattempt_download_asset(sys.argv[1])\n"
)


def reachable(url: str) -> bool:
    """Whether the address answers within 5 s, name look-up counted (that is why it is asked by a process)."""
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _REACH, url, str(REACH_S - 1)],
            timeout=REACH_S,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def download(entry: Entry, into: Path, progress: Callable[[str], None]) -> Path | None:
    """The weights of `entry` in the folder `into`, None (said through `progress`) when they cannot be had."""
    if not reachable(entry.source):
        progress(f"{entry.file}: its address does not answer within {REACH_S:.0f} s, going on without it")
        return None
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=into) as temporary:
        fetched = Path(temporary) / entry.file
        progress(f"{entry.file}: fetching")
        if not _fetch(fetched):
            progress(f"{entry.file}: could not be fetched, going on without it")
            return None
        if sha256_of(fetched) != entry.sha256:
            progress(f"{entry.file}: what came is not what the catalogue says (SHA-256), thrown away")
            return None
        return fetched.rename(into / entry.file)


def _fetch(target: Path) -> bool:
    environment = os.environ | quiet_environment(cache_home() / "ultralytics") | {"YOLO_OFFLINE": "false"}
    process = subprocess.Popen(
        [sys.executable, "-c", _FETCH, str(target)],
        env=environment,
        cwd=target.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _watch(process, target.parent)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode == 0 and target.is_file()


def _watch(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait for the end, or until nothing has come for a while."""
    began = grown = time.monotonic()
    size = 0
    while process.poll() is None:
        now = time.monotonic()
        here = sum(path.stat().st_size for path in folder.glob("*"))
        if here != size:
            size, grown = here, now
        if now - grown > _SILENT_S or now - began > _TOTAL_S:
            return
        time.sleep(0.2)
