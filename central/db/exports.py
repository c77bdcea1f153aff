"""What was handed to the police system: one archive a time, and which cases stood in it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class Export(Base):
    """One archive. Its bytes follow from `table`, `manifest` and the media store.

    `sha256` and `size` are the archive's, once it was written. `left_out` are the cases that could not go
    along, each with its reason.
    """

    __tablename__ = "exports"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    map_id: Mapped[str] = mapped_column(String(41))
    map_sha256: Mapped[str] = mapped_column(String(64))
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    cases: Mapped[int]
    table_name: Mapped[str] = mapped_column(String(80))
    table: Mapped[bytes] = mapped_column(LargeBinary)
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    left_out: Mapped[list[Any]] = mapped_column(default=list)
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None] = mapped_column(BigInteger)


class ExportCase(Base):
    """A case in an archive. One case is in one archive and never in a second."""

    __tablename__ = "export_cases"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    export_id: Mapped[int] = mapped_column(ForeignKey("exports.id"), index=True)
    row: Mapped[int]


__all__ = ["Export", "ExportCase"]
