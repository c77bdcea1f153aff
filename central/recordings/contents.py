"""What central's ledger says of a span: its blocks, what was said of it later, and what the box deleted of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.events import Event
from central.db.polling import RecordingBlock, RecordingDeletion, RecordingLedger
from central.db.recordings import RecordingExport
from contract.continuity import Block, Deleted
from contract.events import parse_data, parse_event
from contract.recording import Segment, segments_of

#: Of the blocks behind a span, of which there may be weeks, only those that tell of an earlier time are read.
_LATE: Final = re.compile(rb'"late"\s*:\s*\[\s*\{')
_READ: Final = 500


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event as it was received, without the rest of its row."""

    id: str
    raw: bytes
    jws: str
    kid: str


@dataclass(frozen=True, slots=True)
class Contents:
    """The blocks of a span by their number, later ones that speak of it behind them, and deletions."""

    blocks: list[tuple[Sealed, Block]]
    later: list[tuple[Sealed, Block]]
    deleted: list[tuple[Sealed, Deleted]]
    segments: list[Segment]

    @property
    def told(self) -> list[Block]:
        """All blocks that speak of it."""
        return [block for _, block in (*self.blocks, *self.later)]

    @property
    def gone(self) -> dict[str, str]:
        """Why the box deleted segments, by SHA-256."""
        return {name: one.why for _, one in self.deleted for name in one.segments}


def told_until(session: Session, row: RecordingExport) -> int:
    """Up to when (Unix microseconds) the camera's ledger is here; 0 where nothing is."""
    ledger = session.get(RecordingLedger, (row.edge_id, row.camera_id))
    return ledger.until_us or 0 if ledger is not None else 0


def contents(session: Session, row: RecordingExport) -> Contents:
    """All of it. The ledger is to be here up to the span's end (`told_until`)."""
    own = [(one, _block(one)) for one in _events(session, row)]
    last = max((block.number for _, block in own), default=-1)
    later = [(one, _block(one)) for one in _behind(session, row, last)]
    later = [(one, block) for one, block in later if _speaks(block, row)]
    blocks = [block for _, block in (*own, *later)]
    segments = segments_of(blocks, row.from_us, row.until_us)
    wanted = {one.recorded.sha256 for one in segments}
    deleted = [(one, data) for one, data in deletions(session, row) if wanted & set(data.segments)]
    return Contents(own, later, deleted, segments)


def _events(session: Session, row: RecordingExport) -> list[Sealed]:
    """The linked blocks from the first to the last that touches the span, and all between them."""
    here = (RecordingBlock.edge_id == row.edge_id, RecordingBlock.camera_id == row.camera_id, RecordingBlock.linked)
    touching = select(RecordingBlock.number).where(
        *here, RecordingBlock.until_us > row.from_us, RecordingBlock.from_us < row.until_us
    )
    numbers = session.execute(touching).scalars().all()
    if not numbers:
        return []
    query = select(Event.id, Event.raw, Event.jws, Event.kid).join(RecordingBlock, RecordingBlock.event_id == Event.id)
    query = query.where(*here, RecordingBlock.number.between(min(numbers), max(numbers)))
    return [Sealed(*one) for one in session.execute(query.order_by(RecordingBlock.number))]


def _behind(session: Session, row: RecordingExport, last: int) -> Iterator[Sealed]:
    """Linked blocks behind number `last` that say something of an earlier time."""
    query = select(Event.id, Event.raw, Event.jws, Event.kid).join(RecordingBlock, RecordingBlock.event_id == Event.id)
    query = query.where(
        RecordingBlock.edge_id == row.edge_id, RecordingBlock.camera_id == row.camera_id, RecordingBlock.linked,
        RecordingBlock.number > last,
    )  # fmt: skip
    for one in session.execute(query.order_by(RecordingBlock.number).execution_options(yield_per=_READ)):
        if _LATE.search(one.raw):
            yield Sealed(*one)


def deletions(session: Session, row: RecordingExport) -> list[tuple[Sealed, Deleted]]:
    """What the box says that it deleted about the span's time."""
    query = select(Event.id, Event.raw, Event.jws, Event.kid)
    query = query.join(RecordingDeletion, RecordingDeletion.event_id == Event.id).where(
        RecordingDeletion.edge_id == row.edge_id, RecordingDeletion.camera_id == row.camera_id,
        RecordingDeletion.from_us < row.until_us, RecordingDeletion.until_us > row.from_us,
    )  # fmt: skip
    found = []
    for each in session.execute(query.order_by(RecordingDeletion.id)):
        one = Sealed(*each)
        data = parse_data(parse_event(one.raw))
        if isinstance(data, Deleted):
            found.append((one, data))
    return found


def _speaks(block: Block, row: RecordingExport) -> bool:
    return any(one.start_us < row.until_us and row.from_us < one.end_us for one in block.late)


def _block(one: Sealed) -> Block:
    data = parse_data(parse_event(one.raw))
    if not isinstance(data, Block):
        raise TypeError(f"event {one.id} is no block")
    return data


__all__ = ["Contents", "Sealed", "contents", "deletions", "told_until"]
