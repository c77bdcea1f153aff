"""Which cases wait, in which order: the queue of a state and the cases around one of them."""

import re

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from central.db.cases import Case
from central.tickets import showing
from central.tickets.errors import CaseMissing, Unfit
from central.tickets.review import APPROVED, REJECTED, REVIEW, WORKFLOW
from central.tickets.views import QueuePage

MAX_PAGE = 200
_NUMBER = re.compile(r"\d{8}-\d{4,9}")
#: Decided cases are read newest first; what waits, oldest first: it is nearest to its deadline.
_NEWEST_FIRST = frozenset({APPROVED, REJECTED})


def queue(session: Session, *, state: str = REVIEW, limit: int = 50, after: str | None = None) -> QueuePage:
    """Cases in `state`, `limit` of them behind the case numbered `after`. Raises Unfit for a state there is not."""
    if state not in WORKFLOW.states:
        raise Unfit(f"there is no state {state[:40]!r} - choose one of {', '.join(WORKFLOW.states)}")
    size = max(1, min(limit, MAX_PAGE))
    query = _ordered(state).limit(size + 1)
    if after is not None:
        query = _behind(query, state, found(session, after))
    cases = list(session.execute(query).scalars())
    page = cases[:size]
    return QueuePage(
        state=state,
        items=showing.lines(session, page),
        next=page[-1].number if len(cases) > size else None,
        counts=counts(session),
    )


def counts(session: Session) -> dict[str, int]:
    """How many cases are in each state."""
    by_state = dict(session.execute(select(Case.state, func.count()).group_by(Case.state)).all())
    return {state: by_state.get(state, 0) for state in WORKFLOW.states}


def neighbours(session: Session, row: Case) -> tuple[str | None, str | None]:
    """Numbers of the cases before and behind `row` in the queue of its state."""
    behind = session.execute(_behind(_ordered(row.state), row.state, row).limit(1)).scalar_one_or_none()
    before = session.execute(_behind(_ordered(row.state, back=True), row.state, row, back=True).limit(1))
    first = before.scalar_one_or_none()
    return first.number if first else None, behind.number if behind else None


def found(session: Session, number: str, lock: bool = False) -> Case:
    """The row of a case, locked when it is to be changed. Raises CaseMissing."""
    row = None
    if _NUMBER.fullmatch(number):
        query = select(Case).where(Case.number == number)
        row = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if row is None:
        raise CaseMissing(f"there is no case {number[:20]!r}")
    return row


def _ordered(state: str, back: bool = False) -> Select[Case]:
    query = select(Case).where(Case.state == state)
    if (state in _NEWEST_FIRST) != back:
        return query.order_by(Case.at_trigger.desc(), Case.number.desc())
    return query.order_by(Case.at_trigger, Case.number)


def _behind(query: Select[Case], state: str, row: Case, back: bool = False) -> Select[Case]:
    same = Case.at_trigger == row.at_trigger
    if (state in _NEWEST_FIRST) != back:
        return query.where((Case.at_trigger < row.at_trigger) | (same & (Case.number < row.number)))
    return query.where((Case.at_trigger > row.at_trigger) | (same & (Case.number > row.number)))


__all__ = ["MAX_PAGE", "counts", "found", "neighbours", "queue"]
