"""Recordings that are handed out: what was asked for, how far it has come, and which segments it takes."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class RecordingExport(Base):
    """A span of one camera (Unix microseconds) that somebody asked for; `request` is the number of the approval.

    `state`: asked | fetching | ready | over. `hold` and `send` are the ids of the commands that the box got. `waits`
    says in a word what is waited for, `why` in a sentence; `here` of `segments` have come. `sha256` and `size` are the
    archive's. `ended`: why it is over.
    """

    __tablename__ = "recording_exports"
    __table_args__ = (Index("ix_recording_exports_state", "state"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    request: Mapped[str] = mapped_column(String(20), unique=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    site: Mapped[str] = mapped_column(String(200), index=True)
    from_us: Mapped[int] = mapped_column(BigInteger)
    until_us: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))
    hold: Mapped[str] = mapped_column(String(36))
    send: Mapped[str | None] = mapped_column(String(36))
    asked_at: Mapped[datetime]
    allowed_at: Mapped[datetime | None]
    waits: Mapped[str] = mapped_column(String(16), default="")
    why: Mapped[str] = mapped_column(String(400), default="")
    segments: Mapped[int | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    here: Mapped[int] = mapped_column(default=0)
    here_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    absent: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None] = mapped_column(BigInteger)
    ready_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended: Mapped[str | None] = mapped_column(String(10))


class RecordingSegment(Base):
    """A segment that an archive takes, whether it is here or not."""

    __tablename__ = "recording_segments"

    export_id: Mapped[int] = mapped_column(ForeignKey("recording_exports.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)


__all__ = ["RecordingExport", "RecordingSegment"]
