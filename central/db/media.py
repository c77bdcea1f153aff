"""Stills and clips by their SHA-256. The bytes live in the media store, here is what is known of them."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class Media(Base):
    """One object of the media store, complete and verified against its name when `complete` is set."""

    __tablename__ = "media"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), index=True)
    complete: Mapped[bool]
    received_at: Mapped[datetime]
