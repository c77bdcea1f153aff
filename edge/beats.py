"""What the parts of a box say of themselves: the heartbeats that `edge.part.write_heartbeat` writes, while fresh."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edge.child import Child

#: A heartbeat older than this says nothing about now. Seconds.
FRESH_S = 15.0


def fresh_beats(parts: Iterable[Child]) -> Iterator[dict[str, Any]]:
    """The last heartbeat of every part that wrote one lately; `at` is when, Unix time.

    Whether the part still runs is not asked: who wants to know passes those that do.
    """
    for part in parts:
        if part.heartbeat is not None:
            beat = read_json(part.heartbeat)
            if time.time() - float(beat.get("at", 0)) < FRESH_S:
                yield beat


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file, empty when there is none that can be read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


__all__ = ["FRESH_S", "fresh_beats", "read_json"]
