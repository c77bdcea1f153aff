"""What the box's workers say of their cameras, sampled while it runs.

Read from the heartbeat files that `/metrics` is made of. A figure that a box does not tell (an older one) is absent
here and shown as unknown, never as nought.
"""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.box import Folders

#: CPU seconds of a camera by stage, as workers tell them.
STAGES = ("capture", "decode", "gate", "detect", "rules", "evidence")
#: A new heartbeat of each worker comes every two seconds; a zone's age is known to that.
_COUNTERS = (
    "packets",
    "keyframes",
    "decoded",
    "gated",
    "looked",
    "shed",
    "stretches",
    "losses",
    "jumps",
    "blind",
    "skipped_packets",
)


@dataclass(slots=True)
class Watch:
    """The figures of all cameras: as they were when measuring began, as they are, and the worst between."""

    folders: Folders
    first: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    unseen_s: dict[str, float] = field(default_factory=dict)
    queue_age_s: float = 0.0
    waits: list[tuple[float, float]] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample."""
        for name, figures in self._now().items():
            at = figures["at"]
            self.first.setdefault(name, figures)
            self.last[name] = figures
            seen = figures.get("zone_looked_at") or figures.get("looked_at")
            if seen:
                self.unseen_s[name] = max(self.unseen_s.get(name, 0.0), at - float(seen))
                self.waits.append((at, at - float(seen)))
            self.queue_age_s = max(self.queue_age_s, float(figures.get("queue_age_s", 0.0)))

    def begin(self) -> None:
        """Measuring begins now."""
        self.first, self.last, self.unseen_s, self.queue_age_s, self.waits = {}, {}, {}, 0.0, []
        self.look()

    def starved(self, longest_s: float, after_s: float) -> tuple[float, float]:
        """Of all cameras and samples from `after_s` on: the share with a zone unseen for longer; and the worst [s]."""
        begun = min((at for at, _ in self.waits), default=0.0)
        waits = [wait for at, wait in self.waits if at - begun >= after_s]
        return sum(wait > longest_s for wait in waits) / max(1, len(waits)), max(waits, default=0.0)

    def live(self) -> dict[str, float]:
        """Cameras that are live, with the time of the heartbeat that says so."""
        return {
            name: one["at"] for name, one in self._now().items() if one.get("state") == "live" and one.get("packets")
        }

    def counted(self, key: str, cameras: Collection[str] | None = None) -> float | None:
        """How much a counter of `cameras` (all of them) has grown; None when no camera tells it."""
        told = {name: one for name, one in self.last.items() if cameras is None or name in cameras}
        if not any(key in one for one in told.values()):
            return None
        return sum(float(one.get(key, 0)) - float(self.first[name].get(key, 0)) for name, one in told.items())

    def look_gap_s(self) -> float | None:
        """The longest stream time that any camera's zones went without a look; None when no camera tells it."""
        told = [float(one["look_gap_s"]) for one in self.last.values() if "look_gap_s" in one]
        return max(told, default=None)

    def counters(self, cameras: Collection[str] | None = None) -> dict[str, float]:
        """Every counter that is told, of `cameras` (all of them)."""
        return {key: value for key in _COUNTERS if (value := self.counted(key, cameras)) is not None}

    def stages(self, cameras: Collection[str] | None = None) -> dict[str, float]:
        """CPU seconds by stage, of the stages that are told, of `cameras` (all of them)."""
        return {stage: value for stage in STAGES if (value := self.counted(f"cpu_{stage}_s", cameras)) is not None}

    def rate(self, name: str) -> float:
        """Packets a second of one camera while measured."""
        first, last = self.first[name], self.last[name]
        seconds = float(last["at"]) - float(first["at"])
        return (float(last.get("packets", 0)) - float(first.get("packets", 0))) / seconds if seconds > 0 else 0.0

    def _now(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for path in sorted(self.folders.run.glob("*.json")):
            beat = _read(path)
            at = float(beat.get("at", 0.0))
            if time.time() - at < 15:
                found |= {name: {**one, "at": at} for name, one in dict(beat.get("cameras", {})).items()}
        return found


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
