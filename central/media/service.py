"""Media and what is known of them: an object counts when its bytes are verified *and* the database says so."""

from sqlalchemy.orm import Session

from central.db.database import Database
from central.db.media import Media
from central.media.store import Held, MediaStore
from central.tickets import opening
from contract.events import now


def known(db: Database, store: MediaStore, name: str, edge_id: str) -> Held | None:
    """What is here of `name` for the box `edge_id`.

    An object whose bytes are there and whose row is not (we died between the two) is entered now: otherwise the box
    would be told it is complete, and the case would wait for ever.
    """
    held = store.held(name, edge_id)
    if held is not None and held.complete:
        with db.read() as session:
            entered = session.get(Media, name) is not None
        if not entered:
            enter(db, name, held.size, edge_id)
    return held


def enter(db: Database, name: str, size: int, edge_id: str) -> None:
    """Note a complete object and move on the cases that waited for it. Twice is no error."""
    with db.write() as session:
        _entered(session, name, size, edge_id)
        session.flush()
        opening.media_arrived(session, name)


def _entered(session: Session, name: str, size: int, edge_id: str) -> None:
    row = session.get(Media, name)
    if row is None:
        session.add(Media(sha256=name, size=size, edge_id=edge_id, complete=True, received_at=now()))
    elif not row.complete:
        row.complete, row.size, row.received_at = True, size, now()
