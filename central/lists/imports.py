"""Taking a list in: the whole file is read and judged first, then takes the place of the one before, or nothing does.

Lists of plates, the register and what was settled on the spot are each the state of another office's books, so a new
file replaces the old. What they were before stays told in `list_imports`, by SHA-256.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Table as SqlTable
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.lists import HandledRecord, ListImport, PlateEntry, RegisterVehicle
from central.lists.kinds import HANDLED, PLATES, REGISTER
from central.lists.tables import Row, Table, read_table
from contract.errors import InputError
from contract.exempt import load_list

#: Rows in one statement; the register of a province has millions.
_AT_ONCE = 5_000
#: How far the clocks of two offices may be apart.
_CLOCKS = timedelta(minutes=10)
Progress = Callable[[int], None]


def _silent(_done: int) -> None:
    return None


def plates(session: Session, kind: str, path: Path, by: str, as_of: datetime | None = None) -> int:
    """The list `kind` (a key of PLATES) becomes what `path` says, in the form of contract.exempt. Returns its rows.

    `as_of` is until when it tells what was known. Raises InputError for an unknown kind and for the first line that
    cannot be read; the list before stays then.
    """
    if kind not in PLATES:
        raise InputError(f"there is no list {kind!r} of plates - known are: {', '.join(PLATES)}")
    found = load_list(kind, path).plates
    noted = _noted(session, kind, path, hashlib.sha256(path.read_bytes()).hexdigest(), len(found), by, as_of)
    session.execute(delete(PlateEntry).where(PlateEntry.kind == kind))
    rows = ({"plate": plate, "kind": kind, "until": until, "import_id": noted.id} for plate, until in found.items())
    _put(session, PlateEntry, rows)
    return len(found)


def register(session: Session, path: Path, by: str, told: Progress = _silent) -> int:
    """The vehicle register becomes what `path` says: plate, plate_type (may be left out), vehicle_type, color.

    Raises InputError, and then the register before stays. `told` hears how many rows are in.
    """
    table = read_table(path, ("plate", "vehicle_type", "color"), ("plate_type",))
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for row in table:
        key = (table.plate(row), _short(table, row, "plate_type", 8))
        if key in seen:
            raise table.wrong(row.line, f"{key[0]} stands twice with plate_type {key[1]!r} - keep one line")
        seen[key] = (_short(table, row, "vehicle_type", 40), _short(table, row, "color", 20))
    _noted(session, REGISTER, path, table.sha256, len(seen), by)
    session.execute(delete(RegisterVehicle))
    rows = (
        {"plate": plate, "plate_type": kind, "vehicle_type": vehicle, "color": color}
        for (plate, kind), (vehicle, color) in sorted(seen.items())
    )
    _put(session, RegisterVehicle, rows, told)
    return len(seen)


def handled(session: Session, kind: str, path: Path, by: str, zone: tzinfo, as_of: datetime | None = None) -> int:
    """What others have already (`on_site` or `reports`) becomes what `path` says.

    Its columns are plate, at, and perhaps site, code, number. `at` is ISO 8601;
    where it names no offset it is meant in `zone`. Raises InputError, and then all stays as it was.
    """
    if kind not in HANDLED:
        raise InputError(f"there is no list {kind!r} of matters - known are: {', '.join(HANDLED)}")
    table = read_table(path, ("plate", "at"), ("site", "code", "number"))
    found = list(_matters(table, zone))
    noted = _noted(session, kind, path, table.sha256, len(found), by, as_of)
    session.execute(delete(HandledRecord).where(HandledRecord.kind == kind))
    _put(session, HandledRecord, ({**row, "kind": kind, "import_id": noted.id} for row in found))
    return len(found)


def _matters(table: Table, zone: tzinfo) -> Iterator[dict[str, Any]]:
    for row in table:
        text = row.values["at"]
        try:
            if len(text) < len("2026-12-31T08"):
                raise ValueError("a day is no time: it would be taken for midnight")
            at = datetime.fromisoformat(text)
            at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(zone)
        except (ValueError, OverflowError) as error:
            raise table.wrong(row.line, f"{text[:40]!r} is not a time like 2026-12-31T08:30 - mend it") from error
        lengths = {"site": 200, "code": 20, "number": 60}
        rest = {name: _short(table, row, name, most) or None for name, most in lengths.items()}
        yield {"plate": table.plate(row), "at": at, **rest}


def _short(table: Table, row: Row, name: str, most: int) -> str:
    value = row.values.get(name, "")
    if len(value) > most or not value.isprintable():
        raise table.wrong(row.line, f"{name} {value[:40]!r} is no short text - mend it")
    return value


def _noted(
    session: Session, kind: str, path: Path, sha256: str, rows: int, by: str, as_of: datetime | None = None
) -> ListImport:
    moment = office_now()
    if as_of is not None and as_of > moment + _CLOCKS:
        raise InputError(f"nobody knows yet what will be on {as_of:%Y-%m-%d %H:%M} - say until when the list was kept")
    noted = ListImport(
        kind=kind, file=path.name[:200], sha256=sha256, rows=rows, imported_by=by, imported_at=moment, as_of=as_of
    )
    session.add(noted)
    session.flush()
    return noted


def _put(session: Session, kind: type[Any], rows: Iterable[dict[str, Any]], told: Progress = _silent) -> None:
    """Rows in big statements, past the unit of work: a register has millions."""
    target: SqlTable = kind.__table__
    done = 0
    for some in _groups(rows):
        session.execute(insert(target), some)
        done += len(some)
        told(done)


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    rest = iter(rows)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


__all__ = ["handled", "plates", "register"]
