"""Storing an admitted event once, and bringing its case up to it."""

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.edges import Edge, EdgeKey
from central.db.events import Event
from central.ingest import chain
from central.ingest.admit import Admitted, Key, Refused
from central.tickets import opening
from contract.events import now
from contract.sealing import sha256_hex

Outcome = Literal["stored", "duplicate"]


def key_of(session: Session, edge_id: str, kid: str) -> Key | None:
    """The key `kid` of a box, retired ones included: what waited in the outbox when the box changed its key counts."""
    edge = session.get(Edge, edge_id)
    if edge is None:
        return None
    key = session.get(EdgeKey, kid) if kid else None
    if key is None or key.edge_id != edge_id:
        return Key(kid, None, edge.revoked_at is not None)
    return Key(kid, dict(key.public_jwk), edge.revoked_at is not None or key.revoked_at is not None)


def store(session: Session, admitted: Admitted, raw: bytes, jws: str) -> Outcome:
    """Store the event and assemble its case. A second arrival changes nothing.

    Raises Refused when the id was used for other bytes.
    """
    held = session.get(Event, admitted.event.id)
    if held is not None:
        if held.sha256 != sha256_hex(raw) or held.edge_id != admitted.edge_id:
            raise Refused("an event of this id with other bytes is here already")
        return "duplicate"
    first = _first_of_matter(session, admitted)
    row = _row(admitted, raw, jws, first)
    row.chain_state = chain.state_of(session, row)
    session.add(row)
    session.flush()
    chain.link(session, row)
    session.flush()
    if first is not None:
        return "duplicate"
    if row.case_key is not None:
        opening.assemble(session, row.edge_id, row.case_key)
    return "stored"


def _first_of_matter(session: Session, admitted: Admitted) -> Event | None:
    """The event that said the same before: a box that restarted may decide a matter again under another id."""
    if admitted.case_key is None:
        return None
    query = select(Event).where(
        Event.edge_id == admitted.edge_id,
        Event.case_key == admitted.case_key,
        Event.type == admitted.event.type,
    )
    return session.execute(query).scalar_one_or_none()


def _row(admitted: Admitted, raw: bytes, jws: str, first: Event | None) -> Event:
    return Event(
        id=admitted.event.id,
        edge_id=admitted.edge_id,
        camera_id=admitted.camera_id,
        type=admitted.event.type,
        case_key=None if first else admitted.case_key,
        duplicate_of=first.id if first else None,
        camera_seq=admitted.camera_seq,
        chain_id=admitted.chain.id,
        chain_seq=admitted.chain.seq,
        chain_prev=admitted.chain.prev,
        sha256=sha256_hex(raw),
        raw=raw,
        jws=jws,
        kid=admitted.kid,
        sealed=True,
        at=admitted.event.time,
        received_at=now(),
    )
