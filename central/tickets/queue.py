"""Which cases wait, in which order: the queue of a state, the cases around one of them, and the one to do next.

Every query seeks in an index of `cases` that begins with the state and goes on in the order shown
(`central.tickets.seeking`): how long it takes does not depend on how many cases there are.
"""

import re
from collections.abc import Collection

from sqlalchemy import Select, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.cases import Case
from central.db.sites import Site
from central.sites.areas import EVERYWHERE, within
from central.tickets import leases, seeking, showing
from central.tickets.among import ALL, Among
from central.tickets.errors import CaseMissing, Unfit
from central.tickets.review import WORKFLOW
from central.tickets.states import CLOSED, REVIEW1, REVIEW2
from central.tickets.views import QueuePage

MAX_PAGE = 200
#: Nobody counts further than this: more than a person does in a week are "999+".
MOST_COUNTED = 1000
#: More sites than these are found by their address alone.
MOST_SITES = 200
_NUMBER = re.compile(r"\d{8}-\d{4,9}")


def queue(
    session: Session,
    *,
    state: str = REVIEW1,
    limit: int = 50,
    after: str | None = None,
    among: Among = ALL,
    me: int | None = None,
) -> QueuePage:
    """Cases in `state`, `limit` of them behind the case numbered `after`; `me` is not told of what lies before `me`.

    Raises Unfit for a state there is not.
    """
    if state not in WORKFLOW.states:
        english = f"there is no state {state[:40]!r} - choose one of {', '.join(WORKFLOW.states)}"
        raise Unfit(english, "queue.state", state=state[:40])
    size = max(1, min(limit, MAX_PAGE))
    more = [] if after is None else [seeking.behind(state, found(session, after, areas=among.areas))]
    cases = list(session.execute(seeking.first(session, state, among, size + 1, *more)).scalars())
    page = cases[:size]
    return QueuePage(
        state=state,
        items=showing.lines(session, page, me),
        next=page[-1].number if len(cases) > size else None,
        counts=counts(session, among.areas),
    )


def counts(session: Session, areas: Collection[str] = EVERYWHERE) -> dict[str, int]:
    """How many cases of `areas` wait in each state in which cases wait, counted to MOST_COUNTED and no further."""
    states = [state for state in WORKFLOW.states if state not in CLOSED]
    parts = [_counted(session, state, areas) for state in states]
    found: dict[str, int] = dict(session.execute(union_all(*parts)).all())
    return {state: found.get(state, 0) for state in states}


def questions(session: Session, areas: Collection[str] = EVERYWHERE) -> int:
    """How many cases wait for a first look with a question that only a person can answer, counted as `counts` does."""
    asking = seeking.some(session, REVIEW1, Among(verdict="needs_human", areas=frozenset(areas)), MOST_COUNTED)
    return session.execute(select(func.count()).select_from(asking.subquery())).scalar_one()


def areas_of(session: Session, areas: Collection[str] = EVERYWHERE) -> list[str]:
    """The areas that the register of sites knows, of those of who asks."""
    query = select(Site.area).distinct().order_by(Site.area).limit(MOST_SITES)
    return list(session.execute(query.where(Site.area.in_(areas)) if areas else query).scalars())


def _counted(session: Session, state: str, areas: Collection[str]) -> Select[str, int]:
    some = seeking.some(session, state, Among(areas=frozenset(areas)), MOST_COUNTED)
    return select(literal(state), func.count()).select_from(some.subquery())


def sites_of(session: Session, state: str, areas: Collection[str] = EVERYWHERE) -> list[str]:
    """The sites of the cases in a state, in order, with one step in the index for each."""
    least = select(func.min(Case.site).label("site")).where(Case.state == state).cte("walked", recursive=True)
    further = select(func.min(Case.site)).where(Case.state == state, Case.site > least.c.site).correlate(least)
    walk = least.union_all(select(further.scalar_subquery()).where(least.c.site.is_not(None)))
    query = select(walk.c.site).where(walk.c.site.is_not(None), *within(walk.c.site, areas)).limit(MOST_SITES)
    return list(session.execute(query).scalars())


def neighbours(session: Session, row: Case, among: Among = ALL) -> tuple[str | None, str | None]:
    """Numbers of the cases before and behind `row` in the queue of its state."""
    before = seeking.behind(row.state, row, back=True)
    return (
        _number(session, seeking.first(session, row.state, among, 1, before, back=True)),
        _number(session, seeking.first(session, row.state, among, 1, seeking.behind(row.state, row))),
    )


def next_of(session: Session, state: str, behind: str | None, me: int, among: Among = ALL) -> str | None:
    """The number of the case to do next: behind the one numbered `behind`, else the first of all; None when none is.

    What somebody else has open is passed over, and what is not `me`'s to do: a second look at what `me` looked at
    first, and a decision that may still be taken back.
    """
    free = [~leases.with_another(me), or_(Case.final_at.is_(None), Case.final_at <= office_now())]
    if state == REVIEW2:
        free.append(or_(Case.first_by_id.is_(None), Case.first_by_id != me))
    if behind is not None:
        row = found(session, behind, areas=among.areas)
        free.append(Case.id != row.id)
        onward = seeking.first(session, state, among, 1, *free, seeking.behind(state, row))
        if (number := _number(session, onward)) is not None:
            return number
    return _number(session, seeking.first(session, state, among, 1, *free))


def state_of(session: Session, number: str, areas: Collection[str] = EVERYWHERE) -> str | None:
    """The state of a case and nothing else of it; None where there is no such case in `areas`."""
    if not _NUMBER.fullmatch(number):
        return None
    query = select(Case.state).where(Case.number == number, *within(Case.site, areas))
    return session.execute(query).scalar_one_or_none()


def found(session: Session, number: str, lock: bool = False, areas: Collection[str] = EVERYWHERE) -> Case:
    """The row of a case in `areas`, locked when it is to be changed. Raises CaseMissing."""
    row = None
    if _NUMBER.fullmatch(number):
        query = select(Case).where(Case.number == number, *within(Case.site, areas))
        row = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if row is None:
        raise CaseMissing(f"there is no case {number[:20]!r}", "case.none", number=number[:20])
    return row


def _number(session: Session, query: Select[Case]) -> str | None:
    return session.execute(query.with_only_columns(Case.number)).scalar_one_or_none()


__all__ = [
    "ALL",
    "MAX_PAGE",
    "MOST_COUNTED",
    "Among",
    "areas_of",
    "counts",
    "found",
    "neighbours",
    "next_of",
    "questions",
    "queue",
    "sites_of",
    "state_of",
]
