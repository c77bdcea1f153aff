"""What a box's sensors are, from their process's heartbeat: for `/healthz` and `/metrics`."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge.child import Child
from edge.metrics import FRESH_S, read_json

STATES = ("calm", "raised", "silent", "unstable")
_COUNTERS = {
    "readings": "Readings that were believed",
    "late": "Of these, those no newer than the last one judged",
    "refused": "Readings that were not believed",
    "dropped": "Messages of a flood that were never looked at, for Sparkplug those of its node",
}


def sensors_of(parts: Sequence[Child]) -> dict[str, dict[str, Any]]:
    """Figures of every declared sensor whose process is alive."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        if part.heartbeat is not None and part.running:
            beat = read_json(part.heartbeat)
            if time.time() - float(beat.get("at", 0)) < FRESH_S:
                found.update(beat.get("sensors", {}))
    return found


def of_sensors(sensors: Mapping[str, Mapping[str, Any]]) -> Iterable[Metric]:
    """Metrics with the label `sensor`; none where none is declared."""
    if not sensors:
        return
    state = GaugeMetricFamily("sightline_edge_sensor_state", "1 for the state it is in", labels=["sensor", "state"])
    value = GaugeMetricFamily("sightline_edge_sensor_value", "Last value judged, in its own unit", labels=["sensor"])
    for name, figures in sensors.items():
        for one in STATES:
            state.add_metric([name, one], float(figures.get("state") == one))
        if isinstance(figures.get("value"), int | float):
            value.add_metric([name], float(figures["value"]))
    yield from (state, value)
    for key, text in _COUNTERS.items():
        counter = CounterMetricFamily(f"sightline_edge_sensor_{key}", text, labels=["sensor"])
        for name, figures in sensors.items():
            counter.add_metric([name], float(figures.get(key, 0)))
        yield counter


__all__ = ["STATES", "of_sensors", "sensors_of"]
