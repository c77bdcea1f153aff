"""What recorders say of themselves, from their heartbeats: for `/healthz` and `/metrics`."""

from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from edge.beats import fresh_beats
from edge.child import Child
from edge.families import Things, counters, states

#: `full`: the camera is there and the disk is not; `refused`: masks cannot be painted, or the picture is too high.
STATES = ("starting", "live", "lost", "full", "refused")
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
    """Figures of every recorded camera whose recorder wrote them lately, whether or not it runs now."""
    found: dict[str, dict[str, Any]] = {}
    for beat in fresh_beats(parts):
        found.update(beat.get("recording", {}))
    return found


def of_recordings(recordings: Things) -> Iterable[Metric]:
    """Metrics with the label `camera`; none where nothing is recorded."""
    if not recordings:
        return
    yield states("recording", "1 for the state of its recording", STATES, recordings, "camera")
    newest = GaugeMetricFamily("sightline_edge_recording_at", "Unix time of the newest picture", labels=["camera"])
    for name, figures in recordings.items():
        newest.add_metric([name], float(figures.get("at", 0)))
    yield newest
    yield from counters("recording", _COUNTERS, recordings, "camera")


__all__ = ["STATES", "of_recordings", "recordings_of"]
