"""Asking for a recording: a span of a camera, why, and that another person is to agree. The box keeps it meanwhile."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.approvals import requests
from central.approvals.kinds import Kind
from central.db.recordings import RecordingExport
from central.live.cameras import site_of
from central.polling import acts, asking
from central.polling.continuity import micros
from central.recordings import holds
from central.recordings.rules import ASKED, RecordingRules
from central.tickets.errors import CaseMissing, Unfit


@dataclass(frozen=True, slots=True)
class Wanted:
    """A camera of a box, from `from_us` to before `until_us` (Unix microseconds)."""

    edge_id: str
    camera_id: str
    from_us: int
    until_us: int


def ask(
    session: Session, user: SignedInUser, site: str, wanted: Wanted, reason: str, rules: RecordingRules, now: datetime
) -> str:
    """Ask; returns the number of the request.

    Raises CaseMissing for a camera that is not at `site`, or not in their areas; Unfit for a span that is not wholly in
    the past, or too long; else as `requests.ask` does.
    """
    if site_of(session, wanted.edge_id, wanted.camera_id, user.areas) != site:
        raise CaseMissing("there is no such camera", "bookmark.camera")
    acts.locked(session, user, site)
    hours = rules.longest.total_seconds() / 3600
    if not wanted.from_us < wanted.until_us <= wanted.from_us + rules.longest.total_seconds() * 1e6:
        raise Unfit(
            f"a recording ends after it begins, {hours:g} h later at most - ask for several", "recording.span",
            hours=f"{hours:g}",
        )  # fmt: skip
    if wanted.until_us > micros(now) or wanted.from_us < 0:
        raise Unfit("only what is past can be handed out", "recording.past")
    key = requests.ask(session, user, Kind.RECORDING, asdict(wanted) | {"site": site}, reason)
    row = RecordingExport(
        request=key, **asdict(wanted), site=site, state=ASKED, hold=f"hand-{asking.new_id()[:24]}", asked_at=now,
        waits="", why="", here=0, here_bytes=0, absent=0,
    )  # fmt: skip
    session.add(row)
    session.flush()
    holds.keep(session, row, user.name, now)
    return key


__all__ = ["Wanted", "ask"]
