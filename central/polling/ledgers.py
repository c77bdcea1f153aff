"""Ledgers of recordings as their blocks arrive: put in order, checked against each other, gaps kept for the report.

Blocks arrive in any order and from any replica; one is linked when all before it are. What does not hold is kept as the
ledger's fault for ever, and the ledger goes on: a forged minute must not hide the hours after it.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from central.db.events import Event
from central.db.polling import RecordingBlock, RecordingDeletion, RecordingGap, RecordingLedger
from contract.continuity import Block, Deleted, Missing, Recorded, block_hash, tiling
from contract.events import EventType, now, parse_data, parse_event
from contract.sealing import GENESIS

Place = tuple[str, str]
#: No part of an event: what a fault says at most.
_LONGEST = 300


def settle(session: Session, fresh: Sequence[Event], said: Mapping[str, object]) -> None:
    """Take in the blocks and deletions among the `fresh` events of a batch; `said` has their parsed data by id."""
    blocks = [(row, data) for row in fresh if isinstance(data := said.get(row.id), Block)]
    for row in fresh:
        if isinstance(data := said.get(row.id), Deleted):
            session.add(_deletion(row, data))
    if not blocks:
        return
    places = sorted({(data.edge_id, data.camera_id) for _, data in blocks})
    ledgers = _locked(session, places, {(data.edge_id, data.camera_id): data.site for _, data in blocks})
    known = _known(session, [data for _, data in blocks])
    for row, data in blocks:
        digest = block_hash(parse_event(row.raw).data)
        if (data.edge_id, data.camera_id, data.number, digest) in known:
            continue
        known.add((data.edge_id, data.camera_id, data.number, digest))
        session.add(_block(row, data, digest))
        ledger = ledgers[data.edge_id, data.camera_id]
        ledger.heard_at = now()
        if data.number < ledger.next_number:
            _blame(ledger, data.number, f"two blocks {data.number} were told, and they differ")
    session.flush()
    for place in places:
        _advance(session, ledgers[place], said)
    session.flush()


def _advance(session: Session, ledger: RecordingLedger, said: Mapping[str, object]) -> None:
    """Link what follows the head, one after another."""
    query = (
        select(RecordingBlock)
        .where(
            RecordingBlock.edge_id == ledger.edge_id,
            RecordingBlock.camera_id == ledger.camera_id,
            RecordingBlock.number >= ledger.next_number,
        )
        .order_by(RecordingBlock.number, RecordingBlock.id)
        .limit(500)
    )
    for row in session.execute(query).scalars().all():
        if row.number < ledger.next_number:
            _blame(ledger, row.number, f"two blocks {row.number} were told, and they differ")
            continue
        if row.number != ledger.next_number:
            return
        _link(session, ledger, row, _data(session, row, said))


def _link(session: Session, ledger: RecordingLedger, row: RecordingBlock, data: Block) -> None:
    expected = ledger.hash if ledger.next_number else GENESIS
    if row.prev != expected:
        _blame(ledger, row.number, f"block {row.number} names another block before it than the one that came")
    if (why := tiling(data)) is not None:
        _blame(ledger, row.number, f"block {row.number}: {why}")
    missing: list[Missing] = list(data.missing)
    if ledger.until_us is not None and row.from_us != ledger.until_us:
        shift = (row.from_us - ledger.until_us) / 1e6
        _blame(ledger, row.number, f"block {row.number} begins {shift:+.3f} s from the end of the one before")
        if shift > 0:
            hole = Missing(start_us=ledger.until_us, end_us=row.from_us, cause="unknown", detail="no block tells of it")
            missing.append(hole)
    for one in missing:
        session.add(_gap(ledger, one))
    session.flush()
    for late in data.late:
        _amend(session, ledger, late)
    row.linked = True
    ledger.next_number, ledger.hash = row.number + 1, row.hash
    ledger.from_us = row.from_us if ledger.from_us is None else ledger.from_us
    ledger.until_us = max(row.until_us, ledger.until_us or 0)


def _amend(session: Session, ledger: RecordingLedger, late: Recorded | Missing) -> None:
    """What came to light later takes the place of the gaps that stood there."""
    here = and_(RecordingGap.edge_id == ledger.edge_id, RecordingGap.camera_id == ledger.camera_id)
    found = (
        session.execute(
            select(RecordingGap).where(here, RecordingGap.start_us < late.end_us, RecordingGap.end_us > late.start_us)
        )
        .scalars()
        .all()
    )
    for gap in found:
        for first, last in ((gap.start_us, late.start_us), (late.end_us, gap.end_us)):
            if first < last:
                rest = {"edge_id": gap.edge_id, "camera_id": gap.camera_id, "cause": gap.cause, "detail": gap.detail}
                session.add(RecordingGap(start_us=first, end_us=last, **rest))
    session.execute(delete(RecordingGap).where(RecordingGap.id.in_([gap.id for gap in found])))
    if isinstance(late, Missing):
        session.add(_gap(ledger, late))
    session.flush()


def _locked(session: Session, places: Sequence[Place], sites: Mapping[Place, str]) -> dict[Place, RecordingLedger]:
    """The ledgers of these cameras, locked in one order; begun where they are new."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    fresh = [
        {
            "edge_id": place[0],
            "camera_id": place[1],
            "site": sites[place],
            "next_number": 0,
            "hash": GENESIS,
            "heard_at": now(),
        }
        for place in places
    ]
    session.execute(insert(RecordingLedger).values(fresh).on_conflict_do_nothing())
    query = (
        select(RecordingLedger)
        .where(_among(places))
        .order_by(RecordingLedger.edge_id, RecordingLedger.camera_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {(one.edge_id, one.camera_id): one for one in session.execute(query).scalars()}
    for place, ledger in found.items():
        ledger.site = sites[place]
    return found


def _among(places: Iterable[Place]) -> ColumnElement[bool]:
    one = RecordingLedger
    return or_(*(and_(one.edge_id == edge_id, one.camera_id == camera_id) for edge_id, camera_id in places))


def _known(session: Session, blocks: Sequence[Block]) -> set[tuple[str, str, int, str]]:
    """Those of these numbers that are here already."""
    query = select(RecordingBlock.edge_id, RecordingBlock.camera_id, RecordingBlock.number, RecordingBlock.hash).where(
        RecordingBlock.edge_id.in_({one.edge_id for one in blocks}),
        RecordingBlock.camera_id.in_({one.camera_id for one in blocks}),
        RecordingBlock.number.in_({one.number for one in blocks}),
    )
    return {(edge_id, camera_id, number, digest) for edge_id, camera_id, number, digest in session.execute(query)}


def _data(session: Session, row: RecordingBlock, said: Mapping[str, object]) -> Block:
    data = said.get(row.event_id)
    if data is None:
        event = session.get_one(Event, row.event_id)
        data = parse_data(parse_event(event.raw))
    if not isinstance(data, Block):
        raise TypeError(f"event {row.event_id} is no {EventType.RECORDING_BLOCK}")
    return data


def _blame(ledger: RecordingLedger, number: int, why: str) -> None:
    if ledger.fault is None:
        ledger.fault, ledger.fault_number = why[:_LONGEST], number


def _block(row: Event, data: Block, digest: str) -> RecordingBlock:
    return RecordingBlock(
        edge_id=data.edge_id,
        camera_id=data.camera_id,
        number=data.number,
        hash=digest,
        prev=data.prev,
        from_us=data.from_us,
        until_us=data.until_us,
        event_id=row.id,
        linked=False,
    )


def _gap(ledger: RecordingLedger, one: Missing) -> RecordingGap:
    return RecordingGap(
        edge_id=ledger.edge_id,
        camera_id=ledger.camera_id,
        start_us=one.start_us,
        end_us=one.end_us,
        cause=one.cause,
        detail=one.detail,
    )


def _deletion(row: Event, data: Deleted) -> RecordingDeletion:
    return RecordingDeletion(
        edge_id=data.edge_id,
        camera_id=data.camera_id,
        event_id=row.id,
        why=data.why,
        detail=data.detail,
        from_us=data.from_us,
        until_us=data.until_us,
        segments=len(data.segments),
    )


__all__ = ["settle"]
