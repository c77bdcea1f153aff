"""Who watched a station, as its log says: a watching is a beginning and, where it came to one, its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.accounts import User
from central.db.live import WatchLog


@dataclass(frozen=True, slots=True)
class Watched:
    """One watching. `from_us`: a play back, from there (Unix microseconds); `ended` None: it goes on, or broke off."""

    who: str
    camera_id: str
    begun: datetime
    quality: str
    from_us: int | None
    pace: int
    ended: datetime | None
    pictures: int | None


def of_station(session: Session, site: str, most: int = 200) -> Sequence[Watched]:
    """The latest watchings of a site, newest first."""
    query = select(WatchLog, User.name).join(User, User.id == WatchLog.user_id)
    query = query.where(WatchLog.site == site, WatchLog.action == "begin").order_by(WatchLog.id.desc()).limit(most)
    begun = [(row, name) for row, name in session.execute(query)]
    over = select(WatchLog).where(WatchLog.action == "end", WatchLog.watch.in_([row.watch for row, _ in begun]))
    ends = {row.watch: row for row in session.execute(over).scalars()}
    return [_watched(row, name, ends.get(row.watch)) for row, name in begun]


def _watched(row: WatchLog, name: str, end: WatchLog | None) -> Watched:
    said = row.detail
    return Watched(
        name, row.camera_id, row.at, str(said["quality"]), said.get("from_us"), int(said.get("pace", 1)),
        end.at if end is not None else None, end.detail.get("pictures") if end is not None else None,
    )  # fmt: skip


__all__ = ["Watched", "of_station"]
