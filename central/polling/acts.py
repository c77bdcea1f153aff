"""What somebody did at a station, as a line of its history; each enters the ledger."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.db.marks import StationLog
from central.db.polling import Station
from central.sites import areas as sites
from central.tickets.errors import CaseMissing


def locked(session: Session, user: SignedInUser, site: str) -> Station:
    """The station, held until the end of the transaction: one person after another. Raises CaseMissing.

    What names the station by a key of its own (an alarm, a block) is not kept waiting.
    """
    row = session.get(Station, site, with_for_update={"key_share": True})
    if row is None or not sites.holds(session, site, user.areas):
        raise CaseMissing("there is no such station", "station.none")
    return row


def note(session: Session, site: str, user: SignedInUser, action: str, now: datetime, **detail: Any) -> None:
    """Put it on record, in the transaction that does it."""
    session.add(StationLog(at=now, site=site, user_id=user.id, name=user.name, action=action, detail=detail))
    session.flush()


def note_of_station(session: Session, site: str, name: str, now: datetime, **detail: Any) -> None:
    """Somebody at a station, who has no account and calls themselves `name`, has answered a message."""
    session.add(StationLog(at=now, site=site, name=name, action="message answered", detail=detail))
    session.flush()


__all__ = ["locked", "note", "note_of_station"]
