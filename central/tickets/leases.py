"""Who has a case open: shown to others, so that two do not do the same work. Nobody is kept out by it.

A lease ends by itself after three minutes, is renewed while the page is open, and is given back when it is left. It
forbids nothing: who opens a case that another has open may decide it, and the second decision is refused as ever.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from central.db.accounts import User
from central.db.cases import Case
from central.db.leases import CaseLease
from contract.events import now

#: How long a case counts as open before somebody of whom nothing more is heard.
LIFE = timedelta(minutes=3)
MAX_TAB = 40


def take(session: Session, case_id: int, user_id: int, tab: str) -> None:
    """The case lies open before `user_id` in `tab`, unless it does so before another: who came first keeps it."""
    moment = now()
    held = session.get(CaseLease, case_id)
    if held is None:
        session.add(CaseLease(case_id=case_id, user_id=user_id, tab=tab[:MAX_TAB], until=moment + LIFE))
    elif held.user_id == user_id or held.until <= moment:
        held.user_id, held.tab, held.until = user_id, tab[:MAX_TAB], moment + LIFE


def drop(session: Session, case_id: int, user_id: int, tab: str) -> None:
    """`tab` was closed or went elsewhere. Another tab of the same person that has the case open keeps it."""
    session.execute(
        delete(CaseLease).where(
            CaseLease.case_id == case_id, CaseLease.user_id == user_id, CaseLease.tab == tab[:MAX_TAB]
        )
    )


def holders(session: Session, case_ids: Sequence[int], me: int | None) -> Mapping[int, str]:
    """Names of others than `me` who have these cases open, by case."""
    query = select(CaseLease.case_id, User.name).join(User, User.id == CaseLease.user_id)
    query = query.where(CaseLease.case_id.in_(case_ids), CaseLease.until > now())
    if me is not None:
        query = query.where(CaseLease.user_id != me)
    return dict(session.execute(query).all())


def with_another(me: int) -> ColumnElement[bool]:
    """Holds for cases that somebody else than `me` has open."""
    lease = exists().where(CaseLease.case_id == Case.id, CaseLease.user_id != me, CaseLease.until > now())
    return lease.correlate(Case)


def sweep(session: Session) -> None:
    """Forget those that have ended."""
    session.execute(delete(CaseLease).where(CaseLease.until <= now()))


__all__ = ["LIFE", "drop", "holders", "sweep", "take", "with_another"]
