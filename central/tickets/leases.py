"""Who has a case open: shown to others, so that two do not do the same work. Nobody is kept out by it.

A lease ends by itself after three minutes, is renewed while the page is open, and is given back when it is left. It
forbids nothing: who opens a case that another has open may decide it, and the second decision is refused as ever.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
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
    mine = {"user_id": user_id, "tab": tab[:MAX_TAB], "until": moment + LIFE}
    free = (CaseLease.user_id == user_id) | (CaseLease.until <= moment)
    session.execute(update(CaseLease).where(CaseLease.case_id == case_id, free).values(**mine))
    if session.execute(select(CaseLease.case_id).where(CaseLease.case_id == case_id)).first() is None:
        # Another who takes it in this very moment came first; the look that is noted beside must not be lost by it.
        with suppress(IntegrityError), session.begin_nested():
            session.execute(insert(CaseLease).values(case_id=case_id, **mine))


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


def held(session: Session, case_id: int, user_id: int) -> bool:
    """Whether the case lies open before this person just now."""
    query = select(CaseLease.case_id).where(CaseLease.case_id == case_id, CaseLease.user_id == user_id)
    return session.execute(query.where(CaseLease.until > now())).first() is not None


def with_another(me: int) -> ColumnElement[bool]:
    """Holds for cases that somebody else than `me` has open."""
    lease = exists().where(CaseLease.case_id == Case.id, CaseLease.user_id != me, CaseLease.until > now())
    return lease.correlate(Case)


def sweep(session: Session) -> None:
    """Forget those that have ended."""
    session.execute(delete(CaseLease).where(CaseLease.until <= now()))


__all__ = ["LIFE", "drop", "held", "holders", "sweep", "take", "with_another"]
