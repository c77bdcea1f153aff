"""Domain section D2 applied to the exact truth of a scene: which stays are offences, since when, and when it is proven.

Written from domain.md alone; it shares no code with `edge.rules`. As in `yield_law`, all thresholds can be moved
together for the accused (`lean` -1) or against (`lean` +1), by `MARGINS`; where that changes the verdict the scene is
made anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tests.scenes.generate.actors import Actor
from tests.scenes.generate.kerb import LANE, Area, Kerb

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Margins:
    """How far each threshold of D2 is moved: seconds and share of the wait, share of the footprint, metres, seconds."""

    wait_s: float = 3.0
    wait_share: float = 0.04
    footprint: float = 0.13
    gap_s: float = 25.0
    jam_share: float = 0.1
    jam_s: float = 4.0
    #: Between these shares of it that are shown a vehicle may be found or not (`sensing.Faults`): some judges count it,
    #: in the line of a jam and where the wait is to be proven.
    jam_shown: tuple[float, float] = (0.3, 0.6)
    shown: tuple[float, float] = (0.3, 0.6)


MARGINS = Margins()
#: The jam's thresholds alone are moved: what is left of a difference is when the pause began and ended.
SEEN = 0.5
JAM_ALONE = Margins(wait_s=0.0, wait_share=0.0, footprint=0.0, gap_s=0.0, shown=(SEEN, SEEN))
IN_ZONE, GAP_S, REST_MS = 0.6, 120.0, 0.08
SLOW_MS, PASSES_MS, JAM_S, JAM_SHARE, JAM_LEAST = 3 / 3.6, 5 / 3.6, 20.0, 0.6, 3
#: A move shorter than the first is no move, one longer than the second is one for any judge [m].
SAME_PLACE_M, MOVED_M = 0.12, 1.2
FOUR_WHEELS = frozenset({"car", "bus", "truck"})


class Hours(Protocol):
    """Whether the zone is in force at stream second t."""

    def __call__(self, t: float) -> bool: ...


@dataclass(frozen=True)
class Rest:
    """A standstill: from `begin` to `end` [s] at `xy` with `heading`; `seen` are its sightings (T,)."""

    begin: float
    end: float
    xy: tuple[float, float]
    heading: float
    seen: Array


@dataclass(frozen=True)
class Offence:
    """A stay that outlasts the wait: first standing instant that counts, the sighting that proves it, its end."""

    vehicle: Actor
    t_first: float
    t_trigger: float
    t_end: float
    paused_s: float


@dataclass(frozen=True)
class Case:
    """What the law needs to know: the place, who is there, the frames, and how much of each vehicle is shown in each."""

    kerb: Kerb
    actors: Sequence[Actor]
    times: Array
    hours: Hours
    shown: dict[str, Array]
    margins: Margins = MARGINS


class UnclearError(Exception):
    """The truth is too near a threshold for any judge."""


def rests(case: Case, vehicle: Actor, lean: int = 0) -> list[Rest]:
    """The standstills of a vehicle, small nudges joined. Raises UnclearError for a move that is neither."""
    way = vehicle.way
    still = way.speed < REST_MS
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(int)))
    found: list[Rest] = []
    # For the accused it is seen only where it is surely found.
    shown = case.times[case.shown[vehicle.name] >= _least(case.margins.shown, -lean)]
    for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        begin = max(float(way.t[first]), float(case.times[0]))
        end = min(float(way.t[after - 1]), float(case.times[-1]))
        if end - begin < 1.0:
            continue
        x, y = way.xy[(first + after - 1) // 2]
        if found:
            moved = float(np.hypot(x - found[-1].xy[0], y - found[-1].xy[1]))
            if moved < SAME_PLACE_M:
                begin = found.pop().begin
            elif moved < MOVED_M:
                raise UnclearError(f"{vehicle.name} moved {moved:.2f} m")
        mine = shown[(shown >= begin) & (shown <= end)]
        found.append(Rest(begin, end, (float(x), float(y)), float(way.heading[first]), mine))
    return found


def offences(case: Case, lean: int) -> list[Offence]:
    """Every stay in the zone that outlasts what it permits."""
    found = []
    for vehicle in case.actors:
        if vehicle.kind not in FOUR_WHEELS or vehicle.role != "vehicle" or vehicle.facts.get("emergency"):
            continue
        if case.kerb.zone.type == "bus_stop" and vehicle.kind == "bus":
            continue
        offence = _first_offence(case, vehicle, lean)
        if offence is not None:
            found.append(offence)
    return found


def _first_offence(case: Case, vehicle: Actor, lean: int) -> Offence | None:
    """One event a stay: the first rest that outlasts the wait."""
    for rest in rests(case, vehicle, lean):
        if not _counts(case, vehicle, rest, lean):
            continue
        offence = _outlasts(case, vehicle, rest, lean)
        if offence is not None:
            return offence
    return None


def _counts(case: Case, vehicle: Actor, rest: Rest, lean: int) -> bool:
    length, width, _ = vehicle.dimensions
    share = case.kerb.zone.share(rest.xy, rest.heading, length, width)
    if share < IN_ZONE - lean * case.margins.footprint:
        return False
    legal = [area for area in case.kerb.areas if area.type in {"parking_bay", "queue_area"}]
    return not any(area.share(rest.xy, rest.heading, length, width) >= 0.5 + lean * 0.15 for area in legal)


def _outlasts(case: Case, vehicle: Actor, rest: Rest, lean: int) -> Offence | None:
    """Walk over the sightings of a rest: the clock begins anew at waking and after a gap too long to bridge."""
    wait = case.kerb.wait_s - lean * (case.margins.wait_s + case.margins.wait_share * case.kerb.wait_s)
    clock: float | None = None
    last: float | None = None
    for t in rest.seen.tolist():
        if not case.hours(t):
            clock, last = None, t
            continue
        if last is not None and t - last > GAP_S + lean * case.margins.gap_s:
            clock = None
            clock = t
        if clock is None:
            clock = rest.begin if last is None and case.hours(rest.begin) else _woke(case, last or rest.begin, t)
        last = t
        paused = _paused(case, clock, t, lean)
        if t - clock - paused >= wait:
            return Offence(vehicle, clock, t, rest.end, paused)
    return None


def _woke(case: Case, asleep: float, awake: float) -> float:
    """When the zone came into force, between a sighting before and one after; to a tenth of a second."""
    while awake - asleep > 0.1:
        middle = (asleep + awake) / 2
        if case.hours(middle):
            awake = middle
        else:
            asleep = middle
    return awake


def _paused(case: Case, begin: float, end: float, lean: int) -> float:
    """Seconds of [begin, end] in which the running lane beside the zone stands in a jam."""
    jam = jammed(case, lean)
    step = 0.5
    grid = np.arange(begin, end, step)
    return float(np.interp(grid, jam[0], jam[1].astype(float)).round().sum() * step) if len(grid) else 0.0


_JAMS: dict[tuple[int, int], tuple[Array, Flags]] = {}


def jammed(case: Case, lean: int) -> tuple[Array, Flags]:
    """(instants, whether the lane is jammed): >= 60 % of >= 3 vehicles outside every named polygon stand (< 3 km/h) and
    none passed at > 5 km/h for 20 s; the pause then begins when the last one stopped or passed."""
    key = (id(case.actors), lean)
    if key in _JAMS:
        return _JAMS[key]
    grid = np.arange(case.times[0], case.times[-1], 0.5)
    standing, count, passing = np.zeros(len(grid)), np.zeros(len(grid)), np.zeros(len(grid), bool)
    for vehicle in case.actors:
        if vehicle.role != "vehicle" or vehicle.kind not in FOUR_WHEELS:
            continue
        places = vehicle.way.places(grid)
        speed = np.interp(grid, vehicle.way.t, vehicle.way.speed)
        runs, slow = ~np.isnan(places[:, 0]) & _running(case.kerb, places), speed < SLOW_MS
        # For the accused: who stands counts however little is shown of it, who drives only when it is surely seen.
        stands_there = runs & slow & _shown(case, vehicle, grid, lean)
        drives_there = runs & ~slow & _shown(case, vehicle, grid, -lean)
        count += stands_there.astype(float) + drives_there
        standing += stands_there
        passing |= drives_there & (speed > PASSES_MS)
    stands = (count >= JAM_LEAST) & (standing >= (JAM_SHARE + lean * case.margins.jam_share) * count) & ~passing
    jam = np.zeros(len(grid), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stands, [False]]).astype(int)))
    for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if (after - first) * 0.5 >= JAM_S + lean * case.margins.jam_s:
            jam[first:after] = True
    _JAMS.clear()
    _JAMS[key] = (grid, jam)
    return grid, jam


def _running(kerb: Kerb, places: Array) -> Flags:
    """In the running lane beside the zone (all vehicles where no lanes are drawn), outside every named polygon."""
    x, y = places[:, 0], places[:, 1]
    inside = (x > LANE[0]) & (x < LANE[1]) if kerb.drawn_lanes else np.ones(len(x), bool)
    for area in kerb.areas:
        inside = inside & ~_within(area, x, y)
    return inside


def _within(area: Area, x: Array, y: Array) -> Flags:
    x0, y0, x1, y1 = area.rectangle
    found: Flags = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    return found


def _shown(case: Case, vehicle: Actor, grid: Array, lean: int) -> Flags:
    found: Flags = np.interp(grid, case.times, case.shown[vehicle.name]) >= _least(case.margins.jam_shown, lean)
    return found


def _least(shares: tuple[float, float], lean: int) -> float:
    """The share that must be shown: the lesser for who counts the half-hidden (-1), the larger for who does not."""
    return {-1: shares[0], 0: SEEN, 1: shares[1]}[lean]
