"""The line about the case that was decided a moment ago, and how long the decision can still be taken back."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from central.accounts.service import SignedInUser
from central.clock import office_now
from central.tickets import queue as cases
from central.tickets.errors import CaseMissing
from central.web.language import Language


@dataclass(frozen=True, slots=True)
class Done:
    """`says` what became of the case; `undo_s` are the seconds left to take it back, 0 when it is final."""

    number: str
    says: str
    undo_s: float


def just_decided(session: Session, number: str | None, user: SignedInUser, say: Language) -> Done | None:
    """What `user` is told of the case numbered `number`; None where there is no such case of theirs."""
    if number is None:
        return None
    try:
        row = cases.found(session, number, areas=user.areas)
    except CaseMissing:
        return None
    own = row.final_at is not None and row.decided_by_id == user.id
    left = (row.final_at - office_now()).total_seconds() if own and row.final_at else 0.0
    says = say("queue.decided", number=number, state=say.known(f"state.{row.state}", row.state))
    return Done(number, says, max(0.0, round(left, 1)))


__all__ = ["Done", "just_decided"]
