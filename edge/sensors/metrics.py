"""What a box's sensors are, from their process's heartbeat: for `/healthz` and `/metrics`."""

from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from edge.beats import fresh_beats
from edge.child import Child
from edge.families import Things, counters, states

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
    for beat in fresh_beats(part for part in parts if part.running):
        found.update(beat.get("sensors", {}))
    return found


def of_sensors(sensors: Things) -> Iterable[Metric]:
    """Metrics with the label `sensor`; none where none is declared."""
    if not sensors:
        return
    yield states("sensor", "1 for the state it is in", STATES, sensors, "sensor")
    value = GaugeMetricFamily("sightline_edge_sensor_value", "Last value judged, in its own unit", labels=["sensor"])
    for name, figures in sensors.items():
        if isinstance(figures.get("value"), int | float):
            value.add_metric([name], float(figures["value"]))
    yield value
    yield from counters("sensor", _COUNTERS, sensors, "sensor")


__all__ = ["STATES", "of_sensors", "sensors_of"]
