"""Replicas take turns at one matter: what one of them is just storing of it, another must see before it goes on.

Of a decision in one replica's transaction and its manifest in another's, neither sees the other, and the case would
stay without its evidence for good: both are stored, and nothing comes again. So each stores its events, then waits for
those that hold a matter of its batch, with locks of PostgreSQL that end with the transaction, and only then looks what
there is of them. Whoever commits last sees all. SQLite has one writer anyway.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from central.ingest.admit import Admitted
from contract.events import EventType
from contract.sealing import sha256_hex

#: A replica that stops in mid-transaction (its machine lost power, it hangs) loses it and its locks after so long, so
#: that the others go on within 10 s; ms. Between two statements of a batch there is less than a second as a rule; one
#: that takes longer (a machine that is far too busy) loses its connection, too, and is taken again in halves.
_IDLE_MS = 8000
_IDLE = text("SELECT set_config('idle_in_transaction_session_timeout', :idle, true)")
_ALONE = text("SELECT pg_advisory_xact_lock(one) FROM unnest(CAST(:names AS bigint[])) AS one")
_TOGETHER = text("SELECT pg_advisory_xact_lock_shared(one) FROM unnest(CAST(:names AS bigint[])) AS one")


def stand_still_no_longer(session: Session) -> None:
    """Have the database end this transaction when it stands still: to be called first, before it locks anything."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_IDLE, {"idle": str(_IDLE_MS)})


def take_turns(session: Session, batch: Sequence[Admitted]) -> bool:
    """Wait until no other transaction holds a matter of `batch`, and hold them until this one ends.

    An event of dropped media may touch any case of its box: it waits for the whole box. What is there of the matters
    must be looked up afterwards: False where nobody else can have stored anything meanwhile. The events of the batch
    are stored before, sorted by id, and locks are taken in one order, so that nobody waits in a circle.
    """
    if session.get_bind().dialect.name != "postgresql":
        return False
    dropping = {one.edge_id for one in batch if one.event.type == EventType.DROPPED}
    for alone, boxes in _runs(sorted({one.edge_id for one in batch}, key=_number), dropping):
        session.execute(_ALONE if alone else _TOGETHER, {"names": [_number(name) for name in boxes]})
    matters = {_number(f"{one.edge_id}/{one.case_key}") for one in batch if one.case_key is not None}
    if matters:
        session.execute(_ALONE, {"names": sorted(matters)})
    return True


def _runs(boxes: Iterable[str], dropping: set[str]) -> list[tuple[bool, list[str]]]:
    """The boxes in their order, in stretches that take the same kind of lock."""
    runs: list[tuple[bool, list[str]]] = []
    for name in boxes:
        if not runs or runs[-1][0] != (name in dropping):
            runs.append((name in dropping, []))
        runs[-1][1].append(name)
    return runs


def _number(name: str) -> int:
    """What stands for `name` in PostgreSQL's space of advisory locks, 64 bits."""
    return int.from_bytes(bytes.fromhex(sha256_hex(name.encode())[:16]), signed=True)


__all__ = ["stand_still_no_longer", "take_turns"]
