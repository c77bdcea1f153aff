"""What a run of recording left: index, ledgers, what was told of pictures, and where that falls short."""

import itertools
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from contract.continuity import Block, check, coverage, hash_of
from contract.errors import InputError
from edge.beats import read_json
from edge.deliver.spool import Spool
from sightline.bench.mix.stream import FPS

FILE = "record.json"
_HEAD = """
## Recordings

`sightline bench record` records real RTSP streams (1080p25, 4 Mbit/s, a keyframe every 2 s, no second of them twice) as
a polling station's box does, ledger and all, and looks after their pictures (`edge/polling`). *Cores* is what both need
together; what is missing is counted by the index and by the ledgers.
"""
_COLUMNS = (
    "streams", "s", "cores", "% to record one", "% to look after one", "memory MB", "pictures", "missing", "gaps s",
    "deleted meanwhile", "worst look every s", "troubles told",
)  # fmt: skip

#: Recording a stream may cost this much of a core, looking after its pictures so much (percent), both of all streams
#: together this (cores of a hundred streams).
MOST_PERCENT, MOST_LOOK_PERCENT, MOST_CORES = 0.5, 0.6, 1.0
#: Memory is flat when it ends no more than this above where the tenth part of the run had brought it.
MOST_GROWTH: Final = 1.10


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
        "deleted": gone,
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


def looked(run: Path, names: list[str], seconds: float) -> dict[str, Any]:
    """What feed health did, by its heartbeats in `run`, while it ran for `seconds`."""
    told: dict[str, Any] = {}
    for path in run.glob("health-*.json"):
        told |= read_json(path).get("feed_health", {})
    looks = [int(told.get(name, {}).get("looks", 0)) for name in names]
    return {
        "keyframes": sum(int(one.get("keyframes", 0)) for one in told.values()),
        "looks": sum(looks),
        "worst_look_every_s": round(seconds / min(looks), 1) if min(looks, default=0) else None,
        "learned": sum(bool(one.get("learned")) for one in told.values()),
    }


def troubles(spool: Path) -> dict[str, int]:
    """What was told to be wrong with pictures, by check."""
    found: Counter[str] = Counter()
    for one in Spool(spool).take(limit=1_000_000):
        event = one.item.event
        if event.type == "sightline.feed.trouble":
            found[str(event.data.get("check"))] += 1
    return dict(found)


def section(path: Path) -> list[str]:
    """Lines of docs/benchmarks.md; none where nothing is kept. Raises InputError."""
    if not path.exists():
        return []
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        on = result["machine"]
        said = f"{result['at']}, `{on['revision']}`: {on['cores']} cores of {on['processor']}, load before"
        rows = [_row(_COLUMNS), _row(["---"] * len(_COLUMNS)), _row(_cells(result))]
        return [_HEAD, *rows, "", f"- {said} {on['load_before']:g}; recordings kept for {result['keep_s']:g} s."]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no result of recording ({error}) - measure again or take it away") from error


def _cells(result: dict[str, Any]) -> list[str]:
    kept, looks, memory = result["recorded"], result["health"], result["memory_mb"]
    return [
        str(result["streams"]),
        f"{result['seconds']:.0f}",
        f"{result['cores']:.2f}",
        f"{result['core_percent_per_stream']:.2f}",
        f"{looks['core_percent_per_stream']:.2f}",
        f"{memory['start']} to {memory['end']}",
        f"{kept['pictures']:,}",
        str(kept["missing_pictures"]),
        f"{result['ledger']['gaps_s']:g}",
        str(kept["deleted"]),
        f"{looks['worst_look_every_s']}",
        str(sum(looks["troubles"].values())),
    ]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def shortfalls(result: dict[str, Any], most_percent: float = MOST_PERCENT) -> list[str]:
    """Where the result falls short of what must be shown, one line each."""
    return [*_missing(result), *_dear(result, most_percent), *_unseen(result)]


def _missing(result: dict[str, Any]) -> list[str]:
    kept, found = result["recorded"], []
    if kept["silent"]:
        found.append(f"{len(kept['silent'])} streams were not recorded at all")
    if kept["gaps"] or kept["lost_s"] > 0.05 or kept["missing_pictures"]:
        found.append(
            f"{kept['lost_s']:.1f} s in {kept['gaps']} gaps and {kept['missing_pictures']} pictures are missing"
        )
    told = result.get("ledger")
    if told is not None and (told["faults"] or told["gaps_s"] > 0.05):
        found.append(f"the ledgers have {told['faults']} faults and {told['gaps_s']:.1f} s in gaps")
    return found


def _dear(result: dict[str, Any], most_percent: float) -> list[str]:
    found = []
    if result["core_percent_per_stream"] > most_percent:
        found.append(f"{result['core_percent_per_stream']:.2f} % of a core a stream is over {most_percent:g} %")
    looks = result.get("health")
    if looks is None:
        return found
    if looks["core_percent_per_stream"] > MOST_LOOK_PERCENT:
        seen = looks["core_percent_per_stream"]
        found.append(f"looking after a stream costs {seen:.2f} % of a core, over {MOST_LOOK_PERCENT:g} %")
    allowed = MOST_CORES * max(1.0, result["streams"] / 100)
    if result["cores"] > allowed:
        found.append(f"{result['cores']:.2f} cores in all are over {allowed:g}")
    memory = result["memory_mb"]
    if memory["end"] > memory["start"] * MOST_GROWTH:
        found.append(f"memory grew from {memory['start']} to {memory['end']} MB")
    return found


def _unseen(result: dict[str, Any]) -> list[str]:
    looks = result.get("health")
    if looks is None:
        return []
    found = [
        f"{count} times {check!r} was told of pictures that are well" for check, count in looks["troubles"].items()
    ]
    if looks["worst_look_every_s"] is None:
        found.append("a stream was never looked at")
    return found


__all__ = [
    "FILE",
    "MOST_CORES",
    "MOST_LOOK_PERCENT",
    "MOST_PERCENT",
    "ledger",
    "looked",
    "recorded",
    "section",
    "shortfalls",
    "troubles",
]
