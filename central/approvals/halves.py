"""A one-time password in two halves: who asks is shown one, who approves the other, its owner is told both.

So neither of the two gets hold of the account alone. Of the first half a hash is kept until the request is over.
"""

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from central.accounts import passwords
from central.approvals.errors import BadRequest
from central.clock import office_now
from central.db.approvals import Approval, ApprovalHalf


def first(session: Session, key: str) -> str:
    """The first half for the request of that number, returned and kept nowhere."""
    row = session.execute(select(Approval).where(Approval.key == key)).scalar_one()
    half = passwords.half()
    session.add(ApprovalHalf(approval_id=row.id, hash=passwords.hash_of(half)))
    session.flush()
    return half


def taken(session: Session, approval_id: int) -> str:
    """The hash of the first half, which is used up by it. Raises BadRequest when there is none any more."""
    gone = delete(ApprovalHalf).where(ApprovalHalf.approval_id == approval_id).returning(ApprovalHalf.hash)
    found = session.execute(gone).scalars().all()
    if not found:
        raise BadRequest("the half that was shown is no longer kept - have it asked for again", "bad.too_old")
    return found[0]


def sweep(session: Session) -> None:
    """Forget those of requests that are over."""
    over = select(Approval.id).where(or_(Approval.state != "waiting", Approval.expires_at <= office_now()))
    session.execute(delete(ApprovalHalf).where(ApprovalHalf.approval_id.in_(over)))


__all__ = ["first", "sweep", "taken"]
