"""What waits and would wait in silence: second looks that nobody may take, and cases whose evidence does not come.

Neither is in anybody's list of what to do, so that only the log would tell that they ran out of time. One line for all
of a kind, never one for each case.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from central.clock import office_now
from central.db.accounts import User, UserArea, UserRole
from central.db.cases import Case
from central.db.sites import Site
from central.sites.areas import EVERYWHERE, within
from central.tickets.queue import MOST_COUNTED
from central.tickets.review import WORKFLOW
from central.tickets.states import CANDIDATE, REVIEW2

#: Evidence is complete within this time, where everything runs (domain B5).
COMPLETE_WITHIN: Final = timedelta(seconds=60)
#: Roles that take the second look.
_SECOND: Final = sorted(
    {role for rule in WORKFLOW.rows if (rule.source, rule.action) == (REVIEW2, "approve") for role in rule.by}
)
#: So many boxes are named.
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Stranded:
    """`count` second looks at sites in `area` (None: not registered) that nobody but `first`, who took the first, may
    take; `due` is when the first of them runs out of time, None where nothing limits it. Counted to MOST_COUNTED.
    """

    area: str | None
    first: str
    count: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Late:
    """`count` cases whose evidence is not complete, the oldest received at `since`, of these boxes (the first few)."""

    count: int
    since: datetime
    edges: tuple[str, ...]


def stranded(session: Session, areas: Collection[str] = EVERYWHERE) -> list[Stranded]:
    """Second looks in `areas` that wait for somebody whom there is not, those that run out of time first in front."""
    waiting = (
        select(Case.first_by_id, Case.first_by, Case.due_at, Site.area)
        .outerjoin(Site, Site.site == Case.site)
        .where(Case.state == REVIEW2, *within(Case.site, areas))
        .order_by(Case.sort_at)
        .limit(MOST_COUNTED)
        .subquery()
    )
    given = aliased(UserArea)
    role = exists().where(UserRole.user_id == User.id, UserRole.role.in_(_SECOND))
    everywhere = ~exists().where(UserArea.user_id == User.id)
    there = exists().where(given.user_id == User.id, given.area == waiting.c.area)
    open_to = exists().where(
        User.disabled_at.is_(None), User.id != func.coalesce(waiting.c.first_by_id, 0), role, or_(everywhere, there)
    )
    query = (
        select(waiting.c.area, waiting.c.first_by, func.count(), func.min(waiting.c.due_at))
        .where(~open_to)
        .group_by(waiting.c.area, waiting.c.first_by)
        .order_by(func.min(waiting.c.due_at), waiting.c.area)
    )
    return [Stranded(area, first or "", count, due) for area, first, count, due in session.execute(query)]


def late(session: Session, areas: Collection[str] = EVERYWHERE) -> Late | None:
    """Cases in `areas` whose evidence should be here, counted to MOST_COUNTED; None where there is none."""
    since = office_now() - COMPLETE_WITHIN
    some = (
        select(Case.edge_id, Case.created_at)
        .where(Case.state == CANDIDATE, Case.created_at < since, *within(Case.site, areas))
        .order_by(Case.sort_at)
        .limit(MOST_COUNTED)
        .subquery()
    )
    query = select(some.c.edge_id, func.count(), func.min(some.c.created_at)).group_by(some.c.edge_id)
    found = sorted(session.execute(query).all(), key=lambda one: one[2])
    if not found:
        return None
    return Late(sum(count for _, count, _ in found), found[0][2], tuple(edge for edge, _, _ in found[:_NAMED]))


__all__ = ["COMPLETE_WITHIN", "Late", "Stranded", "late", "stranded"]
