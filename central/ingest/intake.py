"""A batch of messages in one commit: judged, stored or quarantined, and what to acknowledge afterwards."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from central.db.database import AWAY, Database
from central.edges.names import kid_of
from central.ingest import quarantine
from central.ingest.admit import Admitted, Message, Refused, SealBroken, event_id, judge
from central.ingest.anew import begun_anew, lost
from central.ingest.store import Arrival, keys_of, store
from central.metrics import Metrics
from contract.events import Ack, now
from contract.topics import edge_id_of

_log = structlog.get_logger("ingest")
FAILED = "failed"
#: What the driver raises when the database is away, full, or chose us to end a circle of waiting.
UNAVAILABLE = AWAY


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a message (stored | duplicate | refused | failed), and what to say to which box, if anything."""

    outcome: str
    edge_id: str | None = None
    ack: Ack | None = None
    at: datetime | None = None


class Intake:
    """Takes batches in. `most_quarantined` rows of refused messages are kept."""

    def __init__(self, db: Database, metrics: Metrics, most_quarantined: int) -> None:
        self._db = db
        self._metrics = metrics
        self._most = most_quarantined

    def take(self, batch: Sequence[Message], *, apart: bool = False) -> list[Result]:
        """One result a message; the commit is done when this returns. What is at fault alone is quarantined alone.

        Raises one of `AWAY` when the database does not take them: nothing is to be
        acknowledged, the whole batch may be given again. `apart` commits each message by itself; one that the database
        does not take, while it takes the note that says so, is then at fault itself.
        """
        results = self._each(batch) if apart else self._together(batch)
        moment = now()
        for result in results:
            self._metrics.events.labels(result.outcome).inc()
            if result.at is not None:
                self._metrics.lag.observe(max(0.0, (moment - result.at).total_seconds()))
        return results

    def _together(self, batch: Sequence[Message]) -> list[Result]:
        try:
            return self._commit(batch)
        except Exception as error:
            if lost(error) and len(batch) > 1:
                # It may have taken longer than a transaction may stand still: half of it takes half as long.
                _log.warning("the connection was lost in mid-batch, taking it in halves", messages=len(batch))
                middle = len(batch) // 2
                return self._together(batch[:middle]) + self._together(batch[middle:])
            if isinstance(error, UNAVAILABLE):
                raise
            # Somewhere in it is a message that we or the database cannot handle. It must not cost the others.
            if len(batch) > 1:
                _log.warning("a message of a batch is at fault, taking each alone", messages=len(batch), exc_info=True)
            return [self._alone(message, poison=False) for message in batch]

    def _each(self, batch: Sequence[Message]) -> list[Result]:
        return [self._alone(message, poison=True) for message in batch]

    def _alone(self, message: Message, *, poison: bool) -> Result:
        """A message by itself. `poison`: one that the database does not take is at fault, not the database."""
        try:
            return self._commit([message])[0]
        except Exception as error:
            if not isinstance(error, UNAVAILABLE):
                return self._failed(message, error)
            if not poison:
                raise
        # It may have come back just now: an event of the last moment of an outage is at no fault. When it is away this
        # raises, and the whole batch is given again.
        with self._db.read() as session:
            session.execute(select(1))
        try:
            return self._commit([message])[0]
        except Exception as error:
            return self._failed(message, error)

    def _failed(self, message: Message, error: Exception) -> Result:
        """Put it aside. No Ack: a fault of ours must not make the box drop its event. It comes again."""
        _log.error("event could not be handled", bytes=len(message.raw), exc_info=error)
        # Another replica may have kept the same bytes in this moment: then they are kept.
        with contextlib.suppress(IntegrityError), self._db.write() as session:
            self._quarantine(session, message, f"central could not handle it ({type(error).__name__})")
        return Result(FAILED)

    def _commit(self, batch: Sequence[Message]) -> list[Result]:
        def once() -> list[Result]:
            with self._db.write() as session:
                return self._admitted(session, batch)

        return begun_anew(once, stood=len(batch) == 1)

    def _admitted(self, session: Session, batch: Sequence[Message]) -> list[Result]:
        judged = judged_in(session, batch)
        arrivals = [
            Arrival(admitted, message.raw, message.jws or "")
            for message, admitted in zip(batch, judged, strict=True)
            if isinstance(admitted, Admitted)
        ]
        outcomes = iter(store(session, arrivals))
        results = []
        for message, admitted in zip(batch, judged, strict=True):
            outcome = admitted if isinstance(admitted, Refused) else next(outcomes)
            if isinstance(outcome, Refused):
                results.append(self._refused(session, message, outcome))
            elif isinstance(admitted, Admitted):
                event = admitted.event
                results.append(Result(outcome, admitted.edge_id, Ack(id=event.id, status=outcome), event.time))
        return results

    def _refused(self, session: Session, message: Message, refusal: Refused) -> Result:
        edge_id, name, reason = edge_id_of(message.topic), event_id(message.raw), str(refusal)
        if isinstance(refusal, SealBroken):
            self._metrics.bad_seals.inc()
            _log.error("ALARM: the seal of an event does not hold", edge=edge_id, id=name, bytes=len(message.raw))
        else:
            _log.warning("event refused", reason=reason, edge=edge_id, id=name, bytes=len(message.raw))
        # Told that it was refused, the box sends it no more: only when it is here whole for a person to look at.
        kept = self._quarantine(session, message, reason)
        ack = Ack(id=name, status="refused", reason=reason) if name and edge_id and kept else None
        return Result("refused", edge_id, ack)

    def _quarantine(self, session: Session, message: Message, reason: str) -> bool:
        """Whether it is kept whole."""
        if not quarantine.keep(session, message, reason, self._most):
            _log.error("quarantine is full: message counted, not kept", most=self._most)
            return False
        return quarantine.whole(message)


def judged_in(session: Session, batch: Sequence[Message]) -> list[Admitted | Refused]:
    """The verdict on each message, by the keys of the boxes as `session` sees them."""
    wanted = {
        (edge_id, kid_of(message.jws or "")) for message in batch if (edge_id := edge_id_of(message.topic)) is not None
    }
    keys = keys_of(session, wanted)
    verdicts: list[Admitted | Refused] = []
    for message in batch:
        try:
            verdicts.append(judge(message, lambda edge_id, kid: keys.get((edge_id, kid))))
        except Refused as refusal:
            # Without its trace, which holds the frame that holds the list that holds it: the whole batch would be kept
            # until the collector comes by.
            verdicts.append(refusal.with_traceback(None))
    return verdicts


__all__ = ["FAILED", "UNAVAILABLE", "Intake", "Result", "judged_in"]
