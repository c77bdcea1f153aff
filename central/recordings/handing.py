"""Handing an archive out: to whom, and that it is on record. An embargo keeps it back as it does live pictures."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.permissions import Permission
from central.accounts.sessions import SignedInUser
from central.db.approvals import Approval
from central.db.recordings import RecordingExport
from central.db.sites import Site
from central.live import embargo
from central.polling import acts
from central.recordings.parts import FETCHED
from central.recordings.rules import READY, RecordingRules, archive_of
from central.tickets.errors import CaseMissing, NotAllowed, Unfit


def found(session: Session, request: str) -> tuple[RecordingExport, Approval]:
    """What was asked for under that number. Raises CaseMissing."""
    query = select(RecordingExport, Approval).join(Approval, Approval.key == RecordingExport.request)
    one = session.execute(query.where(RecordingExport.request == request.replace("\0", "")[:20])).one_or_none()
    if one is None:
        raise CaseMissing("there is no such recording", "recording.none")
    return one[0], one[1]


def may_fetch(user: SignedInUser, request: Approval) -> bool:
    """Who asked for it, and whoever could have agreed."""
    return user.id == request.asked_by or user.may(Permission.RECORDINGS_APPROVE)


def kept_back(session: Session, site: str, name: str, now: datetime) -> str | None:
    """Why somebody may not have it now, None when they may: while nobody watches, nothing is handed out either."""
    area = session.execute(select(Site.area).where(Site.site == site)).scalar_one_or_none()
    return embargo.may_watch(now, name, site, area, embargo.windows(session, now))


def hand(
    session: Session, user: SignedInUser, request: str, rules: RecordingRules, first: int, now: datetime
) -> tuple[RecordingExport, Path]:
    """The archive for `user`, who takes it from byte `first` on; on record in this transaction.

    Raises CaseMissing, NotAllowed, or Unfit during an embargo and for one that is not there.
    """
    row, asked = found(session, request)
    if not may_fetch(user, asked):
        raise NotAllowed("who asked for a recording fetches it, or who may approve one", "recording.not_yours")
    if (why := kept_back(session, row.site, user.name, now)) is not None:
        raise Unfit(f"an embargo keeps it back: {why}", "recording.embargo", why=why)
    if row.state != READY:
        raise Unfit("this recording is not ready, or no longer kept", "recording.not_ready")
    path = archive_of(rules.folder, row.request)
    if not path.is_file():
        raise Unfit("its archive is on another machine - let replicas share recordings.folder", "recording.elsewhere")
    acts.note(
        session, row.site, user, FETCHED, now, request=row.request, edge=row.edge_id, camera=row.camera_id,
        from_us=row.from_us, until_us=row.until_us, reason=asked.reason, sha256=row.sha256, first_byte=first,
    )  # fmt: skip
    return row, path


__all__ = ["found", "hand", "kept_back", "may_fetch"]
