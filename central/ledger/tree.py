"""The Merkle tree in the database: appended to under one lock, read by whoever makes a proof.

Complete subtrees are kept as nodes and never change, so an append writes two rows on average, and a root or a proof
of any size reads some log2(n) of them, however old the tree is that it is made for.
"""

from typing import Any

from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import Session

from central.db.ledger import LedgerLeaf, LedgerNode, LedgerTree, LedgerWaiting
from central.ledger import entries
from central.ledger.entries import Ref
from contract.merkle import Nodes, completed, leaf_hash, root

#: Most entries in one transaction.
BATCH = 500


def merge(session: Session, most: int = BATCH) -> int:
    """Enter what waits, oldest first, at most `most` rows; how many. One at a time: the rest wait for the lock."""
    tree = session.execute(select(LedgerTree).with_for_update()).scalar_one()
    waiting = session.execute(select(LedgerWaiting).order_by(LedgerWaiting.id).limit(most)).scalars().all()
    if not waiting:
        return 0
    refs = list(dict.fromkeys((row.kind, row.ref) for row in waiting))
    # A row may have been noted by a migration and by a trigger.
    entered = places(session, refs)
    refs = [ref for ref in refs if ref not in entered]
    lines = entries.lines(session, refs)
    _append(session, tree, [(ref, leaf_hash(lines.get(ref) or entries.gone(ref))) for ref in refs])
    session.execute(delete(LedgerWaiting).where(LedgerWaiting.id.in_([row.id for row in waiting])))
    return len(waiting)


def size(session: Session) -> int:
    """How many entries the ledger has."""
    return session.execute(select(LedgerTree.size)).scalar_one()


def places(session: Session, refs: list[Ref]) -> dict[Ref, int]:
    """Where entries stand in the ledger; those that are not in it yet are left out."""
    found: dict[Ref, int] = {}
    for at in range(0, len(refs), BATCH):
        query = select(LedgerLeaf.kind, LedgerLeaf.ref, LedgerLeaf.place)
        part = query.where(tuple_(LedgerLeaf.kind, LedgerLeaf.ref).in_(refs[at : at + BATCH]))
        found |= {(kind, ref): place for kind, ref, place in session.execute(part)}
    return found


def nodes_of(session: Session) -> Nodes:
    """The nodes of the tree, each read once."""
    known: dict[tuple[int, int], bytes] = {}

    def node(level: int, place: int) -> bytes:
        if (level, place) not in known:
            known[level, place] = _read(session, level, place)
        return known[level, place]

    return node


def root_of(session: Session, count: int) -> bytes:
    """The root over the first `count` entries."""
    return root(count, nodes_of(session))


def _append(session: Session, tree: LedgerTree, new: list[tuple[Ref, bytes]]) -> None:
    known: dict[tuple[int, int], bytes] = {}
    stored = nodes_of(session)

    def node(level: int, place: int) -> bytes:
        held = known.get((level, place))
        return stored(level, place) if held is None else held

    leaves: list[dict[str, Any]] = []
    inner: list[dict[str, Any]] = []
    for place, ((kind, ref), leaf) in enumerate(new, start=tree.size):
        for level, at, value in completed(place, leaf, node):
            known[level, at] = value
            if level:
                inner.append({"level": level, "place": at, "hash": value})
        leaves.append({"place": place, "kind": kind, "ref": ref, "hash": leaf})
    if leaves:
        session.execute(insert(LedgerLeaf), leaves)
    if inner:
        session.execute(insert(LedgerNode), inner)
    tree.size += len(leaves)


def _read(session: Session, level: int, place: int) -> bytes:
    if level == 0:
        query = select(LedgerLeaf.hash).where(LedgerLeaf.place == place)
    else:
        query = select(LedgerNode.hash).where(LedgerNode.level == level, LedgerNode.place == place)
    return session.execute(query).scalar_one()


__all__ = ["BATCH", "merge", "nodes_of", "places", "root_of", "size"]
