"""Lists that the authority hands over: plates, the vehicle register, matters settled on the spot, public reports.

Nobody is named in any of them: of a vehicle its plate, type and colour, never its owner.
"""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base

#: Of a file that is taken in: its rows are coming, they count, they did, they never will.
LOADING, CURRENT, PAST, DROPPED = "loading", "current", "past", "dropped"


class ListImport(Base):
    """One file that was taken in: which list it became, its SHA-256, how many rows, by whom and when.

    `as_of` is until when the office that wrote it says what it knew; None where nobody told. Its rows come in under its
    number while it is LOADING, and count from the moment on in which it is CURRENT; the one before is PAST then.
    DROPPED is one that never came to its end.
    """

    __tablename__ = "list_imports"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), index=True)
    file: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int]
    imported_by: Mapped[str] = mapped_column(String(100))
    imported_at: Mapped[datetime]
    as_of: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(8))


class PlateEntry(Base):
    """A plate on the list `kind`, until the end of the day `until` where one is set."""

    __tablename__ = "plate_entries"

    import_id: Mapped[int] = mapped_column(ForeignKey("list_imports.id"), primary_key=True)
    plate: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    until: Mapped[date | None] = mapped_column(Date)


class RegisterVehicle(Base):
    """What the register says of a plate. One text can stand on plates of two types; `plate_type` is then needed."""

    __tablename__ = "register_vehicles"

    import_id: Mapped[int] = mapped_column(ForeignKey("list_imports.id"), primary_key=True)
    plate: Mapped[str] = mapped_column(String(40), primary_key=True)
    plate_type: Mapped[str] = mapped_column(String(8), primary_key=True)
    vehicle_type: Mapped[str] = mapped_column(String(40))
    color: Mapped[str] = mapped_column(String(20))


class HandledRecord(Base):
    """A matter that others have already: settled by an officer on the spot (`on_site`), or told by the public."""

    __tablename__ = "handled_records"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    plate: Mapped[str] = mapped_column(String(40), index=True)
    at: Mapped[datetime]
    site: Mapped[str | None] = mapped_column(String(200))
    code: Mapped[str | None] = mapped_column(String(20))
    number: Mapped[str | None] = mapped_column(String(60))
    import_id: Mapped[int] = mapped_column(ForeignKey("list_imports.id"), index=True)
