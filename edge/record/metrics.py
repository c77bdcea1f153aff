"""What recorders say of themselves, from their heartbeats: for `/healthz` and `/metrics`."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge.child import Child
from edge.metrics import FRESH_S, read_json

#: `full`: the camera is there and the disk is not.
STATES = ("starting", "live", "lost", "full")
_COUNTERS = {
    "segments": "Segments that were finished",
    "bytes": "Bytes of them",
    "pictures": "Pictures in them",
    "gaps": "Times that nothing was recorded",
    "lost_s": "Seconds in gaps",
    "losses": "Times the recorder's own link was lost",
    "packets_lost": "RTP packets that never came",
}


def recordings_of(parts: Sequence[Child]) -> dict[str, dict[str, Any]]:
    """Figures of every recorded camera whose recorder is alive."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        if part.heartbeat is not None:
            beat = read_json(part.heartbeat)
            if time.time() - float(beat.get("at", 0)) < FRESH_S:
                found.update(beat.get("recording", {}))
    return found


def of_recordings(recordings: Mapping[str, Mapping[str, Any]]) -> Iterable[Metric]:
    """Metrics with the label `camera`; none where nothing is recorded."""
    if not recordings:
        return
    text = "1 for the state of its recording"
    state = GaugeMetricFamily("sightline_edge_recording_state", text, labels=["camera", "state"])
    newest = GaugeMetricFamily("sightline_edge_recording_at", "Unix time of the newest picture", labels=["camera"])
    for name, figures in recordings.items():
        for one in STATES:
            state.add_metric([name, one], float(figures.get("state") == one))
        newest.add_metric([name], float(figures.get("at", 0)))
    yield from (state, newest)
    for key, text in _COUNTERS.items():
        counter = CounterMetricFamily(f"sightline_edge_recording_{key}", text, labels=["camera"])
        for name, figures in recordings.items():
            counter.add_metric([name], float(figures.get(key, 0)))
        yield counter


__all__ = ["STATES", "of_recordings", "recordings_of"]
