"""What goes into the archive of a recording, gathered from the database; the ledger's proofs are made for it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from joserfc.jwk import OKPKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.accounts import User
from central.db.approvals import Approval, ApprovalLog
from central.db.database import Database
from central.db.live import WatchLog
from central.db.marks import StationLog
from central.db.polling import Station
from central.db.recordings import RecordingExport
from central.db.sites import SiteVersion
from central.ledger import entries
from central.ledger.authority import Authority
from central.ledger.entries import Ref
from central.ledger.proving import prove
from central.media.store import MediaStore
from central.recordings.contents import Contents, Sealed
from contract.errors import InputError
from contract.recording import Request, Wanted, versions_of
from contract.recording_archive import Look, Parts, SealedEvent

#: What the history of a station calls a recording that was taken away.
FETCHED = "recording fetched"


@dataclass(frozen=True, slots=True)
class Gathered:
    """All but proofs and segments; `refs` are the entries of the ledger that must vouch for it."""

    request: Request
    events: list[SealedEvent]
    sites: list[tuple[int, bytes]]
    looks: list[Look]
    refs: tuple[Ref, ...]
    asked: Ref


def gathered(session: Session, row: RecordingExport, found: Contents) -> Gathered:
    """Raises InputError for a site file that is not registered here."""
    request, lines = _request(session, row)
    placed = [*found.blocks, *found.later]
    events: list[Sealed] = [*(one for one, _ in placed), *(one for one, _ in found.deleted)]
    # The newest block of the span goes on from all before it; later words and deletions stand by themselves.
    reach = next((n for n, (_, one) in enumerate(placed) if one.until_us >= row.until_us), len(placed) - 1)
    vouched = [*(one for one, _ in placed[reach:]), *(one for one, _ in found.deleted)]
    watched = select(WatchLog.id).where(WatchLog.edge_id == row.edge_id, WatchLog.camera_id == row.camera_id)
    refs: list[Ref] = [(entries.EVENT, one.id) for one in vouched]
    refs += [(entries.KEY, kid) for kid in sorted({one.kid for one in events})]
    refs += [(entries.APPROVAL, str(one)) for one in lines]
    refs += [(entries.WATCH, str(one)) for one in session.execute(watched).scalars()]
    return Gathered(
        request, [SealedEvent(bytes(one.raw), one.jws) for one in events], _sites(session, row, found),
        _looks(session, row), tuple(refs), (entries.APPROVAL, str(lines[0])),
    )  # fmt: skip


def parts(
    db: Database,
    key: OKPKey,
    authority: Authority | None,
    given: Gathered,
    segments: Collection[str],
    absent: Mapping[str, str],
    store: MediaStore,
) -> Parts:
    """With the ledger's proofs, and the files of `segments` (names). Raises RunError, FileNotFoundError."""
    proofs = prove(db, key, authority, given.refs, given.asked)
    return Parts(
        request=given.request, events=given.events, sites=given.sites,
        segments={name: store.path(name) for name in segments}, ledger=proofs.files, made_at=office_now(),
        absent=absent, looks=given.looks,
    )  # fmt: skip


def _request(session: Session, row: RecordingExport) -> tuple[Request, Sequence[int]]:
    one = session.execute(select(Approval).where(Approval.key == row.request)).scalar_one()
    if one.decided_by is None or one.decided_at is None:
        raise InputError(f"request {row.request}: nobody approved it")
    lines = select(ApprovalLog.id).where(ApprovalLog.approval_id == one.id).order_by(ApprovalLog.id)
    wanted = Wanted(edge_id=row.edge_id, camera_id=row.camera_id, from_us=row.from_us, until_us=row.until_us)
    names = [session.get_one(User, number).name for number in (one.asked_by, one.decided_by)]
    said = Request(
        key=one.key, wanted=wanted, reason=one.reason, asked_by=names[0], asked_at=one.asked_at, approved_by=names[1],
        approved_at=one.decided_at,
    )  # fmt: skip
    return said, session.execute(lines).scalars().all()


def _sites(session: Session, row: RecordingExport, found: Contents) -> list[tuple[int, bytes]]:
    """The site files that the box signed; of blocks that name none, the one that is registered now."""
    versions = versions_of([block for _, block in found.blocks], row.from_us, row.until_us)
    if not versions:
        station = session.get(Station, row.site)
        versions = [(row.from_us, station.sha256)] if station is not None else []
    files = []
    for from_us, sha256 in versions:
        kept = session.get(SiteVersion, sha256)
        if kept is None:
            raise InputError(
                f"the box recorded by the site file {sha256}, which is not registered here - "
                "register it: sightline central site add"
            )
        files.append((from_us, bytes(kept.raw)))
    return files


def _looks(session: Session, row: RecordingExport) -> list[Look]:
    """Earlier archives of this camera that were taken away."""
    query = select(StationLog).where(StationLog.site == row.site, StationLog.action == FETCHED).order_by(StationLog.id)
    return [
        Look(one.at.astimezone(UTC), one.name, _taken(one.detail))
        for one in session.execute(query).scalars()
        if (one.detail.get("edge"), one.detail.get("camera")) == (row.edge_id, row.camera_id)
    ]


def _taken(detail: Mapping[str, object]) -> str:
    first, last = (
        datetime.fromtimestamp(int(str(detail[name])) / 1e6, UTC).isoformat(timespec="seconds")
        for name in ("from_us", "until_us")
    )
    return f"recording {detail['request']} taken away: {first} to {last}"


__all__ = ["FETCHED", "Gathered", "gathered", "parts"]
