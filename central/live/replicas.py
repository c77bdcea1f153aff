"""Which replica has which stream: the balancer sends a box to one and its viewers to others.

A replica fetches a stream from another with a ticket that it wrote into the database they share: good once, for this
stream, for half a minute. So no key of replicas has to be kept anywhere.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from central.accounts.sessions import digest
from central.db.database import Database
from central.db.live import LiveSource, LiveTicket
from central.live.place import Place
from contract.events import now

_TICKET_LIFE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Where:
    """Where a stream is brought: the replica's address (None: out of reach), and the connection's own name."""

    connection: str
    address: str | None


class Replicas:
    """What this replica, at `address` for the others, writes and reads of streams."""

    def __init__(self, db: Database, address: str | None = None) -> None:
        self.address = address
        self._db = db

    def enter(self, place: Place) -> str:
        """A box brings the stream here from now on, whoever had it before. The name of this connection."""
        connection = secrets.token_hex(16)
        with self._db.write() as session:
            row = session.get(LiveSource, _key(place), with_for_update=True)
            if row is None:
                row = LiveSource(edge_id=place.edge_id, camera_id=place.camera_id, stream=place.stream or "")
                session.add(row)
            row.connection, row.address, row.since = connection, self.address, now()
        return connection

    def strike(self, place: Place, connection: str) -> None:
        """It is brought here no more. What another connection has taken over since stays."""
        with self._db.write() as session:
            row = session.get(LiveSource, _key(place), with_for_update=True)
            if row is not None and row.connection == connection:
                session.delete(row)


def whereabouts(session: Session, places: Collection[Place]) -> Mapping[Place, Where]:
    """Where these streams are brought, of those that are."""
    boxes = {one.edge_id for one in places}
    query = select(LiveSource).where(LiveSource.edge_id.in_(boxes))
    found = {
        Place(row.edge_id, row.camera_id, row.stream or None): Where(row.connection, row.address)
        for row in session.execute(query).scalars()
    }
    return {place: where for place, where in found.items() if place in places}


def ticket(session: Session, place: Place) -> str:
    """What lets its bearer fetch the stream once. Old ones are swept."""
    moment, token = now(), secrets.token_urlsafe(32)
    session.execute(delete(LiveTicket).where(LiveTicket.until < moment))
    session.add(
        LiveTicket(
            digest=digest(token), edge_id=place.edge_id, camera_id=place.camera_id, stream=place.stream or "",
            until=moment + _TICKET_LIFE,
        )
    )  # fmt: skip
    return token


def holds(session: Session, token: str) -> bool:
    """Whether there is such a ticket."""
    return session.get(LiveTicket, digest(token)) is not None


def taken(session: Session, token: str) -> Place | None:
    """Which stream a ticket is for; it is good no more. None for one that is not, or was."""
    gone = delete(LiveTicket).where(LiveTicket.digest == digest(token), LiveTicket.until >= now())
    row = session.execute(gone.returning(LiveTicket.edge_id, LiveTicket.camera_id, LiveTicket.stream)).one_or_none()
    return None if row is None else Place(row[0], row[1], row[2] or None)


def _key(place: Place) -> tuple[str, str, str]:
    return place.edge_id, place.camera_id, place.stream or ""


__all__ = ["Replicas", "Where", "holds", "taken", "ticket", "whereabouts"]
