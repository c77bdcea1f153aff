"""A script: the takes of a stream, the order in which they make its loop, and what the box must find in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.stream import Planted

#: Draws the picture of a second of the take; the number of the frame seeds the sensor's noise.
Draw = Callable[[float, int], Picture]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the two long takes of a kerb are, s, and in which order a loop shows the takes."""

    flow_s: float
    stand_s: float
    kerb: tuple[str, ...]
    zebra: tuple[str, ...]
    empty_s: float


#: The county: a loop of ten minutes with one stay; at a zebra somebody could meet a vehicle a quarter of the time.
COUNTY = Pace(
    48.0,
    48.0,
    (*["flow"] * 5, "arrive", "stand", "stand", "leave", *["flow"] * 5),
    ("empty", "yields", "empty", "offends"),
    26.0,
)
#: For CI: the same takes, shorter, and only what must be found.
SHORT = Pace(16.0, 16.0, ("flow", "flow", "arrive", "stand", "stand", "leave", "flow"), ("empty", "offends"), 16.0)


@dataclass(frozen=True, slots=True)
class Take:
    """A piece of film of whole groups of pictures. It begins and ends on a quiet moment."""

    name: str
    seconds: float
    draw: Draw


@dataclass(frozen=True, slots=True)
class Script:
    """All that makes a stream. `camera` is a camera of a site file without id and url."""

    name: str
    kind: Literal["parking", "yield"]
    source: str
    camera: dict[str, Any]
    takes: list[Take]
    playlist: list[str]
    planted: list[Planted]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something planted, in seconds of the take in which it begins and of that in which it ends."""

    rule: Literal["illegal_parking", "failure_to_yield"]
    zone_id: str
    begins: tuple[str, float]
    ends: tuple[str, float]


def planted(mark: Mark, playlist: list[str], seconds: dict[str, float]) -> list[Planted]:
    """Every time that the loop shows `mark`: its end is looked for from each beginning on."""
    starts = [sum(seconds[name] for name in playlist[:index]) for index in range(len(playlist))]
    found = []
    for index, name in enumerate(playlist):
        if name != mark.begins[0]:
            continue
        end = next(later for later in range(index, len(playlist)) if playlist[later] == mark.ends[0])
        begins, ends = starts[index] + mark.begins[1], starts[end] + mark.ends[1]
        found.append(Planted(mark.rule, mark.zone_id, round(begins, 2), round(ends, 2)))
    return found
