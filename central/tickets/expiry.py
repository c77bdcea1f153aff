"""Deadlines that nobody waits for: what ran out of time is locked, in batches that replicas share.

A step in time is refused by the table itself (`guards.in_time`), so that nothing depends on when this runs.
"""

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.cases import Case
from central.db.database import BETWEEN_S, Database
from central.tickets import deadlines, decisions, opening
from central.tickets.guards import CaseFacts
from central.tickets.standing import RECKONED
from central.tickets.states import APPEAL, ENTERED, EXPIRING, NOTIFIED, UPHELD
from central.workflow.table import SYSTEM

#: States with a deadline: those that it locks, and those of which somebody is told.
_RECKONED = (*EXPIRING, ENTERED, NOTIFIED, APPEAL, UPHELD)
_MOST = 200


def rounds(db: Database) -> int:
    """Reckon deadlines that are not, or not surely, then expire all that is late; returns how many were locked."""
    while _batch(db, reckon) == _MOST:
        time.sleep(BETWEEN_S)
    _batch(db, reckon_again)
    locked = 0
    while (some := _batch(db, expire)) > 0:
        locked += some
        time.sleep(BETWEEN_S)
    return locked


def _batch(db: Database, work: Callable[[Session], int]) -> int:
    with db.write() as session:
        return work(session)


def expire(session: Session, most: int = _MOST) -> int:
    """Lock up to `most` cases whose time has ended; returns how many. Another replica takes others.

    A time that was counted by a calendar that does not know all of its days locks nothing for good: nobody goes on with
    the case meanwhile (`guards.in_time`), and `reckon_again` tells once the calendar knows.
    """
    at = office_now()
    # `sort_at` is the deadline where there is one, and what the queue's index goes by.
    late = (
        select(Case)
        .where(Case.state.in_(EXPIRING), Case.sort_at <= at, Case.due_at <= at, Case.due_certain.is_(True))
        .limit(most)
        .with_for_update(of=Case, skip_locked=True)
    )
    cases = session.execute(late).scalars().all()
    for case in cases:
        decisions.system_step(session, case, "expire", known=CaseFacts(due=case.due_at))
    return len(cases)


def reckon(session: Session, most: int = _MOST) -> int:
    """Put the deadline of cases that an earlier version opened; returns how many there were."""
    query = (
        select(Case)
        .where(Case.state.in_(_RECKONED), Case.due_certain.is_(None))
        .limit(most)
        .with_for_update(of=Case, skip_locked=True)
    )
    cases = session.execute(query).scalars().all()
    for case in cases:
        decisions.reckoned(case)
    return len(cases)


def reckon_again(session: Session, most: int = _MOST) -> int:
    """Count again the deadlines that have passed and were not sure; returns how many are another."""
    at, changed = office_now(), 0
    query = (
        select(Case)
        .where(Case.state.in_(EXPIRING), Case.sort_at <= at, Case.due_at <= at, Case.due_certain.is_(False))
        .limit(most)
        .with_for_update(of=Case, skip_locked=True)
    )
    for case in session.execute(query).scalars():
        before = case.due_at
        deadlines.anew(case)
        if (case.due_at, case.due_certain) != (before, False):
            opening.log(case, SYSTEM, RECKONED, due=opening.due_of(case))
            changed += 1
    return changed


__all__ = ["expire", "reckon", "reckon_again", "rounds"]
