"""How long archives of recordings and their segments are kept at central, and the certificate that they went.

An archive goes after its time, its segments with the sweep of retention (`central.retention`) once no archive needs
them. What a box brings that nobody asked for is an orphan like any other (`central.media.sweep`).
"""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from central.db.database import Database
from central.db.deletions import Deletion
from central.db.media import Media
from central.db.recordings import RecordingExport, RecordingSegment
from central.recordings.rules import OVER, READY, RecordingRules, archive_of

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


def spent() -> ColumnElement[bool]:
    """As a condition on `Media`: that it is a segment that archives took, and none needs it any more."""
    taken = exists().where(RecordingSegment.sha256 == Media.sha256)
    needed = taken.where(RecordingSegment.export_id == RecordingExport.id, RecordingExport.state != OVER)
    return taken.correlate(Media) & ~needed.correlate(Media)


def why(session: Session, name: str) -> list[dict[str, object]] | None:
    """By which rule a segment goes: no archive needs it any more. None while one does, [] where none ever took it."""
    query = select(RecordingExport).join(RecordingSegment, RecordingSegment.export_id == RecordingExport.id)
    rows = session.execute(query.where(RecordingSegment.sha256 == name).order_by(RecordingExport.id)).scalars().all()
    if any(row.state != OVER for row in rows):
        return None
    return [
        {"recording": row.request, "rule": RULE if row.ended == "kept" else str(row.ended), "what": "segment"}
        for row in rows
    ]


__all__ = ["RULE", "let_go", "spent", "why"]
