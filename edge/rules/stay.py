"""One stay of one vehicle: from coming to rest in a zone until it has left, and the clocks that count its wait.

    MOVING -> STOPPED -> DWELL -> EVIDENCE -> CLOSED        (domain D2)

A stay is one stay however often it shuffles or is hidden; a clock starts again when the vehicle has moved, when the
zone wakes, or when it was out of sight for too long. The counted wait is stream time between the clock's start and
the last sighting that proves standing, less the pauses of the jam veto.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge.rules.boxes import areas
from edge.rules.decision import Box, Moment
from edge.rules.kerb import Standing
from edge.rules.rest import Rest
from edge.rules.vehicle import Vehicle

Array = NDArray[np.float64]


class State(StrEnum):
    """How far a stay has got. MOVING is a vehicle without a stay, CLOSED one that is no longer kept."""

    STOPPED = "stopped"
    DWELL = "dwell"
    EVIDENCE = "evidence"


@dataclass(slots=True)
class Clock:
    """The wait in one zone. `t_first` is None while the zone sleeps; `t_looked` is when it was last set."""

    t_first: float | None
    t_looked: float


@dataclass(slots=True)
class Stay:
    """A vehicle standing in or at parking zones since `t_first`. Times are stream seconds, boxes pixels.

    `passage` is empty until the stay has lasted long enough to be told of. `t_moving` is when it was seen to have
    moved off its anchor, `t_end` the last instant at which it provably stood before; None while it stands.
    """

    vehicle: Vehicle
    rest: Rest
    standing: Standing
    t_first: float
    passage: str = ""
    clocks: dict[int, Clock] = field(default_factory=dict)
    accused_in: int | None = None
    first: Moment | None = None
    trigger: Moment | None = None
    t_moving: float | None = None
    t_end: float | None = None
    kept_at: float | None = None
    spaced: bool = False
    proven_s: float = 0.0
    shuffles: int = 0
    asleep: bool = False
    same_case: str | None = None
    permitted: bool = False

    @property
    def accused(self) -> bool:
        """Whether its violation has been said."""
        return self.trigger is not None

    @property
    def state(self) -> State:
        """How far it has got."""
        if self.accused:
            return State.EVIDENCE
        return State.STOPPED if not self.passage else State.DWELL

    @property
    def zones(self) -> tuple[int, ...]:
        """The numbers of the zones that it touches."""
        return tuple(number for number, _ in self.standing.shares)

    @property
    def t_last(self) -> float:
        """The last instant at which it provably stood."""
        return self.rest.t_last if self.t_end is None else self.t_end

    def share(self, number: int) -> float:
        """Share of its footprint in that zone."""
        return dict(self.standing.shares).get(number, 0.0)

    def trail_since(self, t: float) -> list[tuple[float, Array]]:
        """Standing sightings from `t` on, thinned; at least the last one."""
        found = [point for point in self.rest.trail if point[0] >= t - 1e-6]
        return found or self.rest.trail[-1:]

    def stretches(self, t: float) -> list[list[tuple[float, Array]]]:
        """The trail since `t`, parted where more or less of the vehicle began to be seen."""
        parts: list[list[tuple[float, Array]]] = [[] for _ in range(len(self.rest.seams) + 1)]
        for point in self.trail_since(t):
            parts[bisect_right(self.rest.seams, point[0])].append(point)
        return [part for part in parts if part]

    def most_shown(self, t: float) -> Array:
        """Its box (4,) as it stands since `t`, taken where most of it was shown: that one tells its footprint."""
        medians = [np.median([box for _, box in part], axis=0) for part in self.stretches(t)]
        return max(medians, key=lambda box: float(areas(box[None])[0]))

    def resume(self, vehicle: Vehicle, rest: Rest) -> None:
        """It stands on its old anchor again: what looked like moving off was none."""
        old = self.rest
        old.t_last, old.t_hint = rest.t_last, rest.t_hint
        old.longest_gap_s = max(old.longest_gap_s, rest.t_first - self.t_last)
        old.sightings += rest.sightings
        old.standing_now, old.outside = rest.standing_now, 0
        old.outside_since = old.t_off = None
        for t, box in rest.trail:
            old.add_trail(t, box)
        vehicle.rest = old
        self.t_moving = self.t_end = None

    def shuffle(self, vehicle: Vehicle, rest: Rest, standing: Standing) -> None:
        """It stands elsewhere in the zone: the same stay, another wait."""
        self.vehicle, self.rest, self.standing = vehicle, rest, standing
        self.t_moving = self.t_end = None
        self.shuffles += 1
        if not self.accused:
            self.clocks.clear()

    def permit(self, t: float, permitted: bool) -> bool:
        """Parking is, or no longer is, permitted where it stands: the wait begins at its end. True when it began anew.

        The first sighting after the end counts as the beginning, so that nothing permitted is ever charged.
        """
        if not permitted and not self.permitted:
            return False
        self.permitted = permitted
        for clock in self.clocks.values():
            clock.t_first = None if clock.t_first is None else t
        return True

    def creep(self, t: float) -> None:
        """The wait showed a slow drift: it did not stand all the time, and the clocks begin again."""
        for clock in self.clocks.values():
            clock.t_first = None if clock.t_first is None else t
        self.shuffles += 1


def as_box(box: Array) -> Box:
    """A box as plain floats, rounded to a hundredth of a pixel."""
    x1, y1, x2, y2 = (round(float(value), 2) for value in box)
    return (x1, y1, x2, y2)
