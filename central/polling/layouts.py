"""Saved layouts of the wall: what somebody wants to see again, by name; a chief's may be everybody's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from central.accounts.permissions import Permission
from central.accounts.sessions import SignedInUser
from central.db.duty import WallLayout
from central.tickets.errors import NotAllowed, Unfit

#: Of one person.
MOST: Final = 30
NAME: Final = 40


def of(session: Session, user: SignedInUser) -> Sequence[WallLayout]:
    """Their own and those that are everybody's: own first, by name."""
    query = select(WallLayout).where(or_(WallLayout.user_id == user.id, WallLayout.shared.is_(True)))
    found = session.execute(query.order_by(WallLayout.name, WallLayout.id)).scalars().all()
    return sorted(found, key=lambda one: one.user_id != user.id)


def keep(session: Session, user: SignedInUser, name: str, query: str, shared: bool, now: datetime) -> None:
    """Save it; one of theirs with this name is changed. Raises Unfit, or NotAllowed to share."""
    name = " ".join(name.split())[:NAME]
    if not name:
        raise Unfit("give the layout a name", "layout.name")
    if shared and not user.may(Permission.DUTY_KEEP):
        raise NotAllowed("only a chief gives a layout to everybody", "layout.share")
    theirs = session.execute(select(WallLayout).where(WallLayout.user_id == user.id).with_for_update()).scalars().all()
    row = next((one for one in theirs if one.name == name), None)
    if row is None:
        if len(theirs) >= MOST:
            raise Unfit(f"no more than {MOST} layouts - remove one", "layout.most", most=MOST)
        row = WallLayout(user_id=user.id, name=name, made_at=now)
        session.add(row)
    row.query, row.shared = query, shared
    session.flush()


def remove(session: Session, user: SignedInUser, layout_id: int) -> None:
    """Remove one of theirs; another's, or one that is not there, stays as it is."""
    row = session.get(WallLayout, layout_id)
    if row is not None and row.user_id == user.id:
        session.delete(row)


__all__ = ["MOST", "keep", "of", "remove"]
