"""How often somebody may fail before having to wait. Kept in the database, so that every replica counts together."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from central.db.accounts import Attempt

WINDOW = timedelta(minutes=15)


def failures(session: Session, key: str, now: datetime) -> int:
    """Failures of `key` within the window."""
    query = select(func.count()).select_from(Attempt).where(Attempt.key == key[:200], Attempt.at > now - WINDOW)
    return session.execute(query).scalar_one()


def failed(session: Session, key: str, now: datetime) -> None:
    """Remember one failure."""
    session.add(Attempt(key=key[:200], at=now))


def forgive(session: Session, key: str) -> None:
    """A success takes the failures of `key` away."""
    session.execute(delete(Attempt).where(Attempt.key == key[:200]))


def sweep(session: Session, now: datetime) -> None:
    """Forget failures that limit nobody any more."""
    session.execute(delete(Attempt).where(Attempt.at <= now - WINDOW))
