"""What boxes say of polling stations, for tests that begin behind the intake."""

from datetime import datetime

from sqlalchemy.orm import Session

from central.db.events import Event
from central.db.polling import FeedTrouble


def trouble(session: Session, n: int, at: datetime, kind: str = "covered", severity: str = "alarm") -> FeedTrouble:
    """Box `n` tells of a trouble at station `n` of `test_polling_wall.fill`."""
    event = Event(
        id=f"ev-{n}", edge_id=f"box-{n:03}", camera_id="hall", type="sightline.feed.trouble", chain_id="c", chain_seq=n,
        chain_prev="", chain_state="genesis", sha256="", raw=b"{}", jws="", kid="", sealed=True, at=at, received_at=at,
    )  # fmt: skip
    row = FeedTrouble(
        edge_id=f"box-{n:03}", case_key=f"{n:064}", event_id=event.id, camera_id="hall", site=f"ps-{n:03}", kind=kind,
        severity=severity, reason="r", figures={}, at_first=at, at_trigger=at, created_at=at,
    )  # fmt: skip
    session.add(event)
    session.flush()
    session.add(row)
    session.flush()
    return row
