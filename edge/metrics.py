"""Figures of a box for Prometheus: per camera and stage, per process, of the detector and of the way out.

Everything is read from what the parts wrote or answer; no camera is asked. `docs/operations.md` lists the names.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge.beats import fresh_beats
from edge.child import Child
from edge.detect.stats import Stats
from edge.families import Things, counters, states
from edge.gaps import GapBook

STATES = ("starting", "live", "lost")
#: Where the processor time of a camera goes; the heartbeat has `cpu_<stage>_s`.
STAGES = ("capture", "decode", "gate", "detect", "rules", "evidence")
_QUANTILES = (0.5, 0.95, 0.99)
_COUNTERS = {
    "packets": "Packets captured",
    "bytes": "Bytes captured",
    "keyframes": "Keyframes captured",
    "decoded": "Pictures decoded",
    "gated": "Looks that the change gate held back, because nothing had changed",
    "looked": "Pictures looked at by the detector",
    "shed": "Pictures that were due and passed over, because the box was too slow",
    "stretches": "Groups of pictures decoded whole, to look closer",
    "skipped_packets": "Packets never decoded, because analysis was far behind",
    "damaged": "Packets that the codec refused",
    "blind": "Pictures for which no detector answered",
    "losses": "Times the link was lost",
    "jumps": "Times the camera's time stamps jumped",
    "events": "Events handed to deliver",
    "packs": "Evidence packs handed to deliver",
}
_GAUGES = {
    "ring_bytes": "Encoded bytes in memory",
    "behind_s": "Seconds from newest packet to picture looked at",
    "queue_age_s": "Age of the oldest picture that waits to be looked at, seconds",
    "zone_looked_at": "Unix time at which every zone had last been looked at, by gate or detector",
    "evidence_waiting": "Pieces of evidence that are still to be made: stills, clips, packs",
    "look_gap_s": "Longest stream time between two looks at all zones since the worker started, losses included",
    "clock_offset_ms": "Camera's clock less true time, milliseconds; absent while unknown",
    "figures_at": "Unix time of these figures",
}


def cameras_of(parts: Sequence[Child]) -> dict[str, dict[str, Any]]:
    """Figures of every camera whose worker wrote them lately, with `figures_at`."""
    found: dict[str, dict[str, Any]] = {}
    for beat in fresh_beats(part for part in parts if part.running):
        for name, figures in beat.get("cameras", {}).items():
            found[name] = figures | {"figures_at": float(beat["at"])}
    return found


def of_cameras(cameras: Things) -> Iterable[Metric]:
    """Metrics with the label `camera`."""
    yield states("camera", "1 for the state it is in", STATES, cameras, "camera")
    mode = GaugeMetricFamily("sightline_edge_camera_mode", "1 for how it is looked at", labels=["camera", "mode"])
    for name, figures in cameras.items():
        if figures.get("mode"):
            mode.add_metric([name, str(figures["mode"])], 1.0)
    yield mode
    yield from counters("camera", _COUNTERS, cameras, "camera")
    for key, text in _GAUGES.items():
        gauge = GaugeMetricFamily(f"sightline_edge_camera_{key}", text, labels=["camera"])
        for name, figures in cameras.items():
            if isinstance(figures.get(key), int | float):
                gauge.add_metric([name], float(figures[key]))
        yield gauge
    yield from _by_stage(cameras)


def _by_stage(cameras: Things) -> Iterable[Metric]:
    cpu = CounterMetricFamily(
        "sightline_edge_camera_cpu_seconds", "Processor time of its worker's threads", labels=["camera", "stage"]
    )
    late = GaugeMetricFamily(
        "sightline_edge_camera_late_seconds",
        "From a picture to the hand-over of the event it decided, of the last 200 events",
        labels=["camera", "quantile"],
    )
    for name, figures in cameras.items():
        for stage in STAGES:
            if (seconds := figures.get(f"cpu_{stage}_s")) is not None:
                cpu.add_metric([name, stage], float(seconds))
        waits = sorted(float(one) for one in figures.get("late_s") or ())
        for share in _QUANTILES if waits else ():
            late.add_metric([name, str(share)], waits[min(len(waits) - 1, int(share * len(waits)))])
    yield from (cpu, late)


def of_parts(parts: Sequence[Child], gaps: GapBook) -> Iterable[Metric]:
    """Metrics with the label `part`: every process of the box, the supervisor among them."""
    up = GaugeMetricFamily("sightline_edge_part_up", "1 while the process runs", labels=["part"])
    restarts = CounterMetricFamily("sightline_edge_part_restarts", "Times it was started anew", labels=["part"])
    hung = CounterMetricFamily("sightline_edge_part_hung", "Times it hung and was killed", labels=["part"])
    cpu = CounterMetricFamily("sightline_edge_part_cpu_seconds", "CPU time of the process", labels=["part"])
    memory = GaugeMetricFamily(
        "sightline_edge_part_memory_bytes", "Memory of the process, shared pages by share (PSS)", labels=["part"]
    )
    missed = CounterMetricFamily("sightline_edge_part_gaps", "Times it did not work", labels=["part"])
    lasted = CounterMetricFamily("sightline_edge_part_gap_seconds", "How long it did not work", labels=["part"])
    for part in parts:
        up.add_metric([part.name], float(part.running))
        restarts.add_metric([part.name], part.restarts)
        hung.add_metric([part.name], part.kills)
        missed.add_metric([part.name], gaps.count[part.name])
        lasted.add_metric([part.name], gaps.seconds[part.name])
    for name, pid in [("supervisor", os.getpid()), *((part.name, part.pid) for part in parts)]:
        if pid is not None and (seconds := _cpu_s(pid)) is not None:
            cpu.add_metric([name], seconds)
            memory.add_metric([name], _memory_bytes(pid))
    yield from (up, restarts, hung, cpu, memory, missed, lasted)
    yield CounterMetricFamily(
        "sightline_edge_clock_steps", "Times this machine's clock was set", value=gaps.clock_steps
    )


def of_inference(stats: Stats | None) -> Iterable[Metric]:
    """What the inference service says; nothing while it does not answer."""
    if stats is None:
        return
    yield CounterMetricFamily("sightline_edge_looks", "Pictures the detector looked at", value=stats.looks)
    yield CounterMetricFamily("sightline_edge_looks_failed", "Looks the detector failed", value=stats.failed)
    yield CounterMetricFamily("sightline_edge_looks_late", "Looks passed over: box too slow", value=stats.late)
    yield GaugeMetricFamily("sightline_edge_looks_queued", "Looks that wait", value=stats.queued)
    yield GaugeMetricFamily("sightline_edge_looks_oldest_seconds", "Age of the oldest that waits", value=stats.oldest_s)
    yield GaugeMetricFamily("sightline_edge_look_seconds", "How long one look lately took", value=stats.per_look_s)
    yield GaugeMetricFamily("sightline_edge_detector_lanes", "Looks side by side", value=stats.lanes)
    shed = GaugeMetricFamily("sightline_edge_camera_shedding", "1: looks are passed over lately", labels=["camera"])
    late = CounterMetricFamily("sightline_edge_camera_late", "Looks of it that were passed over", labels=["camera"])
    for name, count in stats.cameras.items():
        shed.add_metric([name], float(name in stats.shedding))
        late.add_metric([name], count.late)
    yield from (shed, late)
    info = GaugeMetricFamily("sightline_edge_detector_info", "1", labels=["model", "version", "instructions"])
    info.add_metric([stats.model.name, stats.model.version, stats.instructions], 1.0)
    yield info


def of_outbox(state: Mapping[str, Any]) -> Iterable[Metric]:
    """What deliver says of itself."""
    for key, value in state.items():
        if isinstance(value, int | float):
            yield GaugeMetricFamily(f"sightline_edge_outbox_{key}", f"Deliver: {key}", value=float(value))


def _cpu_s(pid: int) -> float | None:
    """User and system time of a process in seconds (proc(5)); None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_bytes(pid: int) -> float:
    """Proportional set size of a process (proc(5)); 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024.0 for line in lines if line.startswith("Pss:")), 0.0)


__all__ = [
    "STAGES",
    "STATES",
    "cameras_of",
    "of_cameras",
    "of_inference",
    "of_outbox",
    "of_parts",
]
