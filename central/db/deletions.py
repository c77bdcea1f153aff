"""What was deleted after its time: each still or clip, and the signed certificates that say so."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from central.db.base import Base


class Deletion(Base):
    """One object whose time has come. Its bytes are gone once `removed_at` is set; then a certificate will name it.

    `why` says for each case that named it by which rule it went, `edge_id` whose upload it was.
    """

    __tablename__ = "deletions"
    __table_args__ = (Index("ix_deletions_open", "certificate_id", "removed_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    why: Mapped[list[Any]]
    decided_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("deletion_certificates.id"))


class DeletionCertificate(Base):
    """`raw` is what was signed, `jws` the detached signature of the office's key `kid` over it. Only ever added to."""

    __tablename__ = "deletion_certificates"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    at: Mapped[datetime]
    kid: Mapped[str] = mapped_column(String(64))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    jws: Mapped[str] = mapped_column(Text)


@event.listens_for(DeletionCertificate, "before_update")
@event.listens_for(DeletionCertificate, "before_delete")
def _refuse(_mapper: Mapper[Any], _connection: Any, row: DeletionCertificate) -> None:
    raise ValueError(f"certificates of deletion are only added to: {row.number} cannot be changed or removed")


__all__ = ["Deletion", "DeletionCertificate"]
