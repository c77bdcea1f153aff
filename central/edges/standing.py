"""Whether somebody is shut out, for a broker that asks and reads no list of revoked certificates."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.edges import Certificate, Edge
from contract.events import now
from contract.topics import IDENTIFIER


def shut_out(session: Session, name: str) -> bool:
    """Whether `name`, a user at the broker (its certificate's common name), is to be let do nothing there.

    A box that was revoked, and whoever has certificates of which none holds any longer. Of a name that central never
    gave it knows nothing, and says no: the broker's own list has the last word.
    """
    if not IDENTIFIER.fullmatch(name):
        return False
    edge = session.get(Edge, name)
    if edge is not None and edge.revoked_at is not None:
        return True
    these = select(Certificate.revoked_at).where(Certificate.name == name, Certificate.expires_at > now())
    ends = session.execute(these).scalars().all()
    return bool(ends) and None not in ends


__all__ = ["shut_out"]
