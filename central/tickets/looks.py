"""Who looked at what of a case, and why: one line a look, with the stills that it showed.

A page is one look with all of its stills. What is fetched beside it (a download, a clip that is played, a still asked
for by its address alone) keeps a line of its own.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from central.clock import office_now
from central.db.accounts import ViewLog
from central.db.cases import Case

#: For how long a page counts as the one that what follows belongs to. Stills that it shows are asked for at once.
_OF_THE_PAGE = timedelta(minutes=10)
_Value = TypeVar("_Value")


class Why(StrEnum):
    """How a page came before somebody. A page fetched ahead may never have been seen: `shown` says that it was."""

    OPENED = "opened"
    PREFETCHED = "prefetch"
    SHOWN = "shown"


def page(session: Session, case_id: int, user_id: int, why: Why, media: Sequence[str]) -> None:
    """Note the page of a case with the stills `media` on it (SHA-256)."""
    session.add(ViewLog(at=office_now(), user_id=user_id, case_id=case_id, sha256=None, why=why, media=list(media)))


def shown(session: Session, case_id: int, user_id: int) -> None:
    """Note that the page which this person was given last, ahead of time, is in sight now, with what it has on it."""
    query = _by(ViewLog.media, user_id, None).where(ViewLog.case_id == case_id, ViewLog.why == Why.PREFETCHED)
    media = session.execute(query.order_by(ViewLog.id.desc()).limit(1)).scalar_one_or_none()
    if media is not None:
        page(session, case_id, user_id, Why.SHOWN, media)


def shown_on_page(session: Session, number: str, user_id: int, sha256: str) -> bool:
    """Whether a page that this person was given just now had this still on it, so that its line is written."""
    query = _lately(_by(ViewLog.media, user_id, None)).join(Case, Case.id == ViewLog.case_id)
    # The latest look is nearly always the one.
    query = query.where(Case.number == number).order_by(ViewLog.id.desc())
    return any(sha256 in (media or ()) for media in session.execute(query).scalars())


def fetched_lately(session: Session, number: str, user_id: int, sha256: str) -> bool:
    """Whether a line of its own says that this person has begun to fetch that still or clip of the case just now."""
    query = _lately(_by(ViewLog.id, user_id, sha256)).join(Case, Case.id == ViewLog.case_id)
    return _any(session, query.where(Case.number == number))


def given_lately(session: Session, case_id: int, user_id: int, since: datetime) -> bool:
    """Whether this person was given the page just now, and as it has stood from `since` on: that is one look."""
    query = _lately(_by(ViewLog.id, user_id, None)).where(ViewLog.case_id == case_id, ViewLog.at >= since)
    return _any(session, query)


def seen(session: Session, case_id: int, user_id: int, since: datetime) -> bool:
    """Whether this person had the page of the case in sight at `since` (aware) or later; fetched ahead is not."""
    query = _by(ViewLog.id, user_id, None).where(ViewLog.case_id == case_id, ViewLog.at >= since)
    return _any(session, query.where(or_(ViewLog.why.is_(None), ViewLog.why != Why.PREFETCHED)))


def _by(column: InstrumentedAttribute[_Value], user_id: int, sha256: str | None) -> Select[_Value]:
    """Of the looks of a person: at that still or clip by itself, or (None) at pages."""
    return select(column).where(ViewLog.user_id == user_id, ViewLog.sha256 == sha256)


def _lately(query: Select[_Value]) -> Select[_Value]:
    return query.where(ViewLog.at > office_now() - _OF_THE_PAGE)


def _any(session: Session, query: Select[int]) -> bool:
    return session.execute(query.limit(1)).first() is not None


__all__ = ["Why", "fetched_lately", "given_lately", "page", "seen", "shown", "shown_on_page"]
