"""Troubles of pictures in people's hands: somebody takes one, and says later that it is done, or was none.

What they say is only added to. A trouble itself ends when the box says so; that it was no trouble changes nothing of
what is seen, and is there to be learned from.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.db.marks import TroubleAct
from central.db.polling import FeedTrouble
from central.polling import acts
from central.sites import areas as sites
from central.tickets.errors import CaseMissing, Unfit

LONGEST: Final = 500
#: What can be said: taking needs no word, the others a reason.
TAKEN, DONE, FALSE = "taken", "done", "false"
ACTS: Final = (TAKEN, DONE, FALSE)


def say(session: Session, user: SignedInUser, trouble_id: int, action: str, note: str, now: datetime) -> FeedTrouble:
    """Somebody says it; whoever takes a trouble first has it. Raises CaseMissing, or Unfit."""
    row = session.get(FeedTrouble, trouble_id)
    if row is None or not sites.holds(session, row.site, user.areas):
        raise CaseMissing("there is no such trouble", "trouble.none")
    acts.locked(session, user, row.site)
    session.refresh(row, with_for_update=True)
    note = " ".join(note.split())
    if action not in ACTS or len(note) > LONGEST:
        raise Unfit("a trouble is taken in hand, done, or was none", "trouble.act")
    if action != TAKEN and not note:
        raise Unfit("say what was found", "trouble.reason")
    if action == TAKEN and row.taken_by is not None:
        raise Unfit(f"{row.taken_by} looks after it already", "trouble.taken", who=row.taken_by)
    if row.taken_by is None:
        # Who says what came of it answers for it as well.
        row.taken_by, row.taken_at, row.note = user.name, now, note if action == TAKEN else None
    session.add(TroubleAct(trouble_id=row.id, user_id=user.id, name=user.name, action=action, note=note, at=now))
    acts.note(session, row.site, user, f"trouble {action}", now, trouble=row.id, check=row.kind, note=note)
    return row


def of_troubles(session: Session, troubles: Collection[int]) -> Mapping[int, list[TroubleAct]]:
    """What was said of each, by time."""
    found: dict[int, list[TroubleAct]] = {}
    query = select(TroubleAct).where(TroubleAct.trouble_id.in_(troubles)).order_by(TroubleAct.id)
    for one in session.execute(query).scalars():
        found.setdefault(one.trouble_id, []).append(one)
    return found


__all__ = ["ACTS", "DONE", "FALSE", "LONGEST", "TAKEN", "of_troubles", "say"]
