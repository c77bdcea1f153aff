"""What short benchmarks have said over time: one JSON object a line, kept in the repository by whoever measures.

A ratio against the peer in the same run holds on any machine far better than seconds do; a new one must not fall below
`SHARE` of the median of the last `LAST` that were kept for the same detector, peer and streets.
"""

import json
from pathlib import Path
from statistics import median
from typing import Any

from contract.errors import InputError

LAST, SHARE = 5, 0.6
_SAME = ("detector", "peer", "weights", "streams")


def line_of(result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a result with a peer."""
    box, on = result["box"], result["machine"]
    return {
        "at": result["at"],
        "revision": on["revision"],
        "processor": on["processor"],
        "detector": result["detector"],
        "streams": sorted(result["streams"]),
        "peer": result["peer"]["pipeline"],
        "weights": result["peer"]["weights"],
        "ratio": result["ratio"]["at_full_rate"],
        "cpu_s_per_camera_minute": box["cpu_s_per_camera_minute"],
        "detections_per_frame": box["detections_per_frame"],
        "found": f"{box['planted']['found']}/{box['planted']['expected']}",
        "false": len(box["planted"]["false"]),
    }


def read_history(path: Path) -> list[dict[str, Any]]:
    """All lines; empty when there is no file yet. Raises InputError that names the line that cannot be read."""
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            told = json.loads(line)
            float(told["ratio"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}:{number}: is no line of a history ({error}) - take it out") from error
        found.append(told)
    return found


def floor_of(history: list[dict[str, Any]], result: dict[str, Any]) -> float | None:
    """The least ratio that is no regression; None while nothing comparable was kept."""
    now = line_of(result)
    alike = [float(one["ratio"]) for one in history if all(one.get(key) == now[key] for key in _SAME)]
    return round(SHARE * median(alike[-LAST:]), 2) if alike else None


def keep(path: Path, result: dict[str, Any]) -> None:
    """Add a line at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line_of(result), ensure_ascii=False) + "\n")
