"""The chain of a box: each event names the SHA-256 of the bytes before. A hole is pending, never bad."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session, aliased, load_only

from central.db.edges import Edge
from central.db.events import Event
from contract.sealing import GENESIS

GENESIS_STATE, LINKED, PENDING, BROKEN = "genesis", "linked", "pending", "broken"
#: A place in the chain of a box: edge id, chain id, seq.
Place = tuple[str, str, int]
_At = Callable[[Place], Event | None]


def place(session: Session, rows: Sequence[Event]) -> None:
    """Give each of `rows`, which are about to be stored, its state, and settle what had waited for them.

    The neighbours of all are looked up together.
    """
    there = _around(session, rows)
    for row in rows:
        there.setdefault(_place(row), row)
    for row in rows:
        row.chain_state = _state(row, there.get)
    for row in rows:
        edge_id, chain_id, seq = _place(row)
        behind = there.get((edge_id, chain_id, seq + 1))
        if behind is not None and behind.chain_state == PENDING:
            behind.chain_state = _state(behind, there.get)


def move_heads(session: Session, rows: Sequence[Event]) -> None:
    """Move the head of each box's chain to the newest of `rows`. To be done last: it locks the boxes until the commit.

    The database compares, so that of two replicas the slower one never moves a head back.
    """
    heads: dict[str, tuple[str, int]] = {}
    for row in rows:
        head = heads.get(row.edge_id)
        if head is None or head[0] != row.chain_id or head[1] < row.chain_seq:
            heads[row.edge_id] = (row.chain_id, row.chain_seq)
    if not heads:
        return
    newer = or_(
        Edge.chain_id.is_(None),
        Edge.chain_id != bindparam("to_chain"),
        Edge.chain_seq.is_(None),
        Edge.chain_seq < bindparam("to_seq"),
    )
    moved = (
        update(Edge)
        .where(Edge.id == bindparam("edge"), newer)
        .values(chain_id=bindparam("to_chain"), chain_seq=bindparam("to_seq"))
    )
    session.connection().execute(
        moved, [{"edge": name, "to_chain": heads[name][0], "to_seq": heads[name][1]} for name in sorted(heads)]
    )


def _state(row: Event, at: _At) -> str:
    edge_id, chain_id, seq = _place(row)
    twin = at((edge_id, chain_id, seq))
    alone = twin is None or twin.id == row.id
    if seq == 0:
        return GENESIS_STATE if alone and row.chain_prev == GENESIS else BROKEN
    if not alone:
        return BROKEN
    before = at((edge_id, chain_id, seq - 1))
    if before is None:
        return PENDING
    return LINKED if before.sha256 == row.chain_prev else BROKEN


def _place(row: Event) -> Place:
    return row.edge_id, row.chain_id, row.chain_seq


def _around(session: Session, rows: Sequence[Event]) -> dict[Place, Event]:
    """The stored events in the places of `rows` and of their neighbours; of several in one place the first."""
    runs = _runs(rows)
    if not runs:
        return {}
    # As many arms as the next power of two: a handful of statements, which database and driver then know by heart.
    runs += [runs[-1]] * ((1 << (len(runs) - 1).bit_length()) - len(runs))
    arms = [
        and_(Event.edge_id == edge_id, Event.chain_id == chain_id, Event.chain_seq.between(first, last))
        for edge_id, chain_id, first, last in runs
    ]
    columns = (Event.edge_id, Event.chain_id, Event.chain_seq, Event.chain_prev, Event.chain_state, Event.sha256)
    query = select(Event).where(or_(*arms)).order_by(Event.received_at, Event.id).options(load_only(*columns))
    there: dict[Place, Event] = {}
    for row in session.execute(query).scalars():
        there.setdefault(_place(row), row)
    return there


def _runs(rows: Sequence[Event]) -> list[tuple[str, str, int, int]]:
    """Stretches of each chain that hold all `rows` and one place on either side, few for many events."""
    runs: list[tuple[str, str, int, int]] = []
    for edge_id, chain_id, seq in sorted({_place(row) for row in rows}):
        if runs and runs[-1][:2] == (edge_id, chain_id) and seq - 1 <= runs[-1][3] + 1:
            runs[-1] = (edge_id, chain_id, runs[-1][2], seq + 1)
        else:
            runs.append((edge_id, chain_id, seq - 1, seq + 1))
    return runs


def settle(session: Session, limit: int = 500, since: datetime | None = None) -> int:
    """Settle events whose neighbour was committed by another replica in the same moment; returns how many.

    All that simply follow are linked at once; up to `limit` of those that something is wrong with are looked at one by
    one. With `since` only those received from then on are looked for: what is older was settled before, or waits for a
    neighbour that will settle it when it arrives.
    """
    before, twin = aliased(Event), aliased(Event)
    behind = (before.edge_id == Event.edge_id) & (before.chain_id == Event.chain_id)
    behind &= before.chain_seq == Event.chain_seq - 1
    beside = (twin.edge_id == Event.edge_id) & (twin.chain_id == Event.chain_id) & (twin.chain_seq == Event.chain_seq)
    waiting = select(Event).where(Event.chain_state == PENDING)
    if since is not None:
        waiting = waiting.where(Event.received_at >= since)
    follows = (
        waiting.where(
            exists().where(behind, before.sha256 == Event.chain_prev),
            ~exists().where(behind, before.sha256 != Event.chain_prev),
            ~exists().where(beside, twin.id != Event.id),
        )
        .with_only_columns(Event.id)
        # What ingest holds at this moment it settles itself.
        .with_for_update(of=Event, skip_locked=True)
    )
    linked = session.connection().execute(update(Event).where(Event.id.in_(follows)).values(chain_state=LINKED))
    rows = list(session.execute(waiting.where(exists().where(behind)).limit(limit)).scalars())
    there = _around(session, rows)
    for row in rows:
        row.chain_state = _state(row, there.get)
    return linked.rowcount + len(rows)
