"""Where a case stands, told from its history alone.

The row of a case is this and nothing else: what changes it adds a line first, an undone decision is taken off again by
the line that undoes it, and the audit compares the two. Lines that lead to no state (looks, evidence) change nothing,
but for corrections of what a machine read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from central.tickets.guards import Last
from central.tickets.review import DECISIONS, UNDO_STEP
from central.tickets.states import CANDIDATE, REVIEW1, REVIEW2

CORRECT: str = "correct"
#: Steps of before there were two looks: a person approved outright.
_ONE_LOOK = "REVIEW"
_DECIDED = DECISIONS | {"set aside"}


class Step(Protocol):
    """A line of the history, as the database or a page has it."""

    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def from_state(self) -> str | None: ...
    @property
    def to_state(self) -> str | None: ...
    @property
    def detail(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What the history comes to. `*_by` are names, `*_by_id` accounts; `corrected` by what was corrected.

    `answered` is who gave the answer to a fact, and when.
    """

    state: str = CANDIDATE
    first_by: str | None = None
    first_by_id: int | None = None
    decided_by: str | None = None
    decided_by_id: int | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    note: str | None = None
    ground: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    answered: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    corrected: Mapping[str, str] = field(default_factory=dict)
    last: Last | None = None


def standing(lines: Iterable[Step]) -> Standing:
    """Fold the lines of a case, oldest first."""
    now, before = Standing(), Standing()
    for line in lines:
        if line.action == CORRECT:
            now = replace(now, corrected={**now.corrected, line.detail["field"]: line.detail["said"]})
        elif line.to_state is None:
            continue
        elif line.action == UNDO_STEP:
            # What was corrected meanwhile stays: a correction is undone by another one.
            now = replace(before, corrected=now.corrected, last=None)
        else:
            before, now = now, _after(now, line)
    return now


def _after(now: Standing, line: Step) -> Standing:
    target = line.to_state or now.state
    now = replace(now, state=target, last=None)
    if line.action == "verify":
        return replace(now, ground=line.detail.get("ground"))
    if line.action == "two looks" and target == REVIEW2:
        # An earlier version wrote names alone; the line that led here says whose account it was.
        by_id = line.detail.get("by")
        return replace(now, first_by=now.decided_by, first_by_id=by_id, decided_by_id=by_id)
    if line.action not in _DECIDED:
        return replace(now, first_by=None, first_by_id=None) if target == REVIEW1 else now
    by_id = line.detail.get("by")
    given: Mapping[str, str] = line.detail.get("answers") or {}
    fresh = {fact: (line.actor, line.at) for fact, said in given.items() if now.answers.get(fact) != said}
    now = replace(
        now,
        decided_by=line.actor,
        decided_by_id=by_id,
        decided_at=line.at,
        reason=line.detail.get("reason"),
        note=line.detail.get("note") or None,
        answers={**now.answers, **given},
        answered={**now.answered, **fresh},
    )
    if line.action in DECISIONS:
        now = replace(now, last=Last(line.from_state or "", by_id, line.at))
    return replace(now, **_first_look(line, target))


def _first_look(line: Step, target: str) -> dict[str, Any]:
    """Who took the first look, where this line says it anew."""
    if line.action == "approve" and (target == REVIEW2 or line.from_state == _ONE_LOOK):
        return {"first_by": line.actor, "first_by_id": line.detail.get("by")}
    return {"first_by": None, "first_by_id": None} if target == REVIEW1 else {}


__all__ = ["CORRECT", "Standing", "Step", "standing"]
