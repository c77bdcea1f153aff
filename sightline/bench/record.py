"""`sightline bench record`: N real RTSP streams recorded by the box's own recorders, what it costs and what is missing.

Recording alone: `edge.record.process`, as many as the box would start, without detection. `saturate` keeps every core
busy beside them, as detection does at its worst. Whole is judged by the index, deleted ones included, and by ledgers.
"""

import itertools
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from contract.continuity import Block, check, coverage, hash_of
from contract.errors import RunError
from edge.box import shares
from sightline.bench.cameras import cameras_part
from sightline.bench.county import Mount
from sightline.bench.machine import machine
from sightline.bench.mix.clips import Picture
from sightline.bench.mix.encode import encode
from sightline.bench.mix.stream import FPS, Stream, read_stream, write_stream
from sightline.bench.process import Cost, costs
from sightline.demo.parts import Part

Say = Callable[[str], None]
SIZE = (1920, 1080)
LOOP_S = 20
#: Measuring begins so long after the last recorder was started.
SETTLE_S = 12.0
PROGRESS_S = 5.0
#: Keeps a core busy, and ranks as the detector does.
_BUSY = "while True:\n    sum(range(10000))\n"


@dataclass(frozen=True, slots=True)
class RecordWish:
    """What to measure: `streams` cameras, `per` in a process, for `seconds`, in `folder` with `max_bytes` of disk."""

    streams: int
    per: int
    seconds: float
    folder: Path
    max_bytes: int
    saturate: bool


def bench_record(wish: RecordWish, say: Say) -> dict[str, Any]:
    """Run it; the result as plain JSON. Raises RunError when a part ends."""
    before = machine()
    shutil.rmtree(wish.folder, ignore_errors=True)
    wish.folder.mkdir(parents=True)
    reel = _reel(wish.folder / "stream", say)
    names = [f"cam-{number:03d}" for number in range(1, wish.streams + 1)]
    port = _open_port()
    started: list[Part] = []
    busy: list[subprocess.Popen[bytes]] = []
    try:
        cameras = _cameras(wish.folder, reel, port, names)
        _start(cameras, started)
        _listening(cameras)
        recorders = _recorders(wish, port, names)
        for part in recorders:
            _start(part, started)
        time.sleep(SETTLE_S)
        busy += [_busy() for _ in range(before["cores"])] if wish.saturate else []
        figures = _measured(wish, recorders, cameras, started, say)
        for part in recorders:
            part.stop()
        index = wish.folder / "data" / "recordings" / "index.sqlite"
        figures["recorded"] = recorded(index, names)
        figures["ledger"] = ledger(index, names)
    finally:
        for process in busy:
            process.kill()
            process.wait()
        for part in reversed(started):
            part.stop()
    return {"bench": "record", "streams": wish.streams, "per_process": wish.per, "saturated": wish.saturate} | (
        figures | {"machine": before}
    )


def shortfalls(result: dict[str, Any], most_percent: float = 0.5) -> list[str]:
    """Where the result falls short of what must be shown, one line each."""
    kept, found = result["recorded"], []
    if kept["silent"]:
        found.append(f"{len(kept['silent'])} streams were not recorded at all")
    if kept["gaps"] or kept["lost_s"] > 0.05 or kept["missing_pictures"]:
        found.append(
            f"{kept['lost_s']:.1f} s in {kept['gaps']} gaps and {kept['missing_pictures']} pictures are missing"
        )
    if result["core_percent_per_stream"] > most_percent:
        found.append(f"{result['core_percent_per_stream']:.2f} % of a core a stream is over {most_percent:g} %")
    told = result.get("ledger")
    if told is not None and (told["faults"] or told["gaps_s"] > 0.05):
        found.append(f"the ledgers have {told['faults']} faults and {told['gaps_s']:.1f} s in gaps")
    return found


def recorded(index: Path, names: list[str]) -> dict[str, Any]:
    """What the index says of all cameras together, what was deleted included."""
    database = sqlite3.connect(index)
    lost, missing, pictures, segments, silent, damaged = 0.0, 0, 0, 0, [], 0
    for name in names:
        rows = database.execute(
            "SELECT t0, t1, pictures, damaged FROM segment WHERE camera = ? ORDER BY n", (name,)
        ).fetchall()
        if not rows:
            silent.append(name)
            continue
        lost += sum(max(0.0, after[0] - before[1]) for before, after in itertools.pairwise(rows))
        seen = sum(row[2] for row in rows)
        missing += max(0, round((rows[-1][1] - rows[0][0]) * FPS) - seen)
        pictures, segments, damaged = pictures + seen, segments + len(rows), damaged + sum(row[3] for row in rows)
    gaps = database.execute("SELECT count(*) FROM gap WHERE cause != 'clock'").fetchone()[0]
    gone = database.execute("SELECT count(*) FROM segment WHERE deleted_us IS NOT NULL").fetchone()[0]
    database.close()
    return {
        "segments": segments,
        "deleted_by_budget": gone,
        "pictures": pictures,
        "missing_pictures": missing,
        "damaged_pictures": damaged,
        "gaps": gaps,
        "lost_s": round(lost, 3),
        "silent": silent,
    }


def ledger(index: Path, names: list[str]) -> dict[str, Any]:
    """What the continuity ledgers say from each camera's first picture on: blocks, faults of the chain, seconds."""
    database = sqlite3.connect(index)
    blocks, faults, gaps_us, recorded_us = 0, 0, 0, 0
    for name in names:
        rows = database.execute("SELECT event FROM block WHERE camera = ? ORDER BY number", (name,)).fetchall()
        told = [Block.model_validate(json.loads(row[0])["data"]) for row in rows]
        blocks, faults = blocks + len(told), faults + len(check([(one, hash_of(one)) for one in told]))
        begun = min((one.start_us for block in told for one in block.recorded), default=None)
        if begun is not None:
            found = coverage(told, begun, told[-1].until_us)
            recorded_us += found.recorded_us
            gaps_us += found.planned_us - found.recorded_us
    database.close()
    return {
        "blocks": blocks,
        "faults": faults,
        "recorded_s": round(recorded_us / 1e6, 3),
        "gaps_s": round(gaps_us / 1e6, 3),
    }


def _measured(wish: RecordWish, recorders: list[Part], cameras: Part, started: list[Part], say: Say) -> dict[str, Any]:
    begin, others = _sum(recorders), _sum([cameras]).cpu_s
    begun, memory, told = time.monotonic(), [begin.pss_bytes], 0.0
    while (passed := time.monotonic() - begun) < wish.seconds:
        time.sleep(min(1.0, max(0.05, wish.seconds - passed)))
        for part in started:
            part.require()
        if passed - told >= PROGRESS_S:
            told, now = passed, _sum(recorders)
            memory.append(now.pss_bytes)
            percent = (now.cpu_s - begin.cpu_s) / passed / wish.streams * 100
            say(f"{passed:4.0f} of {wish.seconds:.0f} s: {percent:.2f} % of a core a stream, {memory[-1] / 1e6:.0f} MB")
    took, end = time.monotonic() - begun, _sum(recorders)
    return {
        "seconds": round(took, 1),
        "core_percent_per_stream": round((end.cpu_s - begin.cpu_s) / took / wish.streams * 100, 3),
        "cores": round((end.cpu_s - begin.cpu_s) / took, 3),
        "cameras_core_percent_per_stream": round((_sum([cameras]).cpu_s - others) / took / wish.streams * 100, 3),
        "memory_mb": {"start": round(memory[0] / 1e6), "end": round(end.pss_bytes / 1e6)},
    }


def _reel(folder: Path, say: Say) -> Path:
    """A loop of noise over drifting stripes: for recording only bytes matter, and 4 Mbit/s are held by the encoder."""
    say(f"encoding {LOOP_S} s of 1080p25 at 4 Mbit/s")
    folder.mkdir()
    segment = encode(folder / "loop.h264", _pictures(), SIZE)
    write_stream(folder, Stream("loop", "parking", "drawn", "0", {}, {"loop": segment}, ["loop"], []))
    return folder


def _pictures() -> Iterator[Picture]:
    rng = np.random.default_rng(5)
    grain = rng.integers(0, 24, (SIZE[1], SIZE[0] + 256, 3), dtype=np.uint8)
    stripes = (np.arange(SIZE[0]) // 60 % 2 * 90 + 60).astype(np.uint8)[None, :, None]
    for index in range(LOOP_S * FPS):
        shift = int(rng.integers(0, 256))
        yield np.ascontiguousarray(np.roll(stripes, 3 * index, axis=1) + grain[:, shift : shift + SIZE[0]])


def _cameras(folder: Path, reel: Path, port: int, names: list[str]) -> Part:
    stream = read_stream(reel)
    mounts = [Mount(name, stream, reel, 7 * at) for at, name in enumerate(names)]
    return cameras_part(folder, folder / "cameras.log", port, time.time(), mounts)


def _recorders(wish: RecordWish, port: int, names: list[str]) -> list[Part]:
    cameras = [
        {"id": name, "url": f"rtsp://127.0.0.1:{port}/{name}", "frame": list(SIZE), "recording": {}} for name in names
    ]
    site = {"site": "bench", "name": "bench", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default"}
    (wish.folder / "site.yaml").write_text(yaml.safe_dump(site | {"cameras": cameras}), encoding="utf-8")
    settings = {
        "edge_id": "bench",
        "sites": ["site.yaml"],
        "data_dir": "data",
        "recording": {"max_bytes": wish.max_bytes, "min_free_bytes": 0},
    }
    config = wish.folder / "edge.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = ["env", "MALLOC_ARENA_MAX=2", sys.executable, "-m", "edge.record.process", "--config", str(config)]
    return [
        Part(
            f"recorder-{n}",
            [*command, "--name", f"recorder-{n}", "--cameras", ",".join(some)],
            wish.folder / f"{n}.log",
        )
        for n, some in enumerate(shares(names, wish.per), start=1)
    ]


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


__all__ = ["RecordWish", "bench_record", "recorded", "shortfalls"]
