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
from central.tickets import deadlines, decisions
from central.tickets.guards import CaseFacts
from central.tickets.states import APPEAL, ENTERED, EXPIRING, NOTIFIED, UPHELD

#: States with a deadline: those that it locks, and those of which somebody is told.
_RECKONED = (*EXPIRING, ENTERED, NOTIFIED, APPEAL, UPHELD)
_MOST = 200


def rounds(db: Database) -> int:
    """Reckon deadlines that are not, then expire all that is late; returns how many were locked."""
    while _batch(db, reckon) == _MOST:
        time.sleep(BETWEEN_S)
    locked = 0
    while (some := _batch(db, expire)) > 0:
        locked += some
        time.sleep(BETWEEN_S)
    return locked


def _batch(db: Database, work: Callable[[Session], int]) -> int:
    with db.write() as session:
        return work(session)


def expire(session: Session, most: int = _MOST) -> int:
    """Lock up to `most` cases whose time has ended; returns how many. Another replica takes others."""
    at = office_now()
    # `sort_at` is the deadline where there is one, and what the queue's index goes by.
    late = (
        select(Case)
        .where(Case.state.in_(EXPIRING), Case.sort_at <= at, Case.due_at <= at)
        .limit(most)
        .with_for_update(of=Case, skip_locked=True)
    )
    cases = session.execute(late).scalars().all()
    for case in cases:
        decisions.system_step(session, case, "expire", known=CaseFacts(due=case.due_at), due=str(case.due_at))
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
        led = "verify" if case.state == APPEAL and case.ground else ""
        deadlines.put(case, deadlines.after(case, case.state, led, case.state_at))
    return len(cases)


__all__ = ["expire", "reckon", "rounds"]
