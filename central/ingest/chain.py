"""The chain of a box: each event names the SHA-256 of the bytes before. A hole is pending, never bad."""

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from central.db.edges import Edge
from central.db.events import Event
from contract.sealing import GENESIS

GENESIS_STATE, LINKED, PENDING, BROKEN = "genesis", "linked", "pending", "broken"


def state_of(session: Session, row: Event) -> str:
    """How `row` stands to the event before it, as far as that has arrived. Two events in one place: broken."""
    if row.chain_seq == 0:
        fork = _at(session, row, 0)
        return BROKEN if row.chain_prev != GENESIS or (fork and fork.id != row.id) else GENESIS_STATE
    twin = _at(session, row, row.chain_seq)
    if twin is not None and twin.id != row.id:
        return BROKEN
    before = _at(session, row, row.chain_seq - 1)
    if before is None:
        return PENDING
    return LINKED if before.sha256 == row.chain_prev else BROKEN


def link(session: Session, row: Event) -> None:
    """Settle the state of the event behind `row`, which may have waited for it, and move the head of the chain."""
    behind = _at(session, row, row.chain_seq + 1)
    if behind is not None and behind.chain_state == PENDING:
        behind.chain_state = state_of(session, behind)
    edge = session.get_one(Edge, row.edge_id)
    if edge.chain_id != row.chain_id or edge.chain_seq is None or edge.chain_seq < row.chain_seq:
        edge.chain_id, edge.chain_seq = row.chain_id, row.chain_seq


def settle(session: Session, limit: int = 500) -> int:
    """Link events whose neighbour was committed by another replica in the same moment; returns how many."""
    before = aliased(Event)
    query = (
        select(Event)
        .join(
            before,
            (before.edge_id == Event.edge_id)
            & (before.chain_id == Event.chain_id)
            & (before.chain_seq == Event.chain_seq - 1),
        )
        .where(Event.chain_state == PENDING)
        .limit(limit)
    )
    rows = list(session.execute(query).scalars())
    for row in rows:
        row.chain_state = state_of(session, row)
    return len(rows)


def _at(session: Session, row: Event, seq: int) -> Event | None:
    query = (
        select(Event)
        .where(Event.edge_id == row.edge_id, Event.chain_id == row.chain_id, Event.chain_seq == seq)
        .order_by(Event.received_at, Event.id)
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()
