"""What monitors do at polling stations: a history that enters the ledger, and bookmarks."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from central.db.base import Base


class StationLog(Base):
    """One line for each thing that somebody does at a station. It enters the ledger and is only added to.

    `user_id` is None where who did it has no account.
    """

    __tablename__ = "station_log"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    site: Mapped[str] = mapped_column(String(200), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(24))
    detail: Mapped[dict[str, Any]]


class Bookmark(Base):
    """A stretch of one camera (Unix microseconds) that a box keeps because of the marks in it.

    `holds`: ids of the commands that asked for it, one for each time it grew. `gone_at`: all of its marks were taken
    back, or went to another bookmark.
    """

    __tablename__ = "bookmarks"
    __table_args__ = (Index("ix_bookmarks_place", "edge_id", "camera_id", "from_us"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    site: Mapped[str] = mapped_column(String(200), index=True)
    from_us: Mapped[int] = mapped_column(BigInteger)
    until_us: Mapped[int] = mapped_column(BigInteger)
    holds: Mapped[list[Any]]
    made_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(500))


class BookmarkMark(Base):
    """One person's mark of one moment (Unix microseconds), and what they say of it. `sent` is their browser's id."""

    __tablename__ = "bookmark_marks"
    __table_args__ = (UniqueConstraint("user_id", "sent"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    bookmark_id: Mapped[int] = mapped_column(ForeignKey("bookmarks.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(64))
    at_us: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    sent: Mapped[str] = mapped_column(String(32))
    category: Mapped[str | None] = mapped_column(String(16))
    severity: Mapped[str | None] = mapped_column(String(8))
    note: Mapped[str] = mapped_column(String(500))
    undone_at: Mapped[datetime | None]


class PhaseMarker(Base):
    """Somebody says that a phase of a station began at `at`; "" takes away the marker that it `corrects`."""

    __tablename__ = "phase_markers"
    __table_args__ = (UniqueConstraint("corrects"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    site: Mapped[str] = mapped_column(String(200), index=True)
    phase: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(500))
    reason: Mapped[str] = mapped_column(String(500))
    corrects: Mapped[int | None] = mapped_column(ForeignKey("phase_markers.id"))


class PhaseStill(Base):
    """What one camera showed when a phase was marked: a JPEG of its box, taken at `wall_us` by the box's clock."""

    __tablename__ = "phase_stills"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    marker_id: Mapped[int] = mapped_column(ForeignKey("phase_markers.id"), index=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    wall_us: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    image: Mapped[bytes] = mapped_column(LargeBinary)


class TroubleAct(Base):
    """What somebody says of a trouble of pictures: `taken`, `done`, or `false` (there was none)."""

    __tablename__ = "trouble_acts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    trouble_id: Mapped[int] = mapped_column(ForeignKey("feed_troubles.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(8))
    note: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime]


def _refuse(_mapper: Mapper[Any], _connection: Any, line: StationLog | PhaseMarker | PhaseStill | TroubleAct) -> None:
    raise ValueError(f"{line.__tablename__} is only added to: line {line.id} cannot be changed or removed")


for _table in (StationLog, PhaseMarker, PhaseStill, TroubleAct):
    for _change in ("before_update", "before_delete"):
        event.listen(_table, _change, _refuse)

__all__ = ["Bookmark", "BookmarkMark", "PhaseMarker", "PhaseStill", "StationLog", "TroubleAct"]
