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
from central.tickets.states import CANDIDATE, REVIEW1, REVIEW2

#: A line that counts a deadline anew, and leads nowhere.
RECKONED: Final = "reckoned"
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
class Answer:
    """What a person said of a fact, by name, when (aware)."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What the history comes to. `*_by` are names, `*_by_id` accounts; `corrected` by what was corrected.

    `due` is the deadline of the step; not `due_told`: the line is of a version that did not write it.
    """

    state: str = CANDIDATE
    due: datetime | None = None
    due_told: bool = False
    first_by: str | None = None
    first_by_id: int | None = None
    decided_by: str | None = None
    decided_by_id: int | None = None
    decided_at: datetime | None = None
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
            now = _due(now, line) if line.action in {"opened", RECKONED} else now
        elif line.action == UNDO_STEP:
            now = replace(before, last=None)
        else:
            before, now = now, _after(now, line)
    return now


def _after(now: Standing, line: Step) -> Standing:
    target = line.to_state or now.state
    due = now.due if now.due_told else None
    now = _due(replace(now, state=target, last=None, due_told=False), line)
    if target == REVIEW1:
        # Whoever looks first looks anew, and vouches for nothing that another one said.
        back = line.from_state == REVIEW2
        now = replace(now, first_by=None, first_by_id=None, answers={} if back else now.answers)
    if line.action == CORRECT:
        return replace(now, corrected={**now.corrected, line.detail["field"]: line.detail["said"]})
    if line.action in {"verify", "appeal"}:
        # What an objection claims was not verified, and what was verified of an earlier one does not count for it.
        return replace(now, ground=line.detail.get("ground") if line.action == "verify" else None)
    if line.action == "two looks" and target == REVIEW2:
        # An earlier version wrote names alone; the line that led here says whose account it was.
        by_id = line.detail.get("by")
        return replace(now, first_by=now.decided_by, first_by_id=by_id, decided_by_id=by_id)
    return _decided(now, line, due) if line.action in _DECIDED else now


def _decided(now: Standing, line: Step, due: datetime | None) -> Standing:
    by_id = line.detail.get("by")
    now = replace(
        now,
        decided_by=line.actor,
        decided_by_id=by_id,
        decided_at=line.at,
        reason=line.detail.get("reason"),
        note=line.detail.get("note") or None,
        answers=_answers(now.answers, line),
    )
    if line.action in DECISIONS:
        now = replace(now, last=Last(line.from_state or "", by_id, line.at, due))
    if line.action == "approve" and (now.state == REVIEW2 or line.from_state == _ONE_LOOK):
        now = replace(now, first_by=line.actor, first_by_id=by_id)
    return now


def _answers(before: Mapping[str, Answer], line: Step) -> Mapping[str, Answer]:
    given = line.detail.get("answers") or {}
    same = {fact: one for fact, one in before.items() if given.get(fact, one.text) == one.text}
    return {**{fact: Answer(text, line.actor, line.at) for fact, text in given.items()}, **same}


def _due(now: Standing, line: Step) -> Standing:
    if "due" not in line.detail:
        return now
    said = line.detail["due"]
    return replace(now, due=datetime.fromisoformat(said) if said else None, due_told=True)


__all__ = ["RECKONED", "Answer", "Standing", "Step", "standing"]
