"""Changes of a made scene that may not change what is decided: mirror, scale, shift, renumber, a distant stranger."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tests.scenes.generate.actors import Actor, Way
from tests.scenes.generate.scene import Made

Point = list[float]
_SHAPES = frozenset({"polygon", "carriageway", "refuge", "stop_line", "centre_line", "image"})


def _placed(site: Any, move: Callable[[Point], Point], key: str = "") -> Any:
    """A site with every point of the picture moved."""
    if isinstance(site, dict):
        return {name: _placed(value, move, name) for name, value in site.items()}
    if key in _SHAPES:
        return [move(point) for point in site]
    if key == "towards":
        return move(site)
    if isinstance(site, list):
        return [_placed(value, move, key) for value in site]
    return site


def _boxes(made: Made, move: Callable[[list[float]], list[float]]) -> list[dict[str, Any]]:
    return [{**line, "objects": [{**one, "box": move(one["box"])} for one in line["objects"]]} for line in made.lines]


def mirrored(made: Made) -> Made:
    """Left is right."""
    width = made.site["cameras"][0]["frame"][0]
    lines = _boxes(made, lambda box: [width - box[2], box[1], width - box[0], box[3]])
    return replace(made, site=_placed(made.site, lambda point: [width - point[0], point[1]]), lines=lines)


def scaled(made: Made, by: float = 1.5) -> Made:
    """The same picture with more or fewer pixels."""
    site = _placed(made.site, lambda point: [by * value for value in point])
    site["cameras"][0]["frame"] = [round(by * side) for side in made.site["cameras"][0]["frame"]]
    return replace(made, site=site, lines=_boxes(made, lambda box: [by * value for value in box]))


def shifted(made: Made, by: float = 7200.0) -> Made:
    """The stream began earlier: every time is later by `by` seconds, at the same wall clock."""
    start = datetime.fromisoformat(made.expect["start"]) - timedelta(seconds=by)
    lines = [{**line, "t": round(line["t"] + by, 3)} for line in made.lines]
    return replace(made, lines=lines, expect={**made.expect, "start": start.isoformat()})


def renumbered(made: Made) -> Made:
    """Other track ids for the same tracks."""
    lines = [
        {**line, "objects": [{**one, "id": 99_991 - 7 * one["id"] % 99_991} for one in line["objects"]]}
        for line in made.lines
    ]
    return replace(made, lines=lines)


def with_stranger(made: Made) -> Made:
    """A car parked and somebody standing far away from the road."""
    assert made.view is not None
    times = np.array([line["t"] for line in made.lines])
    far = Way(np.array([times[0] - 1, times[-1] + 1]), np.array([[22.0, 75.0]] * 2), np.zeros(2))
    beside = Way(far.t, far.xy + np.array([3.0, 0.0]), far.heading)
    added: list[tuple[str, list[float]]] = []
    for kind, way in (("car", far), ("person", beside)):
        box, shown, _ = made.view.boxes(Actor("s", kind, way, "ghost"), times)
        if shown[0] > 0.5:
            added.append((kind, [round(float(value), 1) for value in box[0]]))
    given = any("id" in one for line in made.lines for one in line["objects"])
    strangers = [
        {"class": kind, "box": box, "score": 0.6, **({"id": 900_001 + at} if given else {})}
        for at, (kind, box) in enumerate(added)
    ]
    return replace(made, lines=[{**line, "objects": [*line["objects"], *strangers]} for line in made.lines])
