"""docs/benchmarks.md, made from the results that are kept beside it: no figure in it is typed by hand."""

import json
from pathlib import Path
from typing import Any

from contract.errors import InputError
from sightline.bench import desk_results, live, masks, recorded
from sightline.bench.history import read_history

HISTORY = "history.jsonl"
#: Results that have a section of their own.
_OTHERS = (desk_results.FILE, masks.FILE, live.FILE, recorded.FILE)
_HEAD = """\
# Benchmarks

This page is written by `sightline bench table` from the results in [benchmarks/](benchmarks/); do not edit it.

```console
$ sightline bench compose --clips ../shared/clips           once: the streams of the county mix
$ sightline bench edge --parking 50 --yield 6 --duration 600 --peer ultralytics --json docs/benchmarks/county.json
$ sightline bench edge --short --peer ultralytics --history docs/benchmarks/history.jsonl --keep
$ sightline bench desk --cases 100000 --browser --json docs/benchmarks/desk.json
$ sightline bench masks ../shared/clips/indoor_*.mp4 --json docs/benchmarks/masks.json
$ sightline bench record --streams 100 --duration 600 --json docs/benchmarks/record.json
$ sightline bench live --json docs/benchmarks/live.json
$ sightline bench table
```

**The county mix.** 1080p25 H.264 at 4 Mbit/s, a keyframe every 2 s. Streets are windows of real fixed-camera clips,
vehicles and people are cut out of the same clips by the box's own detector and replayed along their own way; the
drawn street of the demo stands in where there are no clips. At each kerb somebody passes every few seconds and one
stays in ten minutes; at each zebra a vehicle and a pedestrian could meet a quarter of the time. A loop is a playlist of
takes that begin and end while nothing moves, so that no seam shows. All cameras share a few encoded files from
different offsets; their server sends access units that were cut into RTP packets before, and encodes nothing.

**What is measured.** The box is `sightline edge run` as it is installed, with Mosquitto (else the embedded broker)
and a real central, which acknowledges. CPU is that of the box's processes alone, in seconds a camera-minute; what
cameras, broker and central need is told apart. *From frame* is the delay from the picture that proves a matter to
the event at the broker, *from truth* that from the instant at which the offence was complete. *Unseen* is the
oldest that the last look at a zone became, known to the heartbeat's two seconds: a look that came late counts as well
as one that was left out. A peer's cost is its cpu seconds a frame times 1,500, as if it left no frame out.
"""
_COLUMNS = (
    "run", "revision", "cameras", "sustained", "cpu-s / camera-min", "detections / frame", "found", "false",
    "yield p95 s", "parking p95 s", "unseen s", "memory MB", "peer", "ratio",
)  # fmt: skip


def page(folder: Path) -> str:
    """The page's text. Raises InputError for a result that cannot be read."""
    results = {path.stem: _read(path) for path in sorted(folder.glob("*.json")) if path.name not in _OTHERS}
    lines = [_HEAD, "## Results", "", _row(_COLUMNS), _row("-" * 3 for _ in _COLUMNS)]
    lines += [_row(_cells(name, result)) for name, result in results.items()]
    lines += ["", "On what, and how:", ""]
    lines += [_machine(name, result) for name, result in results.items()]
    history = read_history(folder / HISTORY)
    if history:
        lines += ["", "## The short run over time", "", _row(_SHORT), _row("-" * 3 for _ in _SHORT)]
        lines += [_row(str(one.get(key, "")) for key in _SHORT) for one in history[-20:]]
    lines += desk_results.section(folder / desk_results.FILE)
    lines += recorded.section(folder / recorded.FILE)
    lines += masks.section(folder / masks.FILE)
    lines += live.section(folder / live.FILE)
    return "\n".join(lines) + "\n"


_SHORT = (
    "at",
    "revision",
    "detector",
    "peer",
    "ratio",
    "cpu_s_per_camera_minute",
    "detections_per_frame",
    "found",
    "false",
)


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return dict(told) | {"box": dict(told["box"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no result of a benchmark ({error}) - measure again or take it away") from error


def _cells(name: str, result: dict[str, Any]) -> list[str]:
    box, planted = result["box"], result["box"]["planted"]
    memory = box["memory_mb"]
    peer = result.get("peer")
    return [
        name,
        f"`{result['machine']['revision']}`",
        f"{result['parking']} + {result['yield']}",
        str(box["sustained_cameras"]),
        f"{box['cpu_s_per_camera_minute']:.2f}",
        _told(box["detections_per_frame"]),
        f"{planted['found']} of {planted['expected']}",
        str(len(planted["false"])),
        _delay(box, "failure_to_yield"),
        _delay(box, "illegal_parking"),
        _told(box["unseen_s_worst"]),
        f"{memory['most']} ({memory['slope_per_minute']:+.1f} a minute)",
        f"{peer['pipeline']} {peer['at_full_rate_cpu_s_per_camera_minute']:.1f}" if peer else "",
        f"{result['ratio']['at_full_rate']:.1f}" if peer else "",
    ]


def _machine(name: str, result: dict[str, Any]) -> str:
    on, box = result["machine"], result["box"]
    versions = ", ".join(f"{key} {value}" for key, value in on["versions"].items())
    beside = ", ".join(f"{key} {value:.2f}" for key, value in box["beside_the_box"].items())
    return (
        f"- **{name}**, {result['at']}: {on['cores']} cores of {on['processor']}, {result['cpu']}, load before "
        f"{on['load_before']:g}; {result['detector']}; {box['seconds']:.0f} s; streams {', '.join(result['streams'])}; "
        f"beside the box {beside} cpu-s a camera-minute; Python {on['python']}, {versions}."
    )


def _delay(box: dict[str, Any], rule: str) -> str:
    told = box["latency_s"].get(rule, {}).get("from_frame")
    return f"{told['p95']:.2f}" if told else ""


def _told(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"
