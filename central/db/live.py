"""Live view: who watched what, when nobody may, and which replica has which stream."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from central.db.base import Base


class WatchLog(Base):
    """A line at the beginning and one at the end of each watching; they enter the ledger and are only added to.

    `watch` is what both have in common. A watching without an end is one whose replica was killed.
    """

    __tablename__ = "watch_log"
    __table_args__ = (Index("ix_watch_log_place", "edge_id", "camera_id", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    watch: Mapped[str] = mapped_column(String(32), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    site: Mapped[str] = mapped_column(String(200), index=True)
    action: Mapped[str] = mapped_column(String(10))
    detail: Mapped[dict[str, Any]]


@event.listens_for(WatchLog, "before_update")
@event.listens_for(WatchLog, "before_delete")
def _refuse(_mapper: Mapper[Any], _connection: Any, line: WatchLog) -> None:
    raise ValueError(f"the log of who watched is only added to: line {line.id} cannot be changed or removed")


class Embargo(Base):
    """From `begins_at` to `ends_at` nobody watches a site, or the sites of an area (neither: all) but `but` (names).

    It may be lifted, and is never changed otherwise.
    """

    __tablename__ = "embargoes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    area: Mapped[str | None] = mapped_column(String(40))
    site: Mapped[str | None] = mapped_column(String(200))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(Text)
    but: Mapped[list[Any]]
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    lifted_by: Mapped[str | None] = mapped_column(String(64))
    lifted_at: Mapped[datetime | None]


class LiveSource(Base):
    """A box brings a stream to the replica at `address` (None: no other can reach it); `stream` "" for none.

    The newest connection has the row. What a killed replica leaves behind is taken over by the next.
    """

    __tablename__ = "live_sources"

    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    stream: Mapped[str] = mapped_column(String(64), primary_key=True)
    connection: Mapped[str] = mapped_column(String(32))
    address: Mapped[str | None] = mapped_column(String(200))
    since: Mapped[datetime]


class LiveTicket(Base):
    """Lets one replica fetch one stream from another, once. Only the SHA-256 of what it shows is kept."""

    __tablename__ = "live_tickets"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    edge_id: Mapped[str] = mapped_column(String(64))
    camera_id: Mapped[str] = mapped_column(String(64))
    stream: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime] = mapped_column(index=True)


__all__ = ["Embargo", "LiveSource", "LiveTicket", "WatchLog"]
