"""Who watched what, when: a line at the beginning, one at the end with what came of it."""

import secrets
from typing import Any

from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.live import WatchLog
from central.live.hub import Watching, Wish


def begin(session: Session, watching: Watching, wish: Wish) -> None:
    """Somebody is about to see pictures; `watching` gets the name of its lines."""
    watching.watch = secrets.token_hex(16)
    detail: dict[str, Any] = {"quality": wish.quality}
    if wish.from_us is not None:
        detail |= {"from_us": wish.from_us, "pace": wish.pace}
    session.add(_line(watching, "begin", detail))


def end(session: Session, watching: Watching) -> None:
    """He sees none any more: why, and how many he was given."""
    seen = watching.viewer
    session.add(_line(watching, "end", {"why": watching.ended, "pictures": seen.pictures, "lost": seen.lost}))


def _line(watching: Watching, action: str, detail: dict[str, Any]) -> WatchLog:
    place = watching.place
    return WatchLog(
        watch=watching.watch, at=office_now(), user_id=watching.user_id, edge_id=place.edge_id,
        camera_id=place.camera_id, site=watching.site, action=action, detail=detail,
    )  # fmt: skip


__all__ = ["begin", "end"]
