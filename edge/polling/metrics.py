"""What is wrong with polling stations' pictures, from heartbeats: for `/healthz` and `/metrics`."""

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from prometheus_client.core import GaugeMetricFamily, Metric

from contract.feedhealth import Check
from edge.beats import fresh_beats
from edge.child import Child
from edge.families import Things, counters

_COUNTERS = {
    "keyframes": "Keyframes whose bytes were read",
    "looks": "Pictures that were decoded and judged",
    "damaged": "Keyframes that the codec refused",
}


def feeds_of(parts: Sequence[Child]) -> dict[str, dict[str, Any]]:
    """Figures of every polling camera that is looked after."""
    found: dict[str, dict[str, Any]] = {}
    for beat in fresh_beats(part for part in parts if part.running):
        found.update(beat.get("feed_health", {}))
    return found


def of_feeds(feeds: Things) -> Iterable[Metric]:
    """Metrics with the label `camera`; none where there is no polling station."""
    if not feeds:
        return
    trouble = GaugeMetricFamily(
        "sightline_edge_feed_trouble", "1 while it is wrong with the picture", labels=["camera", "check"]
    )
    learned = GaugeMetricFamily("sightline_edge_feed_learned", "1 once its picture is learned", labels=["camera"])
    for name, figures in feeds.items():
        for check in get_args(Check):
            trouble.add_metric([name, check], float(check in figures.get("troubles", ())))
        learned.add_metric([name], float(bool(figures.get("learned"))))
    yield from (trouble, learned)
    yield from counters("feed", _COUNTERS, feeds, "camera")


__all__ = ["feeds_of", "of_feeds"]
