"""The next certificate of a box that is in: asked over HTTP with its sealing key, so that nobody has to visit it.

The request itself is signed with that key: a token that somebody overheard gets nobody a certificate.
"""

from sqlalchemy.orm import Session

from central.ca import certificates
from central.ca.certificates import Issuer
from central.ca.requests import RequestRefused
from central.db.database import Database
from central.db.edges import Edge
from contract.enrolment import renewal_statement
from contract.errors import SealError
from contract.events import now
from contract.sealing import import_public, verify_detached


def ask(session: Session, edge_id: str) -> None:
    """Have a box renew its certificate when it next asks. Raises ValueError when there is no such box, or it is out."""
    edge = session.get(Edge, edge_id)
    if edge is None or edge.revoked_at is not None:
        raise ValueError(f"no box {edge_id[:64]!r} is in")
    edge.renew_asked_at = now()


def asked(session: Session, edge_id: str) -> bool:
    """Whether the box is to renew before its time."""
    edge = session.get(Edge, edge_id)
    return edge is not None and edge.renew_asked_at is not None


def renew(db: Database, ca: Issuer, edge_id: str, request: str, proof: str) -> str:
    """The next certificate (PEM) of a box that was recognised. Raises RequestRefused.

    The one before holds until it runs out - the box may die before it has the new one on disk - unless a person asked
    for the change: then it may have been stolen, and holds no longer.
    """
    with db.write() as session:
        edge = session.get_one(Edge, edge_id)
        try:
            verify_detached(renewal_statement(edge_id, request), proof, import_public(edge.public_jwk))
        except SealError as error:
            raise RequestRefused("the request is not signed with the box's key", 403) from error
        made = ca.sign(session, edge_id, request, edge.renew_asked_at)
        if edge.renew_asked_at is not None:
            certificates.revoke(session, edge_id, certificates.EDGE, but=made)
            edge.renew_asked_at = None
    ca.try_to_publish(db)
    return made


__all__ = ["ask", "asked", "renew"]
