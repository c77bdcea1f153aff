"""Storing a batch of admitted events, each once, and bringing their cases up to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.alarms import opening as alarms
from central.db.edges import Edge, EdgeKey
from central.db.events import Event
from central.ingest import chain
from central.ingest.admit import Admitted, Key, Refused
from central.ingest.turns import stand_still_no_longer, take_turns
from central.polling import ledgers, troubles
from central.tickets import given_up
from central.tickets.assembly import Matter, assemble
from contract.events import EventType, now
from contract.sealing import sha256_hex

Outcome = Literal["stored", "duplicate"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An admitted event with the bytes and the seal that were received."""

    admitted: Admitted
    raw: bytes
    jws: str


@dataclass(slots=True)
class _Shelf:
    """What is known of the events of a batch: those stored before and, as it is worked through, its own."""

    held: dict[str, tuple[str, str]]
    matters: dict[Matter, dict[str, Event]]
    rows: list[Event] = field(default_factory=list)
    touched: set[Matter] = field(default_factory=set)


def keys_of(session: Session, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Key]:
    """The keys of boxes by (edge id, kid); a strange box has none.

    Retired keys are there: what waited in the outbox when the box changed its key counts.
    """
    edges = session.execute(select(Edge.id, Edge.revoked_at).where(Edge.id.in_({edge_id for edge_id, _ in wanted})))
    out = {edge_id: revoked_at is not None for edge_id, revoked_at in edges}
    known = session.execute(select(EdgeKey).where(EdgeKey.kid.in_({kid for _, kid in wanted if kid}))).scalars()
    keys = {(key.edge_id, key.kid): key for key in known}
    return {
        (edge_id, kid): _key(kid, keys.get((edge_id, kid)), out[edge_id]) for edge_id, kid in wanted if edge_id in out
    }


def _key(kid: str, key: EdgeKey | None, out: bool) -> Key:
    if key is None:
        return Key(kid, None, out)
    return Key(kid, dict(key.public_jwk), out or key.revoked_at is not None)


def store(session: Session, arrivals: Sequence[Arrival]) -> list[Outcome | Refused]:
    """Store the events in their order and assemble their cases; one outcome each. A second arrival changes nothing.

    Refused stands for an event whose id was used for other bytes. Raises IntegrityError when another replica
    committed one of them in the same moment: roll back and look again.
    """
    stand_still_no_longer(session)
    shelf = _Shelf(_held(session, arrivals), _matters(session, arrivals))
    outcomes = [_shelved(shelf, arrival) for arrival in arrivals]
    chain.place(session, shelf.rows)
    # In one order, so that replicas that insert the same events wait for each other and never in a circle.
    shelf.rows.sort(key=lambda row: row.id)
    session.add_all(shelf.rows)
    session.flush()
    # Half of the work is done by now, and no other replica had to wait for it.
    if take_turns(session, [arrival.admitted for arrival in arrivals]):
        _look_again(session, shelf)
    # Of what is refused nothing is said: another box may have used the very id of an event that is stored beside it.
    said = {
        arrival.admitted.event.id: arrival.admitted.data
        for arrival, outcome in zip(arrivals, outcomes, strict=True)
        if not isinstance(outcome, Refused)
    }
    matters = {matter: shelf.matters[matter] for matter in sorted(shelf.touched)}
    assemble(session, matters, said)
    given_up.settle(
        session, shelf.rows, [one[EventType.MANIFEST] for one in matters.values() if EventType.MANIFEST in one], said
    )
    alarms.settle(session, matters, said)
    troubles.settle(session, matters, said)
    ledgers.settle(session, shelf.rows, said)
    chain.move_heads(session, shelf.rows)
    return outcomes


def _held(session: Session, arrivals: Sequence[Arrival]) -> dict[str, tuple[str, str]]:
    ids = {arrival.admitted.event.id for arrival in arrivals}
    found = session.execute(select(Event.id, Event.sha256, Event.edge_id).where(Event.id.in_(ids)))
    return {name: (sha256, edge_id) for name, sha256, edge_id in found}


def _matters(session: Session, arrivals: Sequence[Arrival]) -> dict[Matter, dict[str, Event]]:
    """The events stored before of every matter that the batch speaks of, by type."""
    keys = {arrival.admitted.case_key for arrival in arrivals} - {None}
    matters: dict[Matter, dict[str, Event]] = {}
    if keys:
        edges = {arrival.admitted.edge_id for arrival in arrivals}
        query = select(Event).where(Event.edge_id.in_(edges), Event.case_key.in_(keys))
        for row in session.execute(query).scalars():
            matters.setdefault((row.edge_id, str(row.case_key)), {})[row.type] = row
    return matters


def _look_again(session: Session, shelf: _Shelf) -> None:
    """Add what others have stored meanwhile of the matters that this batch touches."""
    keys = {case_key for _, case_key in shelf.touched}
    if not keys:
        return
    edges = {edge_id for edge_id, _ in shelf.touched}
    query = select(Event.id, Event.edge_id, Event.case_key, Event.type)
    found = session.execute(query.where(Event.edge_id.in_(edges), Event.case_key.in_(keys)))
    strange = [
        name for name, edge_id, case_key, kind in found if kind not in shelf.matters.get((edge_id, str(case_key)), {})
    ]
    if strange:
        for row in session.execute(select(Event).where(Event.id.in_(strange))).scalars():
            shelf.matters.setdefault((row.edge_id, str(row.case_key)), {})[row.type] = row


def _shelved(shelf: _Shelf, arrival: Arrival) -> Outcome | Refused:
    admitted, digest = arrival.admitted, sha256_hex(arrival.raw)
    held = shelf.held.get(admitted.event.id)
    if held is not None:
        if held != (digest, admitted.edge_id):
            return Refused("an event of this id with other bytes is here already")
        return "duplicate"
    shelf.held[admitted.event.id] = (digest, admitted.edge_id)
    first = None
    if admitted.case_key is not None:
        # A box that restarted may decide a matter again under another id: the first one counts.
        matter = (admitted.edge_id, admitted.case_key)
        first = shelf.matters.get(matter, {}).get(admitted.event.type)
    row = _row(arrival, digest, first)
    shelf.rows.append(row)
    if first is not None:
        return "duplicate"
    if admitted.case_key is not None:
        shelf.matters.setdefault(matter, {})[row.type] = row
        shelf.touched.add(matter)
    return "stored"


def _row(arrival: Arrival, digest: str, first: Event | None) -> Event:
    admitted = arrival.admitted
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
        sha256=digest,
        raw=arrival.raw,
        jws=arrival.jws,
        kid=admitted.kid,
        sealed=True,
        at=admitted.event.time,
        received_at=now(),
    )


__all__ = ["Arrival", "Outcome", "keys_of", "store"]
