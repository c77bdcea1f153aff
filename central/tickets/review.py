"""The review of a candidate, as a table (domain section B5).

A machine accuses nobody: two different people say that it is so before a case is APPROVED, in time, and none of them
answers an objection to it. A deadline of the review that passes locks the case.
"""

from typing import Final

from central.accounts.permissions import ROLE_MAY, Permission
from central.accounts.roles import Role
from central.tickets.guards import (
    CaseFacts,
    another_person,
    answered,
    compared,
    exempt,
    extensible,
    failed,
    free,
    ground_given,
    in_time,
    kept,
    late,
    manifest_there,
    media_there,
    neither_judge,
    not_extended,
    not_told,
    not_upheld,
    not_verified,
    noted,
    own_and_just_now,
    passed,
    reason_given,
    sealed,
    seen,
    settled,
    told,
    verified,
)
from central.tickets.states import (
    APPEAL,
    APPROVED,
    ARCHIVED,
    CANCELLED,
    CANDIDATE,
    ENTERED,
    EXPIRED,
    HANDLED,
    NEEDS_MORE,
    NOTIFIED,
    PRECHECK,
    REJECTED,
    REVIEW1,
    REVIEW2,
    UPHELD,
)
from central.workflow.engine import Workflow
from central.workflow.table import SYSTEM, Transition

_SYSTEM = frozenset({SYSTEM})
_FIRST: Final = frozenset(map(str, (Role.REVIEWER, Role.CHIEF)))
_SECOND: Final = frozenset(map(str, (Role.SECOND_REVIEWER, Role.CHIEF)))
_CHIEF: Final = frozenset({str(Role.CHIEF)})
#: Everybody who may decide cases.
_DESK: Final = frozenset(map(str, ROLE_MAY[Permission.CASES_DECIDE]))
_EITHER = _SYSTEM | _DESK

UNDO_STEP: Final = "undo"
CORRECT: Final = "correct"
_LOOKED = (seen, settled, in_time)

TABLE: Final[tuple[Transition[CaseFacts], ...]] = (
    Transition("evidence complete", CANDIDATE, PRECHECK, _SYSTEM, (manifest_there, media_there, sealed, free), "first"),
    Transition("set aside", CANDIDATE, REJECTED, _SYSTEM, (manifest_there, sealed, exempt)),
    Transition("passed", PRECHECK, REVIEW1, _SYSTEM, (passed,), "first"),
    Transition("hold", PRECHECK, NEEDS_MORE, _SYSTEM, (failed,), "first"),
    # The two looks.
    Transition("approve", REVIEW1, REVIEW2, _FIRST, (*_LOOKED, answered), "first"),
    Transition("reject", REVIEW1, REJECTED, _FIRST, (*_LOOKED, reason_given), "first"),
    Transition("ask", REVIEW1, NEEDS_MORE, _FIRST, (*_LOOKED, noted), "first"),
    Transition("resume", NEEDS_MORE, REVIEW1, _FIRST, (*_LOOKED, noted), "first"),
    Transition("reject", NEEDS_MORE, REJECTED, _FIRST, (*_LOOKED, reason_given), "first"),
    Transition("approve", REVIEW2, APPROVED, _SECOND, (another_person, *_LOOKED, answered, compared), "second"),
    Transition("reject", REVIEW2, REJECTED, _SECOND, (another_person, *_LOOKED, reason_given), "second"),
    # What a person reads otherwise than the machine; in the second look both look anew.
    Transition(CORRECT, REVIEW1, REVIEW1, _FIRST, _LOOKED),
    Transition(CORRECT, NEEDS_MORE, NEEDS_MORE, _FIRST, _LOOKED),
    Transition(CORRECT, REVIEW2, REVIEW1, _SECOND, (another_person, *_LOOKED), "second"),
    Transition("send back", REVIEW2, REVIEW1, _SECOND, (another_person, *_LOOKED, noted), "second"),
    # Each decision of a look can be taken back for a moment, by who made it.
    Transition(UNDO_STEP, REVIEW2, REVIEW1, _FIRST, (own_and_just_now(REVIEW1),)),
    Transition(UNDO_STEP, REJECTED, REVIEW1, _FIRST, (own_and_just_now(REVIEW1),)),
    Transition(UNDO_STEP, NEEDS_MORE, REVIEW1, _FIRST, (own_and_just_now(REVIEW1),)),
    Transition(UNDO_STEP, REVIEW1, NEEDS_MORE, _FIRST, (own_and_just_now(NEEDS_MORE),)),
    Transition(UNDO_STEP, REJECTED, NEEDS_MORE, _FIRST, (own_and_just_now(NEEDS_MORE),)),
    Transition(UNDO_STEP, APPROVED, REVIEW2, _SECOND, (own_and_just_now(REVIEW2),)),
    Transition(UNDO_STEP, REJECTED, REVIEW2, _SECOND, (own_and_just_now(REVIEW2),)),
    Transition(UNDO_STEP, REVIEW1, REVIEW2, _SECOND, (own_and_just_now(REVIEW2),)),
    # What the deadline of its step found undone.
    Transition("expire", CANDIDATE, EXPIRED, _SYSTEM, (late,)),
    Transition("expire", PRECHECK, EXPIRED, _SYSTEM, (late,)),
    Transition("expire", REVIEW1, EXPIRED, _SYSTEM, (late,)),
    Transition("expire", NEEDS_MORE, EXPIRED, _SYSTEM, (late,)),
    Transition("expire", REVIEW2, EXPIRED, _SYSTEM, (late,)),
    Transition("expire", APPROVED, EXPIRED, _SYSTEM, (late,)),
    # After approval.
    Transition("enter", APPROVED, ENTERED, _DESK, (settled, in_time), "entered"),
    Transition("notify", ENTERED, NOTIFIED, _EITHER, (), "notified"),
    # Who objected before the letter was sent is told all the same, and nothing is dealt with that nobody was told of.
    Transition("notify", APPEAL, APPEAL, _EITHER, (not_told,)),
    Transition("notify", UPHELD, NOTIFIED, _EITHER, (not_told,)),
    Transition("handle", NOTIFIED, HANDLED, _DESK, (), "handled"),
    # An investigation may need longer than the party's thirty days: a chief says why, once.
    Transition("extend", NOTIFIED, NOTIFIED, _CHIEF, (noted, extensible, not_extended)),
    Transition("appeal", ENTERED, APPEAL, _EITHER, (not_upheld,)),
    Transition("appeal", NOTIFIED, APPEAL, _EITHER, (not_upheld,)),
    Transition("appeal", HANDLED, APPEAL, _EITHER, (not_upheld,)),
    Transition("verify", APPEAL, APPEAL, _DESK, (neither_judge, not_verified, ground_given), "answer"),
    Transition("cancel", APPEAL, CANCELLED, _DESK, (neither_judge, verified), "answer"),
    Transition("uphold", APPEAL, UPHELD, _DESK, (neither_judge, noted), "answer"),
    Transition("handle", UPHELD, HANDLED, _DESK, (told,), "handled"),
    Transition("archive", HANDLED, ARCHIVED, _SYSTEM, (kept,)),
    Transition("archive", UPHELD, ARCHIVED, _SYSTEM, (kept,)),
    Transition("archive", CANCELLED, ARCHIVED, _SYSTEM, (kept,)),
    Transition("archive", REJECTED, ARCHIVED, _SYSTEM, (settled, kept)),
    Transition("archive", EXPIRED, ARCHIVED, _SYSTEM, (kept,)),
)

WORKFLOW: Final = Workflow(CANDIDATE, TABLE)
#: What a person decides in a look. It can be undone, and nothing else can.
DECISIONS: Final = frozenset({"approve", "reject", "send back", "ask", "resume"})

__all__ = ["CORRECT", "DECISIONS", "TABLE", "UNDO_STEP", "WORKFLOW", "CaseFacts"]
