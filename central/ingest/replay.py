"""A message from the quarantine is tried again, as if it had just arrived, when a person has mended the cause."""

from dataclasses import dataclass
from typing import Literal

import structlog
from sqlalchemy.orm import Session

from central.db.database import Database, unreachable
from central.db.events import Quarantine
from central.ingest import quarantine
from central.ingest.admit import Message, Refused
from central.ingest.anew import begun_anew
from central.ingest.intake import UNAVAILABLE, judged_in
from central.ingest.store import Arrival, store
from contract.errors import InputError
from contract.events import Ack

_log = structlog.get_logger("quarantine")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of an entry: stored | duplicate, or refused with the reason."""

    outcome: Literal["stored", "duplicate", "refused"]
    reason: str = ""
    edge_id: str = ""
    event_id: str = ""

    @property
    def ack(self) -> tuple[str, Ack] | None:
        """The box and its acknowledgement: it keeps what was refused, and may now let it go."""
        return None if self.outcome == "refused" else (self.edge_id, Ack(id=self.event_id, status=self.outcome))


def replay(db: Database, number: int) -> Replayed:
    """Judge and store the message of entry `number`; it leaves the quarantine in the same commit.

    As often as it is done, the event is there once: one that meanwhile came by itself is a `duplicate`. Refused again
    it stays, with the new reason. Raises InputError when there is no such entry or only its beginning was kept.
    """
    try:
        # It may come by itself between our look and our write. And ingest takes its locks the other way round: first
        # those of the matter, then the entry, so that one of the two may be ended as a deadlock.
        return begun_anew(lambda: _again(db, number))
    except InputError:
        raise
    except UNAVAILABLE as error:
        raise unreachable(db.name, error) from error
    except Exception as error:
        # What central could not handle when it arrived it may still not be able to: that is a result, not an end.
        _log.error("event could not be handled", entry=number, exc_info=True)
        return Replayed("refused", f"central could not handle it ({type(error).__name__})")


def discard(db: Database, number: int) -> Quarantine:
    """Remove entry `number` for good and say which it was. Raises InputError when there is none."""
    with db.write() as session:
        row = _entry(session, number)
        session.delete(row)
    _log.warning("quarantined message discarded", entry=number, topic=row.topic, sha256=row.sha256, reason=row.reason)
    return row


def entry(db: Database, number: int) -> Quarantine:
    """Entry `number`. Raises InputError when there is none."""
    with db.read() as session:
        return _entry(session, number)


def _entry(session: Session, number: int) -> Quarantine:
    row = quarantine.found(session, number)
    if row is None:
        raise InputError(f"quarantine: has no entry {number} - see `sightline central quarantine list`")
    return row


def _again(db: Database, number: int) -> Replayed:
    with db.write() as session:
        row = _entry(session, number)
        message = quarantine.message_of(row)
        if message is None:
            kept = len(row.payload)
            raise InputError(
                f"quarantine: of entry {number} only {kept} of {row.size} bytes are kept - the box has it whole"
            )
        done = _taken(session, message)
        if done.outcome == "refused":
            row.reason = done.reason
        else:
            session.delete(row)
        return done


def _taken(session: Session, message: Message) -> Replayed:
    (judged,) = judged_in(session, [message])
    if isinstance(judged, Refused):
        return Replayed("refused", str(judged))
    (outcome,) = store(session, [Arrival(judged, message.raw, message.jws or "")])
    if isinstance(outcome, Refused):
        return Replayed("refused", str(outcome))
    return Replayed(outcome, "", judged.edge_id, judged.event.id)


__all__ = ["Replayed", "discard", "entry", "replay"]
