"""Messages to polling stations: what was written, the link by which a station reads it, and who acknowledged it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from central.db.base import Base


class StationLink(Base):
    """Lets whoever has it read and acknowledge the messages of one station. Only the SHA-256 of its token is kept."""

    __tablename__ = "station_links"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    site: Mapped[str] = mapped_column(String(200), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_by: Mapped[str | None] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None]


class StationMessage(Base):
    """What somebody wrote to a station. It is only added to."""

    __tablename__ = "station_messages"
    __table_args__ = (Index("ix_station_messages_site", "site", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    site: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(300))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)


class MessageAnswer(Base):
    """Somebody at the station has read it, by a link; or told somebody of the office so (`user_id`)."""

    __tablename__ = "message_answers"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("station_messages.id"), index=True)
    link_id: Mapped[int | None] = mapped_column(ForeignKey("station_links.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


def _refuse(_mapper: Mapper[Any], _connection: Any, line: StationMessage | MessageAnswer) -> None:
    raise ValueError(f"{line.__tablename__} is only added to: line {line.id} cannot be changed or removed")


for _table in (StationMessage, MessageAnswer):
    for _change in ("before_update", "before_delete"):
        event.listen(_table, _change, _refuse)

__all__ = ["MessageAnswer", "StationLink", "StationMessage"]
