"""Media and what is known of them: an object counts when its bytes are verified *and* the database says so."""

from collections.abc import Callable

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from central.db.database import Database
from central.db.media import Media, fence
from central.media import quota
from central.media.store import Held, MediaStore
from central.tickets import opening
from contract.events import now


def known(db: Database, store: MediaStore, name: str, edge_id: str) -> Held | None:
    """What is here of `name` for the box `edge_id`.

    An object whose bytes are there and whose row is not (we died between the two) is entered now: otherwise the box
    would be told it is complete, and the case would wait for ever. Raises UploadError as the store does.
    """
    held = store.held(name, edge_id)
    if held is not None and held.complete:
        with db.read() as session:
            entered = session.get(Media, name) is not None
        if not entered and not enter_found(db, store, name, edge_id):
            return None
    return held


def enter(db: Database, name: str, size: int, edge_id: str) -> None:
    """Note a complete object that has just arrived and move on the cases that waited for it. Twice is no error."""
    _behind_fence(db, name, edge_id, lambda: size)


def enter_found(db: Database, store: MediaStore, name: str, edge_id: str) -> bool:
    """The same for an object that lay in the store without a row; False when a sweep has taken it away meanwhile."""
    # Looked at behind the fence: nobody can take it away between the look and the row.
    return _behind_fence(db, name, edge_id, lambda: store.size(name))


def _behind_fence(db: Database, name: str, edge_id: str, look: Callable[[], int | None]) -> bool:
    try:
        return _enter(db, name, edge_id, look)
    except IntegrityError:
        # Another replica, or a sweep, entered the same bytes between our look and our row: now it is there.
        return _enter(db, name, edge_id, look)


def _enter(db: Database, name: str, edge_id: str, look: Callable[[], int | None]) -> bool:
    with db.write() as session:
        fence(session.connection(), alone=False)
        size = look()
        if size is None:
            return False
        _entered(session, name, size, edge_id)
    return True


def _entered(session: Session, name: str, size: int, edge_id: str) -> None:
    row = session.get(Media, name)
    if row is None:
        session.add(Media(sha256=name, size=size, edge_id=edge_id, complete=True, received_at=now()))
    elif not row.complete:
        row.complete, row.size, row.received_at = True, size, now()
    quota.arrived(session, name)
    session.flush()
    opening.media_arrived(session, name)


__all__ = ["enter", "enter_found", "known"]
