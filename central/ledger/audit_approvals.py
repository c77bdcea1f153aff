"""Whether requests are what their histories say, and were decided by two: the ledger vouches for the lines."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.accounts import User
from central.db.approvals import Approval

_DECIDING = ("approved", "refused")


def approvals(session: Session) -> Iterator[str]:
    """State, contents and people of every request against its lines."""
    names: dict[int, str] = dict(session.execute(select(User.id, User.name)).all())
    for row in session.execute(select(Approval).order_by(Approval.id)).scalars():
        yield from (f"request {row.key}: {fault}" for fault in _request(row, names))


def _request(row: Approval, names: dict[int, str]) -> Iterator[str]:
    if not row.history:
        yield "has no history: it was put in by hand"
        return
    asked, last = row.history[0], row.history[-1]
    if (asked.detail.get("kind"), asked.detail.get("what"), asked.detail.get("reason")) != (
        row.kind, row.what, row.reason,
    ):  # fmt: skip
        yield "asks for something else than was asked for: it was changed"
    if asked.actor != names.get(row.asked_by):
        yield f"names {names.get(row.asked_by)} for who asked, and its history {asked.actor}"
    if row.state != last.to_state:
        yield f"is {row.state}, and its history ends in {last.to_state}: it was changed by hand"
    decided = next((line.actor for line in row.history if line.action in _DECIDING), None)
    if decided != names.get(row.decided_by or 0):
        yield f"names {names.get(row.decided_by or 0, 'nobody')} for who decided, and its history {decided or 'nobody'}"
    if decided is not None and decided == asked.actor:
        yield "was decided by who asked for it"


__all__ = ["approvals"]
