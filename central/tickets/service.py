"""What officers see of cases: the queue, one case, its stills. What they decide is in `central.tickets.decisions`.

Each function works within the transaction of the `session` it is given (`Database.read()`) and raises
`central.tickets.errors.TicketError` with a sentence and a status.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.service import SignedInUser
from central.db.cases import CaseMedia
from central.db.deletions import Deletion
from central.db.media import Media
from central.tickets import showing
from central.tickets.errors import CaseMissing, TicketError
from central.tickets.queue import ALL, MAX_PAGE, Among, counts, found, neighbours, queue
from central.tickets.views import CaseView, MediaItem, QueuePage


def case(session: Session, number: str, user: SignedInUser | None, among: Among = ALL) -> CaseView:
    """Everything that is known of one case, and what `user` (None: nobody) may do with it.

    Its neighbours are those of the queue of `among`. Raises CaseMissing.
    """
    row = found(session, number)
    before, behind = neighbours(session, row, among)
    return showing.whole(session, row, user, before, behind)


def media_of(session: Session, number: str, sha256: str) -> MediaItem:
    """The still or clip `sha256` of case `number`. Raises CaseMissing when it is not named there or not here yet."""
    row = found(session, number)
    query = select(CaseMedia).where(CaseMedia.case_id == row.id, CaseMedia.sha256 == sha256[:64]).limit(1)
    named = session.execute(query).scalar_one_or_none()
    if named is None:
        raise CaseMissing(f"case {row.number} names no such still or clip", "media.none", number=row.number)
    stored = session.get(Media, named.sha256)
    if stored is None and session.execute(select(Deletion.id).where(Deletion.sha256 == named.sha256).limit(1)).first():
        raise CaseMissing(
            f"this still or clip of case {row.number} was deleted when its time had ended",
            "media.deleted",
            number=row.number,
        )
    if stored is None or not stored.complete:
        raise CaseMissing(
            f"this still or clip of case {row.number} has not arrived yet", "media.on_its_way", number=row.number
        )
    return showing.item(named, ready=True)


__all__ = ["MAX_PAGE", "CaseView", "QueuePage", "TicketError", "case", "counts", "media_of", "neighbours", "queue"]
