"""What a rule says: decisions, and which moments are worth keeping.

A rule takes scenes in order of time and yields these; deliver alone writes and sends. A decision carries the numbers
that made it, so that `--explain`, the review page and the court's report print the same thing. Stream seconds and
pixels throughout; nothing here knows a clock on the wall.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from contract.events import FactSaid
from edge.frames import Scene

Box = tuple[float, float, float, float]
Number = float | int | str | bool | None


class Outcome(StrEnum):
    """What became of one stay or passage."""

    VIOLATION = "violation"
    CLOSED = "closed"
    CLEARED = "cleared"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Question:
    """A fact that no live source told, the sources that could, and what to ask the reviewer."""

    fact: str
    question: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant and the boxes in it: the vehicle's, and those of pedestrians by track id."""

    t: float
    box: Box
    pedestrians: Mapping[int, Box] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The judgement of one stay or passage of one vehicle at one zone.

    `passage` names it: equal for the same matter however often the box restarts. VIOLATION is made once a passage;
    CLOSED follows for a stay that was accused, with its end in `last`; CLEARED and SUPPRESSED make no event and are
    seen in `--explain` alone. `told` is what sources told of facts (fact -> value), `facts` what the table makes of
    them and of the unknown ones. `reason` is one sentence, `numbers` are the figures that decided (s, m, km/h).
    """

    rule: str
    outcome: Outcome
    passage: str
    zone_id: str
    track_id: int
    vehicle_class: str
    first: Moment
    trigger: Moment | None
    last: Moment
    reason: str
    lane_id: str | None = None
    unknown: tuple[Question, ...] = ()
    suppression: tuple[str, ...] = ()
    pedestrian_ids: tuple[int, ...] = ()
    numbers: Mapping[str, Number] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    track: tuple[tuple[float, Box], ...] = ()
    plate: str | None = None
    color: str | None = None
    ground: str = "estimated"
    how_ended: str | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, FactSaid] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """`needs_human` when a question is open, else `candidate`."""
        return "needs_human" if self.unknown else "candidate"


def told_of(emergency: bool | None, signal: str | None = None) -> dict[str, str]:
    """Facts by what sources told: whether it was an emergency vehicle on task, and the light; None is not told."""
    told = {} if emergency is None else {"emergency_on_task": "yes" if emergency else "no"}
    return told if signal is None else {**told, "signal_state": signal}


@dataclass(frozen=True, slots=True)
class Keep:
    """This instant may become evidence of `passage`: keep its picture on disk until decided or released."""

    passage: str
    moment: str
    t: float
    box: Box


@dataclass(frozen=True, slots=True)
class Release:
    """`passage` will not become a case: its kept pictures may go."""

    passage: str


Saying = Decision | Keep | Release


class Rule(Protocol):
    """Fed scenes in rising time, says what it decided. No clock, no file, no network, no picture."""

    def step(self, scene: Scene) -> Iterator[Saying]:
        """Take one scene. A `t` not above the last is the caller's fault and raises ValueError."""
        ...

    def finish(self) -> Iterator[Saying]:
        """The stream has ended: decide what is open, as of the last scene."""
        ...
