"""The hold that a box has on a span that somebody asked for, and letting it go when nothing waits for it any more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts import sessions
from central.approvals.errors import BadRequest
from central.db.accounts import User
from central.db.recordings import RecordingExport
from central.polling import asking
from central.recordings.rules import ASKED, FETCHING, OVER
from central.sites import areas as sites
from contract.command import KeepSpan, ReleaseSpan

#: Longest reason that a box is told.
_TOLD: Final = 90


def keep(session: Session, row: RecordingExport, by: str, now: datetime) -> None:
    """Ask the box not to delete it: whoever decides may take days."""
    said = KeepSpan(
        command="keep_span", id=row.hold, camera_id=row.camera_id, from_us=row.from_us, until_us=row.until_us, by=by,
        reason=f"asked for: {row.request}",
    )  # fmt: skip
    asking.ask(session, row.edge_id, said, by, now)


def let_go(session: Session, row: RecordingExport, reason: str, now: datetime) -> None:
    """The box need keep it no longer for this."""
    said = ReleaseSpan(
        command="release_span",
        id=f"{row.hold}-r",
        hold=row.hold,
        by="central",
        reason=f"{row.request}: {reason}"[:_TOLD],
    )
    asking.ask(session, row.edge_id, said, "central", now)


def end(session: Session, row: RecordingExport, ended: str, now: datetime) -> None:
    """It comes to nothing, or its time is over. What a box still keeps for it is let go."""
    if row.state in (ASKED, FETCHING):
        let_go(session, row, ended, now)
    row.state, row.ended, row.ended_at, row.waits, row.why = OVER, ended, now, "", ""


def allow(session: Session, what: Mapping[str, Any], asker: User, request: str, now: datetime) -> None:
    """Somebody else agreed, in their transaction: from now on it is fetched. Raises BadRequest."""
    query = select(RecordingExport).where(RecordingExport.request == request).with_for_update()
    row = session.execute(query).scalar_one()
    if not sites.holds(session, what["site"], sessions.areas_of(session, asker.id)):
        raise BadRequest(f"{asker.name} has that station no more - refuse it", "bad.asker_gone", name=asker.name)
    row.state, row.allowed_at = FETCHING, now


__all__ = ["allow", "end", "keep", "let_go"]
