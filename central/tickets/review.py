"""The review of a candidate, as a table (domain section B5, its first steps).

A machine accuses nobody: only an officer's `approve` leads to APPROVED, and nothing leads there while evidence is on
its way or a question is open.
"""

from dataclasses import dataclass
from typing import Final

from central.accounts.permissions import ROLE_MAY, Permission
from central.workflow.engine import Workflow
from central.workflow.table import SYSTEM, Doing, Transition

CANDIDATE: Final = "CANDIDATE"
REVIEW: Final = "REVIEW"
APPROVED: Final = "APPROVED"
REJECTED: Final = "REJECTED"

#: Reject codes of domain section B5.
REASONS: Final = {
    "R01": "plate unreadable",
    "R02": "wrong plate",
    "R03": "facts not shown",
    "R04": "time or place missing",
    "R05": "queue or jam",
    "R06": "emergency vehicle",
    "R07": "officer directing",
    "R08": "signal or marking unclear or contradictory",
    "R09": "pedestrian not crossing",
    "R10": "legal bay or loading",
    "R11": "driver moved on at once",
    "R12": "duplicate",
    "R13": "avoiding an accident or breakdown",
    "R14": "integrity failed",
    "R15": "clock",
    "R16": "other",
}
#: The code that says nothing by itself.
OTHER: Final = "R16"
#: Codes of facts for which a case is set aside; those of other facts are OTHER, with the fact as the note.
SET_ASIDE: Final = {"emergency_on_task": "R06", "officer_directing": "R07"}


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the guards look at. `unanswered` names the facts still open, `reason` and `note` what the officer gave.

    `suppressed` names facts that a plate read later told, and for which nobody would have been accused.
    """

    manifest: bool = False
    missing_media: int = 0
    sealed: bool = False
    unanswered: tuple[str, ...] = ()
    suppressed: tuple[str, ...] = ()
    reason: str | None = None
    note: str = ""


def _manifest_there(facts: CaseFacts, _: Doing) -> str | None:
    return None if facts.manifest else "the evidence manifest has not arrived yet"


def _media_there(facts: CaseFacts, _: Doing) -> str | None:
    return f"{facts.missing_media} of its pictures or clips are still on their way" if facts.missing_media else None


def _sealed(facts: CaseFacts, _: Doing) -> str | None:
    return None if facts.sealed else "the seal of its events does not hold"


def _free(facts: CaseFacts, _: Doing) -> str | None:
    return f"its vehicle is exempt: {', '.join(facts.suppressed)}" if facts.suppressed else None


def _exempt(facts: CaseFacts, _: Doing) -> str | None:
    return None if facts.suppressed else "nothing exempts its vehicle"


def _answered(facts: CaseFacts, _: Doing) -> str | None:
    if not facts.unanswered:
        return None
    return f"answer first what no machine could tell: {', '.join(facts.unanswered)}"


def _reason_given(facts: CaseFacts, _: Doing) -> str | None:
    if facts.reason not in REASONS:
        return f"a rejection needs a reason code {next(iter(REASONS))} to {OTHER}"
    if facts.reason == OTHER and not facts.note.strip():
        return f"{OTHER} (other) needs a note that says what it was"
    return None


_SYSTEM = frozenset({SYSTEM})
#: Whoever may decide cases; reviewers are officers, too.
_OFFICER = frozenset({"officer", *ROLE_MAY[Permission.CASES_DECIDE]})

TABLE: Final[tuple[Transition[CaseFacts], ...]] = (
    Transition("evidence complete", CANDIDATE, REVIEW, _SYSTEM, (_manifest_there, _media_there, _sealed, _free)),
    Transition("approve", REVIEW, APPROVED, _OFFICER, (_answered,)),
    Transition("reject", REVIEW, REJECTED, _OFFICER, (_reason_given,)),
    Transition("set aside", CANDIDATE, REJECTED, _SYSTEM, (_manifest_there, _sealed, _exempt)),
)

WORKFLOW: Final = Workflow(CANDIDATE, TABLE)
