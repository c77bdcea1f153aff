"""The history of accounts: who did what to whose. Each line enters the ledger (kind `account`)."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.accounts import AccountLog
from contract.events import now

#: Lines that a page shows.
SHOWN = 30


def note(session: Session, user_id: int, actor: str, action: str, **detail: object) -> None:
    """Add a line. `actor` is a person's name, or `cli:<name at the machine>` for who has a shell there."""
    session.add(AccountLog(user_id=user_id, at=now(), actor=actor[:100], action=action, detail=detail))


def latest(session: Session, user_id: int, most: int = SHOWN) -> Sequence[AccountLog]:
    """The newest lines of an account, newest first."""
    query = select(AccountLog).where(AccountLog.user_id == user_id).order_by(AccountLog.id.desc()).limit(most)
    return session.execute(query).scalars().all()


__all__ = ["latest", "note"]
