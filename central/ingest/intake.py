"""A batch of messages in one commit: judged, stored or quarantined, and what to acknowledge afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from central.db.database import Database
from central.ingest import quarantine
from central.ingest.admit import Message, Refused, event_id, judge
from central.ingest.store import key_of, store
from central.metrics import Metrics
from contract.events import Ack, now
from contract.topics import edge_id_of

_log = structlog.get_logger("ingest")
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a message (stored | duplicate | refused | failed), and what to say to which box, if anything."""

    outcome: str
    edge_id: str | None = None
    ack: Ack | None = None


class Intake:
    """Takes batches in. `most_quarantined` rows of refused messages are kept."""

    def __init__(self, db: Database, metrics: Metrics, most_quarantined: int) -> None:
        self._db = db
        self._metrics = metrics
        self._most = most_quarantined

    def take(self, batch: Sequence[Message]) -> list[Result]:
        """One result a message; the commit is done when this returns. Raises SQLAlchemyError: nothing was taken."""
        with self._db.write() as session:
            results = [self._one(session, message) for message in batch]
        for result in results:
            self._metrics.events.labels(result.outcome).inc()
        return results

    def _one(self, session: Session, message: Message) -> Result:
        try:
            return self._admitted(session, message)
        except Refused as refusal:
            return self._refused(session, message, str(refusal))
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            # A fault of ours must not stop the others, and must not make the box drop its event: no Ack, it comes
            # again, and a person finds it in the quarantine.
            _log.error("event could not be handled", bytes=len(message.raw), exc_info=True)
            self._quarantine(session, message, f"central could not handle it ({type(error).__name__})")
            return Result(FAILED)

    def _admitted(self, session: Session, message: Message) -> Result:
        admitted = judge(message, partial(key_of, session))
        try:
            with session.begin_nested():
                outcome = store(session, admitted, message.raw, message.jws or "")
        except IntegrityError:
            # Another replica committed the same matter between our look and our write: look again.
            with session.begin_nested():
                outcome = store(session, admitted, message.raw, message.jws or "")
        self._metrics.lag.observe(max(0.0, (now() - admitted.event.time).total_seconds()))
        return Result(outcome, admitted.edge_id, Ack(id=admitted.event.id, status=outcome))

    def _refused(self, session: Session, message: Message, reason: str) -> Result:
        edge_id, name = edge_id_of(message.topic), event_id(message.raw)
        _log.warning("event refused", reason=reason, edge=edge_id, id=name, bytes=len(message.raw))
        self._quarantine(session, message, reason)
        ack = Ack(id=name, status="refused", reason=reason) if name and edge_id else None
        return Result("refused", edge_id, ack)

    def _quarantine(self, session: Session, message: Message, reason: str) -> None:
        if not quarantine.keep(session, message, reason, self._most):
            _log.error("quarantine is full: message counted, not kept", most=self._most)
