"""Families of metrics that cameras, recordings and sensors have alike: one sample a thing, labelled with its name."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

#: What is measured by its name, and its figures as its process wrote them.
Things = Mapping[str, Mapping[str, Any]]


def counters(kind: str, texts: Mapping[str, str], things: Things, label: str) -> Iterator[CounterMetricFamily]:
    """`sightline_edge_{kind}_{key}_total` for each key of `texts` (key -> help); what was never counted is 0."""
    for key, text in texts.items():
        counter = CounterMetricFamily(f"sightline_edge_{kind}_{key}", text, labels=[label])
        for name, figures in things.items():
            counter.add_metric([name], float(figures.get(key, 0)))
        yield counter


def states(kind: str, text: str, known: Iterable[str], things: Things, label: str) -> GaugeMetricFamily:
    """`sightline_edge_{kind}_state`: of the `known` states 1 for the one that a thing is in, 0 for the others."""
    state = GaugeMetricFamily(f"sightline_edge_{kind}_state", text, labels=[label, "state"])
    for name, figures in things.items():
        for one in known:
            state.add_metric([name, one], float(figures.get("state") == one))
    return state


__all__ = ["Things", "counters", "states"]
