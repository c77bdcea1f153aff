"""What the party was told and what they said: letters, statements, and who looked at a notice without signing in."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class Notice(Base):
    """One letter: the notice itself, or the answer to an objection (`kind` notice | cancelled | upheld).

    `said` is the whole text as it was issued, ready to be set: title, rows, paragraphs, stills. It is never changed.
    `answer_by` is when the time for an objection ends (None: none is known).
    """

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    language: Mapped[str] = mapped_column(String(12))
    said: Mapped[dict[str, Any]]
    issued_by: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime]
    answer_by: Mapped[datetime | None]


class Statement(Base):
    """What the party says against it. `via` public | desk; `ground` is the one the party names, if any.

    The answer stands beside it once there is one: `outcome` cancelled | upheld.
    """

    __tablename__ = "statements"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    received_at: Mapped[datetime]
    via: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    ground: Mapped[str | None] = mapped_column(String(2))
    address: Mapped[str | None] = mapped_column(String(64))
    received_by: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str | None] = mapped_column(String(12))
    answer: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime | None]


class NoticePass(Base):
    """A browser that has shown number and plate: only the SHA-256 of its token is kept."""

    __tablename__ = "notice_passes"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notices.id"))
    until: Mapped[datetime] = mapped_column(index=True)


class NoticeView(Base):
    """Somebody who is not signed in looked at a notice (`what` page | still | letter | statement), from where."""

    __tablename__ = "notice_views"
    __table_args__ = (Index("ix_notice_views_notice_id_at", "notice_id", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    notice_id: Mapped[int] = mapped_column(ForeignKey("notices.id"))
    address: Mapped[str] = mapped_column(String(64))
    what: Mapped[str] = mapped_column(String(12))
    sha256: Mapped[str | None] = mapped_column(String(64))


__all__ = ["Notice", "NoticePass", "NoticeView", "Statement"]
