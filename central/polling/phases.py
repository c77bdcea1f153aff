"""The phases of a polling station on its day (domain E2.2), and in which order they follow. Pure.

Markers are only added. One that is wrong is corrected by another, which says what is right or that nothing was; what
stands is what no other marker corrects.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """What a station is at, in order."""

    INSTALL = "install"
    REHEARSAL = "rehearsal"
    SEALED = "sealed"
    VOTING = "voting"
    CLOSE = "close"
    SEALING = "sealing"
    TRANSPORT = "transport"
    OPENING = "opening"
    COUNT = "count"
    RESULT = "result"
    OFF = "off"


#: What may follow what without a reason; None is a station of which nothing is marked. Where the count is at the
#: station itself, nothing is transported.
FOLLOWS: Final[Mapping[Phase | None, frozenset[Phase]]] = {
    None: frozenset({Phase.INSTALL}),
    Phase.INSTALL: frozenset({Phase.REHEARSAL}),
    Phase.REHEARSAL: frozenset({Phase.SEALED}),
    Phase.SEALED: frozenset({Phase.VOTING}),
    Phase.VOTING: frozenset({Phase.CLOSE}),
    Phase.CLOSE: frozenset({Phase.SEALING}),
    Phase.SEALING: frozenset({Phase.TRANSPORT, Phase.OPENING}),
    Phase.TRANSPORT: frozenset({Phase.OPENING}),
    Phase.OPENING: frozenset({Phase.COUNT}),
    Phase.COUNT: frozenset({Phase.RESULT}),
    Phase.RESULT: frozenset({Phase.OFF}),
    Phase.OFF: frozenset(),
}
#: Which markers begin and end a planned window (contract.polling.Window).
WINDOWS: Final[Mapping[str, tuple[Phase, Phase]]] = {
    "rehearsal": (Phase.REHEARSAL, Phase.SEALED),
    "voting": (Phase.VOTING, Phase.CLOSE),
    "transport": (Phase.TRANSPORT, Phase.OPENING),
    "count": (Phase.COUNT, Phase.RESULT),
}


@dataclass(frozen=True, slots=True)
class Marker:
    """A phase began at `at`; None as `phase` takes the marker that it `corrects` away. `id` rises with each."""

    id: int
    phase: Phase | None
    at: datetime
    corrects: int | None = None


def standing(markers: Iterable[Marker]) -> list[Marker]:
    """What no other corrects and is no taking away, by time."""
    known = list(markers)
    wrong = {one.corrects for one in known}
    return sorted((one for one in known if one.id not in wrong and one.phase), key=lambda one: (one.at, one.id))


def current(markers: Iterable[Marker], now: datetime) -> Marker | None:
    """The phase that a station is at; None before the first marker."""
    begun = [one for one in standing(markers) if one.at <= now]
    return begun[-1] if begun else None


def in_order(markers: Sequence[Marker], phase: Phase, at: datetime) -> bool:
    """Whether `phase` at `at` fits between what stands before it and after it."""
    there = standing(markers)
    before = next((one.phase for one in reversed(there) if one.at <= at), None)
    after = next((one.phase for one in there if one.at > at), None)
    return phase in FOLLOWS[before] and (after is None or after in FOLLOWS[phase])


def expected(markers: Iterable[Marker]) -> Phase | None:
    """The phase that comes next; None after the last."""
    there = standing(markers)
    follows = FOLLOWS[there[-1].phase if there else None]
    return next((one for one in Phase if one in follows), None)


__all__ = ["FOLLOWS", "WINDOWS", "Marker", "Phase", "current", "expected", "in_order", "standing"]
