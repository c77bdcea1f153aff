"""How far a recording has come: what is waited for, and when all of it is here, or known to be absent."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from central.db.approvals import Approval
from central.db.media import Media, fence
from central.db.polling import BoxCommand
from central.db.recordings import RecordingExport, RecordingSegment
from central.polling import asking
from central.recordings import holds
from central.recordings.contents import Contents, contents, deletions, told_until
from central.recordings.rules import RecordingRules
from contract.command import SendSpan

#: Words for what is waited for; a page has a sentence for each.
LEDGER, BOX, REFUSED, FAULT, DISK, BUILDING = "ledger", "box", "refused", "fault", "disk", "building"
#: As the archive says why a segment is absent that the box never brought.
NOT_ARRIVED = "not_arrived"
_ENDS = {"refused": "refused", "withdrawn": "withdrawn"}
_CHUNK = 500


def judge(session: Session, row: RecordingExport, now: datetime) -> None:
    """One that nobody agreed to yet: it ends when it was refused, taken back, or asked for too long ago."""
    request = session.execute(select(Approval).where(Approval.key == row.request)).scalar_one()
    ended = _ENDS.get(request.state) or ("expired" if request.expires_at <= now else None)
    if ended is not None:
        holds.end(session, row, ended, now)
        return
    answer = session.get(BoxCommand, row.hold)
    refused = answer is not None and answer.status == "refused"
    row.waits, row.why = (REFUSED, (answer.reason or "")[:400]) if answer is not None and refused else ("", "")


def advance(session: Session, row: RecordingExport, rules: RecordingRules, now: datetime) -> bool:
    """One that was agreed to: ask the box, count what has come; whether the archive can be built."""
    if row.send is None:
        _send(session, row, rules, now)
    if told_until(session, row) < row.until_us:
        row.waits, row.why = LEDGER, ""
        return False
    if row.segments is None:
        note(session, row, contents(session, row))
    _count(session, row)
    answer = session.get(BoxCommand, row.send)
    refused = answer is not None and answer.status == "refused"
    row.waits, row.why = (REFUSED, (answer.reason or "")[:400]) if answer is not None and refused else (BOX, "")
    if row.here + row.absent < (row.segments or 0) and not waited(row, rules, now):
        return False
    row.waits = BUILDING
    return True


def note(session: Session, row: RecordingExport, found: Contents) -> None:
    """Write down which segments it takes."""
    # A sweep for orphans must not take one away between its look and these names.
    fence(session.connection(), alone=False)
    session.execute(delete(RecordingSegment).where(RecordingSegment.export_id == row.id))
    sizes = {one.recorded.sha256: one.recorded.bytes for one in found.segments}
    session.add_all(RecordingSegment(export_id=row.id, sha256=name, bytes=size) for name, size in sizes.items())
    row.segments, row.bytes = len(sizes), sum(sizes.values())
    session.flush()


def held(session: Session, names: Collection[str]) -> set[str]:
    """Those of `names` whose bytes are here."""
    given, found = list(names), set[str]()
    for at in range(0, len(given), _CHUNK):
        query = select(Media.sha256).where(Media.sha256.in_(given[at : at + _CHUNK]), Media.complete.is_(True))
        found |= set(session.execute(query).scalars())
    return found


def missing(found: Contents, here: Collection[str], *, all_waited: bool) -> dict[str, str] | None:
    """Why each segment that is not here is absent; None while one may still come."""
    absent = {}
    for one in found.segments:
        name = one.recorded.sha256
        if name in here:
            continue
        why = found.gone.get(name) or (NOT_ARRIVED if all_waited else None)
        if why is None:
            return None
        absent[name] = why
    return absent


def waited(row: RecordingExport, rules: RecordingRules, now: datetime) -> bool:
    """Whether it was waited for long enough."""
    return row.allowed_at is not None and now >= row.allowed_at + rules.wait


def _send(session: Session, row: RecordingExport, rules: RecordingRules, now: datetime) -> None:
    row.send = f"hand-{asking.new_id()[:24]}"
    said = SendSpan(
        command="send_span", id=row.send, camera_id=row.camera_id, from_us=row.from_us, until_us=row.until_us,
        by="central", reason=f"approved: {row.request}", most_bytes_per_s=rules.bytes_per_s,
    )  # fmt: skip
    asking.ask(session, row.edge_id, said, "central", now)


def _count(session: Session, row: RecordingExport) -> None:
    query = select(func.count(), func.coalesce(func.sum(RecordingSegment.bytes), 0)).join(
        Media, (Media.sha256 == RecordingSegment.sha256) & Media.complete.is_(True)
    )
    count, size = session.execute(query.where(RecordingSegment.export_id == row.id)).one()
    row.here, row.here_bytes = int(count), int(size)
    gone = {name for _, one in deletions(session, row) for name in one.segments}
    if gone:
        wanted = select(RecordingSegment.sha256).where(RecordingSegment.export_id == row.id)
        absent = gone & set(session.execute(wanted).scalars())
        row.absent = len(absent - held(session, absent))


__all__ = [
    "BOX", "BUILDING", "DISK", "FAULT", "LEDGER", "NOT_ARRIVED", "REFUSED", "advance", "held", "judge", "missing",
    "note", "waited",
]  # fmt: skip
