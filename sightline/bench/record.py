"""`sightline bench record`: N real RTSP streams recorded and looked after by the box's own parts, and what is missing.

`edge.record.process` and `edge.polling.process`, as many as the box would start, without detection. `saturate` keeps
every core busy beside them, as detection does at its worst. Whole is judged by the index, deleted ones included, and by
ledgers.
"""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from contract.errors import RunError
from contract.events import now
from edge.box import shares
from edge.config import load_config
from sightline.bench.cameras import cameras_part
from sightline.bench.county import Mount
from sightline.bench.machine import machine
from sightline.bench.mix.stream import read_stream
from sightline.bench.process import Cost, costs
from sightline.bench.recorded import ledger, looked, recorded, troubles
from sightline.bench.room import SIZE, room
from sightline.demo.parts import Part

Say = Callable[[str], None]
#: Measuring begins so long after the last recorder was started.
SETTLE_S = 12.0
PROGRESS_S = 5.0
#: The loop is so much longer than the run, winding up and down: no second of it comes twice. Seconds.
_SPARE_S = 30.0
#: Keeps a core busy, and ranks as the detector does.
_BUSY = "while True:\n    sum(range(10000))\n"


@dataclass(frozen=True, slots=True)
class RecordWish:
    """What to measure: `streams` cameras, `per` in a process, for `seconds`, in `folder` with `max_bytes` of disk.

    A recording goes after `keep_s` seconds."""

    streams: int
    per: int
    seconds: float
    folder: Path
    max_bytes: int
    saturate: bool
    keep_s: float


@dataclass(frozen=True, slots=True)
class _Parts:
    recorders: list[Part]
    healths: list[Part]
    cameras: Part


def bench_record(wish: RecordWish, say: Say) -> dict[str, Any]:
    """Run it; the result as plain JSON. Raises RunError when a part ends."""
    before = machine()
    shutil.rmtree(wish.folder, ignore_errors=True)
    wish.folder.mkdir(parents=True)
    reel = room(wish.folder / "stream", wish.seconds + SETTLE_S + _SPARE_S, say)
    names = [f"cam-{number:03d}" for number in range(1, wish.streams + 1)]
    port = _open_port()
    started: list[Part] = []
    busy: list[subprocess.Popen[bytes]] = []
    try:
        cameras = _cameras(wish.folder, reel, port, names)
        _start(cameras, started)
        _listening(cameras)
        parts = _watching(wish, port, names, cameras)
        for part in (*parts.recorders, *parts.healths):
            _start(part, started)
        time.sleep(SETTLE_S)
        busy += [_busy() for _ in range(before["cores"])] if wish.saturate else []
        figures = _measured(wish, parts, started, say)
        for part in (*parts.healths, *parts.recorders):
            part.stop()
        data = wish.folder / "data"
        index = data / "recordings" / "index.sqlite"
        figures["recorded"] = recorded(index, names)
        figures["ledger"] = ledger(index, names)
        figures["health"] |= looked(data / "run", names, figures["seconds"] + SETTLE_S)
        figures["health"]["troubles"] = troubles(data / "spool")
    finally:
        for process in busy:
            process.kill()
            process.wait()
        for part in reversed(started):
            part.stop()
    asked = {"streams": wish.streams, "per_process": wish.per, "saturated": wish.saturate, "keep_s": wish.keep_s}
    return {"bench": "record", "at": now().isoformat(timespec="seconds")} | asked | figures | {"machine": before}


def _measured(wish: RecordWish, parts: _Parts, started: list[Part], say: Say) -> dict[str, Any]:
    watching = [*parts.recorders, *parts.healths]
    begin, looks, others = _sum(parts.recorders), _sum(parts.healths), _sum([parts.cameras]).cpu_s
    begun, memory, told = time.monotonic(), [_sum(watching).pss_bytes], 0.0
    while (passed := time.monotonic() - begun) < wish.seconds:
        time.sleep(min(1.0, max(0.05, wish.seconds - passed)))
        for part in started:
            part.require()
        if passed - told >= PROGRESS_S:
            told = passed
            memory.append(_sum(watching).pss_bytes)
            percent = (_sum(parts.recorders).cpu_s - begin.cpu_s) / passed / wish.streams * 100
            seen = (_sum(parts.healths).cpu_s - looks.cpu_s) / passed / wish.streams * 100
            costs_it = f"{percent:.2f} % of a core a stream to record it, {seen:.2f} % to look after it"
            say(f"{passed:4.0f} of {wish.seconds:.0f} s: {costs_it}, {memory[-1] / 1e6:.0f} MB")
    took = time.monotonic() - begun
    spent, seen = _sum(parts.recorders).cpu_s - begin.cpu_s, _sum(parts.healths).cpu_s - looks.cpu_s
    memory.append(_sum(watching).pss_bytes)
    return {
        "seconds": round(took, 1),
        "core_percent_per_stream": round(spent / took / wish.streams * 100, 3),
        "cores": round((spent + seen) / took, 3),
        "cameras_core_percent_per_stream": round((_sum([parts.cameras]).cpu_s - others) / took / wish.streams * 100, 3),
        # Baselines and caches are filled by then; from there on it must be flat.
        "memory_mb": {"start": round(memory[len(memory) // 10] / 1e6), "end": round(memory[-1] / 1e6)},
        "health": {"core_percent_per_stream": round(seen / took / wish.streams * 100, 3)},
    }


def _cameras(folder: Path, reel: Path, port: int, names: list[str]) -> Part:
    stream = read_stream(reel)
    mounts = [Mount(name, stream, reel, 7 * at) for at, name in enumerate(names)]
    return cameras_part(folder, folder / "cameras.log", port, time.time(), mounts)


def _watching(wish: RecordWish, port: int, names: list[str], cameras: Part) -> _Parts:
    config = _settings(wish, port, names)

    def part(name: str, module: str, some: list[str]) -> Part:
        command = ["env", "MALLOC_ARENA_MAX=2", sys.executable, "-m", module, "--config", str(config), "--name", name]
        return Part(name, [*command, "--cameras", ",".join(some)], wish.folder / f"{name}.log")

    recorders = enumerate(shares(names, wish.per), start=1)
    healths = enumerate(shares(names, load_config(config).feed_health.cameras_per_process), start=1)
    return _Parts(
        [part(f"recorder-{n}", "edge.record.process", some) for n, some in recorders],
        [part(f"health-{n}", "edge.polling.process", some) for n, some in healths],
        cameras,
    )


def _settings(wish: RecordWish, port: int, names: list[str]) -> Path:
    """A polling station's box: nothing there goes within its days, so they are what recycles the disk."""
    keep = {"keep_days": wish.keep_s / 86_400}
    cameras = [
        {"id": name, "url": f"rtsp://127.0.0.1:{port}/{name}", "frame": list(SIZE), "recording": keep} for name in names
    ]
    at = now()
    window = {"phase": "voting", "from": at.isoformat(), "until": (at + timedelta(days=1)).isoformat()}
    polling = {"station": "1", "township": "bench", "village": "bench", "windows": [window], "masks": "camera"}
    site = {"site": "bench", "name": "bench", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default"}
    text = json.dumps(site | {"polling": polling, "cameras": cameras})
    (wish.folder / "site.yaml").write_text(text, encoding="utf-8")
    settings = {
        "edge_id": "bench",
        "sites": ["site.yaml"],
        "data_dir": "data",
        "recording": {"max_bytes": wish.max_bytes, "min_free_bytes": 0},
    }
    config = wish.folder / "edge.yaml"
    config.write_text(json.dumps(settings), encoding="utf-8")
    return config


def _start(part: Part, started: list[Part]) -> None:
    started.append(part)
    part.start()


def _listening(cameras: Part) -> None:
    until = time.monotonic() + 60
    while "listening" not in cameras.log.read_text(encoding="utf-8", errors="replace"):
        cameras.require()
        if time.monotonic() > until:
            raise RunError(f"the virtual cameras do not listen after 60 s - see {cameras.log}")
        time.sleep(0.1)


def _sum(parts: list[Part]) -> Cost:
    cpu, memory = 0.0, 0
    for part in parts:
        assert part.process is not None
        for cost in costs(part.process.pid).values():
            cpu, memory = cpu + cost.cpu_s, memory + cost.pss_bytes
    return Cost(cpu, memory)


def _open_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _busy() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _BUSY])


__all__ = ["RecordWish", "bench_record"]
