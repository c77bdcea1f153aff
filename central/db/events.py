"""What arrived: sealed events as the bytes that were received, and what was not let in."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base

#: What a person may ask for among millions: links that wait for a neighbour, and those that do not hold.
_OPEN = text("chain_state IN ('pending', 'broken')")


class Event(Base):
    """One admitted event.

    `raw` and `jws` are what was received, byte for byte. A second decision of the same matter (a box that
    restarted) is kept because the chain runs through it, but only its predecessor `duplicate_of` counts: its own
    `case_key` is left empty. `chain_state`: genesis | linked | pending (the neighbour has not arrived) | broken.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("edge_id", "case_key", "type"),
        Index("ix_events_chain", "edge_id", "chain_id", "chain_seq"),
        Index("ix_events_chain_open", "chain_state", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    camera_id: Mapped[str | None] = mapped_column(String(64))
    type: Mapped[str] = mapped_column(String(100))
    case_key: Mapped[str | None] = mapped_column(String(64))
    duplicate_of: Mapped[str | None] = mapped_column(String(64))
    camera_seq: Mapped[int | None] = mapped_column(BigInteger)
    chain_id: Mapped[str] = mapped_column(String(64))
    chain_seq: Mapped[int] = mapped_column(BigInteger)
    chain_prev: Mapped[str] = mapped_column(String(64))
    chain_state: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    jws: Mapped[str] = mapped_column(Text)
    kid: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bool]
    at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)


class Quarantine(Base):
    """A message that was refused, with the reason, for a person to inspect. The same bytes again are counted."""

    __tablename__ = "quarantine"
    __table_args__ = (UniqueConstraint("sha256", "topic"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    topic: Mapped[str] = mapped_column(String(300))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    jws: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(500))
    seen: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
