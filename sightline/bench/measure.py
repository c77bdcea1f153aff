"""The box under load: started, awaited, watched for the wished time, and what it did put into figures."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.bench.county import Mount
from sightline.bench.field import Field
from sightline.bench.heartbeat import Watch
from sightline.bench.listener import Heard, Listener
from sightline.bench.process import Cost, costs
from sightline.bench.truth import Verdict, judge, shown
from sightline.demo.parts import Part

Say = Callable[[str], None]
#: Cameras get so long to become live, s; measuring begins so long after; a decision may come so late.
LIVE_S, SETTLE_S, LATE_S = 120.0, 8.0, 6.0
#: A line of progress, and a look at memory and heartbeats, this often; s.
PROGRESS_S, LOOK_S = 5.0, 1.0
#: A camera is sustained when it was live throughout, lost no more than so many of its packets and starved no zone.
LEAST_PACKETS, LONGEST_UNSEEN_S = 0.98, 2.5
#: A box that has just started learns what stands everywhere at once: what is told of later is told apart. Seconds.
STARTED_S = 60.0


@dataclass(slots=True)
class Sampled:
    """Costs by part at the beginning and the end, and memory over time (s, bytes)."""

    begin: dict[str, Cost] = field(default_factory=dict)
    end: dict[str, Cost] = field(default_factory=dict)
    memory: list[tuple[float, int]] = field(default_factory=list)
    others: dict[str, tuple[float, float]] = field(default_factory=dict)

    def cpu(self) -> dict[str, float]:
        """CPU seconds of the box while measured, by part."""
        return {name: cost.cpu_s - self.begin.get(name, Cost(0, 0)).cpu_s for name, cost in self.end.items()}


@dataclass(slots=True)
class Measured:
    """One run of the box."""

    seconds: float
    live: dict[str, float]
    watch: Watch
    sampled: Sampled
    verdict: Verdict
    manifests: int


def measure(field_: Field, listener: Listener, seconds: float, say: Say) -> Measured:
    """Start the box, measure it for `seconds`, stop it. Raises RunError when a part ends meanwhile."""
    box = field_.start_box()
    watch = Watch(field_.folders)
    live = _all_live(field_, watch, say)
    _sleep(SETTLE_S, field_.started)
    begun = time.time()
    watch.begin()
    sampled = Sampled(
        begin=_costs(box), others={one.name: (_cpu(one), 0.0) for one in field_.started if one is not box}
    )
    _watch_for(seconds, field_, box, watch, sampled, listener, live, say)
    sampled.end = _costs(box)
    sampled.others = {
        one.name: (before, _cpu(one))
        for one in field_.started
        if (before := sampled.others.get(one.name, (0.0, 0))[0]) or one is not box
    }
    took = time.time() - begun
    end = time.time()
    _sleep(LATE_S, field_.started)
    heard = _until(listener.heard(), end)
    verdict = judge(shown(field_.mounts, field_.epoch, live, end, field_.permitted_wait_s), heard)
    box.stop()
    return Measured(took, live, watch, sampled, verdict, listener.manifests)


def sustained(measured: Measured, fps: float, cameras: int) -> int:
    """How many cameras were live to the end, lost no packets to speak of, and had every zone looked at in time."""
    watch, count = measured.watch, 0
    for name, last in watch.last.items():
        first = watch.first[name]
        lost = float(last.get("losses", 0)) - float(first.get("losses", 0))
        whole = watch.rate(name) >= LEAST_PACKETS * fps
        count += (
            last.get("state") == "live" and not lost and whole and watch.unseen_s.get(name, 1e9) <= LONGEST_UNSEEN_S
        )
    return min(count, cameras)


def slope(memory: list[tuple[float, int]]) -> float:
    """Growth of memory in bytes a minute, by least squares."""
    if len(memory) < 3:
        return 0.0
    at, size = np.array(memory, float).T
    return float(np.polyfit((at - at[0]) / 60, size, 1)[0])


def percentiles(values: list[float]) -> dict[str, float] | None:
    """p50, p95, p99 and how many; None without values."""
    if not values:
        return None
    found = np.percentile(values, [50, 95, 99])
    return {
        "p50": round(float(found[0]), 3),
        "p95": round(float(found[1]), 3),
        "p99": round(float(found[2]), 3),
        "of": len(values),
    }


def _all_live(field_: Field, watch: Watch, say: Say) -> dict[str, float]:
    """When each camera was first seen live; those that never are, are left out after LIVE_S."""
    live: dict[str, float] = {}
    until = time.monotonic() + LIVE_S
    told = 0
    while len(live) < len(field_.mounts) and time.monotonic() < until:
        for name, at in watch.live().items():
            live.setdefault(name, at)
        if len(live) != told:
            told = len(live)
            say(f"{told} of {len(field_.mounts)} cameras are live")
        _sleep(LOOK_S, field_.started)
    return live


def _watch_for(
    seconds: float,
    field_: Field,
    box: Part,
    watch: Watch,
    sampled: Sampled,
    listener: Listener,
    live: dict[str, float],
    say: Say,
) -> None:
    begun, told = time.monotonic(), 0.0
    while (passed := time.monotonic() - begun) < seconds:
        watch.look()
        if passed - told >= PROGRESS_S or not sampled.memory:
            told = passed
            now = _costs(box)
            sampled.memory.append((passed, sum(cost.pss_bytes for cost in now.values())))
            say(_line(passed, seconds, now, sampled, len(live), len(field_.mounts), len(listener.heard())))
        _sleep(min(LOOK_S, seconds - passed), field_.started)
    watch.look()
    sampled.memory.append((seconds, sum(cost.pss_bytes for cost in _costs(box).values())))


def _line(
    passed: float, seconds: float, now: dict[str, Cost], sampled: Sampled, live: int, cameras: int, heard: int
) -> str:
    used = sum(cost.cpu_s for cost in now.values()) - sum(cost.cpu_s for cost in sampled.begin.values())
    rate = used / (cameras * passed / 60) if passed > 1 else 0.0
    memory = sampled.memory[-1][1] / 1e6
    return (
        f"{passed:4.0f} of {seconds:.0f} s: {live}/{cameras} cameras, {rate:5.2f} cpu-s a camera-minute, "
        f"{heard} decisions, {memory:.0f} MB"
    )


def _until(heard: list[Heard], end: float) -> list[Heard]:
    """Decisions about what happened before `end`."""
    return [one for one in heard if one.at_trigger <= end]


def _costs(box: Part) -> dict[str, Cost]:
    assert box.process is not None
    return costs(box.process.pid)


def _cpu(part: Part) -> float:
    assert part.process is not None
    return sum(cost.cpu_s for cost in costs(part.process.pid).values())


def _sleep(seconds: float, parts: list[Part]) -> None:
    time.sleep(max(0.0, seconds))
    for part in parts:
        part.require()


def _starved(watch: Watch, after_s: float) -> dict[str, float]:
    """The share of camera-seconds in which a zone had not been looked at for over 2.5 s, and the longest."""
    share, worst = watch.starved(LONGEST_UNSEEN_S, after_s)
    return {"share": round(share, 4), "worst_s": round(worst, 2)}


def _by_kind(measured: Measured, mounts: list[Mount]) -> dict[str, Any]:
    """What kerbs and zebras took, each: counts, and the workers' CPU seconds a camera-minute by stage."""
    found: dict[str, Any] = {}
    for kind in sorted({mount.stream.kind for mount in mounts}):
        names = {mount.camera_id for mount in mounts if mount.stream.kind == kind}
        minutes = len(names) * measured.seconds / 60
        found[kind] = {
            "cameras": len(names),
            "by_stage": {name: round(value / minutes, 4) for name, value in measured.watch.stages(names).items()},
            "counters": {name: round(value) for name, value in measured.watch.counters(names).items()},
        }
    return found


def figures(measured: Measured, mounts: list[Mount], fps: float) -> dict[str, Any]:
    """What is reported, as plain JSON. CPU is in seconds a camera-minute, memory in MB."""
    cameras = len(mounts)
    minutes = cameras * measured.seconds / 60
    watch, verdict, sampled = measured.watch, measured.verdict, measured.sampled
    counters = watch.counters()
    frames = counters.get("packets", 0.0)
    cpu = sampled.cpu()
    memory = [size for _, size in sampled.memory]
    return {
        "cameras": cameras,
        "seconds": round(measured.seconds, 1),
        "sustained_cameras": sustained(measured, fps, cameras),
        "cpu_s_per_camera_minute": round(sum(cpu.values()) / minutes, 3),
        "by_process": {name: round(value / minutes, 4) for name, value in sorted(cpu.items())},
        "by_stage": {name: round(value / minutes, 4) for name, value in watch.stages().items()},
        "beside_the_box": {
            name: round((after - before) / minutes, 4) for name, (before, after) in sampled.others.items()
        },
        "detections_per_frame": round(counters["looked"] / frames, 4) if frames and "looked" in counters else None,
        "counters": {name: round(value) for name, value in counters.items()},
        "by_kind": _by_kind(measured, mounts),
        "unseen_s_worst": round(max(watch.unseen_s.values()), 2) if watch.unseen_s else None,
        "look_gap_s_worst": watch.look_gap_s(),
        "unseen_share": _starved(watch, 0.0),
        "unseen_share_after_a_minute": _starved(watch, STARTED_S),
        "queue_age_s_worst": round(watch.queue_age_s, 2),
        "memory_mb": {
            "start": round(memory[0] / 1e6),
            "end": round(memory[-1] / 1e6),
            "most": round(max(memory) / 1e6),
            "slope_per_minute": round(slope(sampled.memory) / 1e6, 2),
        },
        "planted": {
            "expected": verdict.expected,
            "found": verdict.found,
            "missed": [f"{one.camera_id} {one.rule}" for one in verdict.missed],
            "false": [f"{one.camera_id} {one.rule} {one.verdict}" for one in verdict.false],
        },
        "latency_s": {
            rule: {"from_frame": percentiles(values), "from_truth": percentiles(verdict.from_truth[rule])}
            for rule, values in sorted(verdict.from_frame.items())
        },
        "evidence_packs": measured.manifests,
    }
