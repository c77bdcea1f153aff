"""What `sightline edge top` knows: two readings of a box's `/metrics`, and what happened between them.

Nothing here draws; `edge.top_screen` does. Rates are per second between the heartbeats that the figures came with, so
that a reading which falls between two heartbeats tells no zero.
"""

import math
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from contract.errors import RunError
from edge.metrics import STAGES, STATES

_PREFIX = "sightline_edge_"
#: Above this a camera's clock cannot stand in evidence (domain section B2). Milliseconds.
CLOCK_MS = 1000.0
#: A zone that nobody looked at for this long, or a picture that waits this long, is trouble. Seconds.
UNSEEN_S, WAITS_S = 5.0, 2.0
Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """`/metrics` at one instant: name -> labels -> value; `at` in monotonic seconds."""

    at: float
    values: Mapping[str, Mapping[Labels, float]]

    def one(self, name: str, **labels: str) -> float | None:
        """A single value, None when it is not there."""
        return self.values.get(_PREFIX + name, {}).get(frozenset(labels.items()))

    def by(self, name: str, label: str) -> dict[str, float]:
        """Values of a metric by one label; of several with one value of it, the sum."""
        found: defaultdict[str, float] = defaultdict(float)
        for labels, value in self.values.get(_PREFIX + name, {}).items():
            found[dict(labels).get(label, "")] += value
        return dict(found)

    def said(self, name: str, label: str, **fixed: str) -> str:
        """The value of `label` where the metric is 1, empty when it nowhere is."""
        for labels, value in self.values.get(_PREFIX + name, {}).items():
            told = dict(labels)
            if value == 1.0 and all(told.get(key) == one for key, one in fixed.items()):
                return told.get(label, "")
        return ""


@dataclass(frozen=True, slots=True)
class CameraRow:
    """One camera: rates per second, processor time in ms per second by stage, ages in seconds. None: not told."""

    camera: str
    state: str
    mode: str
    seen: float | None
    decoded: float | None
    gated: float | None
    looked: float | None
    shed: float | None
    queue_age_s: float | None
    unseen_s: float | None
    cpu_ms: dict[str, float] = field(default_factory=dict)
    losses: int = 0
    clock_offset_ms: float | None = None
    trouble: list[str] = field(default_factory=list)
    rank: float = 0.0


@dataclass(frozen=True, slots=True)
class BoxRow:
    """The box: cores in use by part, memory, the detector and the way out."""

    seconds: float
    cores: dict[str, float]
    memory_bytes: dict[str, float]
    down: list[str]
    restarts: int
    gap_s: float
    clock_steps: int
    looks: float | None
    late: float | None
    queued: float | None
    look_ms: float | None
    detector: str
    connected: bool | None
    waiting: int
    media_bytes: int


@dataclass(frozen=True, slots=True)
class Picture:
    """The box and its cameras, those in trouble first."""

    box: BoxRow
    cameras: list[CameraRow]

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        cameras = [asdict(row) for row in self.cameras]
        for row in cameras:
            row.pop("rank")
        return {"box": asdict(self.box), "cameras": cameras}


def read(url: str, timeout_s: float = 5.0) -> Reading:
    """`/metrics` of a box. Raises RunError with the address and what to do."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=timeout_s) as answer:  # noqa: S310 - checked by caller
            text = answer.read().decode("utf-8")
        values: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values.setdefault(sample.name, {})[frozenset(sample.labels.items())] = float(sample.value)
    except (OSError, ValueError, urllib.error.URLError) as error:
        why = getattr(error, "reason", None) or error
        raise RunError(f"{url}: the box does not answer ({why}) - does `sightline edge run` run there?") from error
    if not any(name.startswith(_PREFIX) for name in values):
        raise RunError(f"{url}: answers, but is no Sightline box - give the address of its health_port")
    return Reading(time.monotonic(), values)


def compare(before: Reading, after: Reading) -> Picture:
    """What happened between two readings of one box."""
    names = {dict(labels)["camera"] for labels in after.values.get(f"{_PREFIX}camera_state", {})}
    rows = [_camera(name, before, after) for name in names]
    return Picture(_box(before, after), sorted(rows, key=lambda row: (-row.rank, row.camera)))


def _camera(name: str, before: Reading, after: Reading) -> CameraRow:
    at = after.one("camera_figures_at", camera=name)
    began = before.one("camera_figures_at", camera=name)
    span = at - began if at is not None and began is not None else 0.0

    def rate(figure: str, **labels: str) -> float | None:
        old, new = (one.one(f"camera_{figure}_total", camera=name, **labels) for one in (before, after))
        return max(0.0, new - old) / span if new is not None and old is not None and span > 0 else None

    state = next((one for one in STATES if after.one("camera_state", camera=name, state=one)), "starting")
    cpu = {stage: rate("cpu_seconds", stage=stage) for stage in STAGES}
    looked_at = after.one("camera_zone_looked_at", camera=name)
    late = rate("late")
    row = CameraRow(
        camera=name,
        state=state,
        mode=after.said("camera_mode", "mode", camera=name),
        seen=rate("packets"),
        decoded=rate("decoded"),
        gated=rate("gated"),
        looked=rate("looked"),
        shed=_most(rate("shed"), late),
        queue_age_s=after.one("camera_queue_age_s", camera=name),
        unseen_s=max(0.0, at - looked_at) if at is not None and looked_at else None,
        cpu_ms={stage: round(seconds * 1000, 1) for stage, seconds in cpu.items() if seconds is not None},
        losses=int(after.one("camera_losses_total", camera=name) or 0),
        clock_offset_ms=after.one("camera_clock_offset_ms", camera=name),
    )
    return _judged(row, before.one("camera_losses_total", camera=name))


def _judged(row: CameraRow, losses_before: float | None) -> CameraRow:
    """The row with what is wrong with it, worst first, and how bad that is."""
    worst = [
        (1000.0, row.state != "live", row.state),
        (500.0, losses_before is not None and row.losses > losses_before, "link lost"),
        (300.0, (row.unseen_s or 0.0) > UNSEEN_S, "not looked at"),
        (200.0, (row.shed or 0.0) > 0, "shedding"),
        (100.0, (row.queue_age_s or 0.0) > WAITS_S, "behind"),
        (50.0, abs(row.clock_offset_ms or 0.0) > CLOCK_MS, "clock"),
    ]
    trouble = [(weight, text) for weight, true, text in worst if true]
    rank = sum(weight for weight, _ in trouble) + min(49.0, sum(row.cpu_ms.values()) / 1000)
    told = {key: getattr(row, key) for key in row.__slots__}
    return CameraRow(**(told | {"trouble": [text for _, text in trouble], "rank": rank}))


def _box(before: Reading, after: Reading) -> BoxRow:
    span = max(after.at - before.at, 1e-6)

    def rate(name: str) -> float | None:
        old, new = before.one(name), after.one(name)
        return max(0.0, new - old) / span if old is not None and new is not None else None

    old_cpu = before.by("part_cpu_seconds_total", "part")
    cpu = after.by("part_cpu_seconds_total", "part")
    look_s = after.one("look_seconds")
    connected = after.one("outbox_connected")
    return BoxRow(
        seconds=round(span, 2),
        cores={name: round(max(0.0, total - old_cpu.get(name, total)) / span, 4) for name, total in cpu.items()},
        memory_bytes=after.by("part_memory_bytes", "part"),
        down=sorted(name for name, up in after.by("part_up", "part").items() if not up),
        restarts=int(sum(after.by("part_restarts_total", "part").values())),
        gap_s=round(sum(after.by("part_gap_seconds_total", "part").values()), 1),
        clock_steps=int(after.one("clock_steps_total") or 0),
        looks=rate("looks_total"),
        late=rate("looks_late_total"),
        queued=after.one("looks_queued"),
        look_ms=None if look_s is None else round(look_s * 1000, 1),
        detector=" ".join(filter(None, (after.said("detector_info", key) for key in ("model", "instructions")))),
        connected=None if connected is None else bool(connected),
        waiting=int(after.one("outbox_pending") or 0),
        media_bytes=int(after.one("outbox_media_bytes") or 0),
    )


def _most(*values: float | None) -> float | None:
    return max((value for value in values if value is not None and not math.isnan(value)), default=None)


__all__ = ["BoxRow", "CameraRow", "Picture", "Reading", "compare", "read"]
