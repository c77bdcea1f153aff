"""Where a case stands, told from its history alone.

The row of a case is this and nothing else: what changes it adds a line first, an undone decision is taken off again by
the line that undoes it, and the audit compares the two. Lines that lead to no state (looks, evidence) change nothing,
but for a deadline that they tell.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

from central.tickets.guards import Last
from central.tickets.review import CORRECT, DECISIONS, UNDO_STEP
from central.tickets.states import ARCHIVED, CANDIDATE, CLOSED, CONFIRMED, REVIEW1, REVIEW2

#: A line that counts a deadline anew, and leads nowhere.
RECKONED: Final = "reckoned"
#: Steps of before there were two looks: a person approved outright.
_ONE_LOOK = "REVIEW"
_DECIDED = DECISIONS | {"set aside"}
#: Lines that lead nowhere and tell a deadline.
_TELLS = frozenset({"opened", RECKONED})


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
class Answer:
    """What a person said of a fact, by name, when (aware)."""

    text: str
    by: str
    at: datetime


@dataclass(slots=True)
class Standing:
    """What the history comes to. `*_by` are names, `*_by_id` accounts; `corrected` by what was corrected.

    `due` is the deadline of the step; not `due_told`: the line is of a version that did not write it. `rests` is the
    state, but for an archived case the one in which it was put away; `approved`: two people said that it is so and it
    was not looked at anew since, whatever became of it; `cancelled_by` took the record back.
    """

    state: str = CANDIDATE
    rests: str = CANDIDATE
    due: datetime | None = None
    due_told: bool = False
    first_by: str | None = None
    first_by_id: int | None = None
    decided_by: str | None = None
    decided_by_id: int | None = None
    decided_at: datetime | None = None
    approved: bool = False
    cancelled_by: str | None = None
    reason: str | None = None
    note: str | None = None
    ground: str | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    corrected: Mapping[str, str] = field(default_factory=dict)
    last: Last | None = None


def standing(lines: Iterable[Step]) -> Standing:
    """Fold the lines of a case, oldest first."""
    now, before = Standing(), Standing()
    for line in lines:
        if line.to_state is None:
            if line.action in _TELLS:
                _due(now, line)
        elif line.action == UNDO_STEP:
            now = replace(before, last=None)
        else:
            if line.action in DECISIONS:
                before = replace(now)
            _step(now, line, line.to_state)
    return now


def _step(now: Standing, line: Step, target: str) -> None:
    due = now.due if now.due_told else None
    now.state, now.last, now.due_told = target, None, False
    _due(now, line)
    if target != ARCHIVED:
        now.rests, now.approved = target, target in CONFIRMED or (now.approved and target in CLOSED)
    if line.action == "cancel":
        now.cancelled_by = line.actor
    if target == REVIEW1:
        # Whoever looks first looks anew, and vouches for nothing that another one said.
        now.first_by = now.first_by_id = None
        if line.from_state == REVIEW2:
            now.answers = {}
    if line.action in _DECIDED:
        _decided(now, line, due)
    elif line.action == CORRECT:
        now.corrected = {**now.corrected, line.detail["field"]: line.detail["said"]}
    elif line.action in {"verify", "appeal"}:
        # What an objection claims was not verified, and what was verified of an earlier one does not count for it.
        now.ground = line.detail.get("ground") if line.action == "verify" else None
    elif line.action == "two looks" and target == REVIEW2:
        # An earlier version wrote names alone; the line that led here says whose account it was.
        now.first_by, now.first_by_id = now.decided_by, line.detail.get("by")
        now.decided_by_id = now.first_by_id


def _decided(now: Standing, line: Step, due: datetime | None) -> None:
    now.decided_by, now.decided_by_id, now.decided_at = line.actor, line.detail.get("by"), line.at
    now.reason, now.note = line.detail.get("reason"), line.detail.get("note") or None
    if given := line.detail.get("answers"):
        now.answers = _answers(now.answers, given, line)
    if line.action in DECISIONS:
        now.last = Last(line.from_state or "", now.decided_by_id, line.at, due)
    if line.action == "approve" and (now.state == REVIEW2 or line.from_state == _ONE_LOOK):
        now.first_by, now.first_by_id = line.actor, now.decided_by_id


def _answers(before: Mapping[str, Answer], given: Mapping[str, str], line: Step) -> Mapping[str, Answer]:
    same = {fact: one for fact, one in before.items() if given.get(fact, one.text) == one.text}
    return {**{fact: Answer(text, line.actor, line.at) for fact, text in given.items()}, **same}


def _due(now: Standing, line: Step) -> None:
    if "due" in line.detail:
        said = line.detail["due"]
        now.due, now.due_told = datetime.fromisoformat(said) if said else None, True


__all__ = ["RECKONED", "Answer", "Standing", "Step", "standing"]
