"""How long archives of recordings and their segments are kept at central, and the certificate that they went.

An archive goes after its time, its segments with the sweep of retention (`central.retention`) once no archive needs
them; so do segments that nobody asked for, a day after they came.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from central.db.database import Database
from central.db.deletions import Deletion
from central.db.events import Event
from central.db.media import Media, MediaName
from central.db.recordings import RecordingExport, RecordingSegment
from central.recordings.rules import OVER, READY, RecordingRules, archive_of
from contract.events import EventType

#: The events that name segments.
NAMING: Final = (str(EventType.RECORDING_BLOCK), str(EventType.RECORDING_DELETED))
_STRAY: Final = timedelta(days=1)
RULE: Final = "recordings.keep_days"


def let_go(db: Database, number: int, rules: RecordingRules, now: datetime) -> bool:
    """Delete the archive of a request once its time is over, and list it for a certificate. Raises OSError."""
    query = select(RecordingExport).where(RecordingExport.id == number, RecordingExport.state == READY)
    with db.write() as session:
        row = session.execute(query.with_for_update(skip_locked=True)).scalar_one_or_none()
        if row is None or row.ready_at is None or now < row.ready_at + rules.keep:
            return False
        # Gone before anybody is told so; a crash in between finds no file, and tells it the next time.
        archive_of(rules.folder, row.request).unlink(missing_ok=True)
        why = {"recording": row.request, "rule": RULE, "days": rules.keep.days, "since": row.ready_at.isoformat()}
        session.add(
            Deletion(
                sha256=row.sha256 or "", size=row.size or 0, edge_id=row.edge_id, why=[why | {"what": "archive"}],
                decided_at=now, removed_at=now,
            )
        )  # fmt: skip
        row.state, row.ended, row.ended_at = OVER, "kept", now
    return True


def named() -> ColumnElement[bool]:
    """As a condition on `Media`: that it is a segment of a recording, and no archive needs it."""
    of_block = (
        exists()
        .where(MediaName.sha256 == Media.sha256, MediaName.event_id == Event.id, Event.type.in_(NAMING))
        .correlate(Media)
    )
    needed = (
        exists()
        .where(
            RecordingSegment.sha256 == Media.sha256,
            RecordingSegment.export_id == RecordingExport.id,
            RecordingExport.state != OVER,
        )
        .correlate(Media)
    )
    return of_block & ~needed


def why(session: Session, name: str, at: datetime) -> list[dict[str, object]] | None:
    """By which rule a segment goes: each archive that took it is over. None while one needs it, or it just came."""
    query = select(RecordingExport).join(RecordingSegment, RecordingSegment.export_id == RecordingExport.id)
    rows = session.execute(query.where(RecordingSegment.sha256 == name).order_by(RecordingExport.id)).scalars().all()
    if any(row.state != OVER for row in rows):
        return None
    if rows:
        return [
            {"recording": row.request, "rule": RULE if row.ended == "kept" else str(row.ended), "what": "segment"}
            for row in rows
        ]
    media = session.get(Media, name)
    if media is not None and at < media.received_at + _STRAY:
        return None
    return [{"recording": None, "rule": "nobody asked for it", "what": "segment"}]


__all__ = ["NAMING", "RULE", "let_go", "named", "why"]
