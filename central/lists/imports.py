"""Taking a list in: the whole file is read and judged first, then takes the place of the one before, or nothing does.

Lists of plates, the register and what was settled on the spot are each the state of another office's books, so a new
file replaces the old. What they were before stays told in `list_imports`, by SHA-256.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from central.db.database import Database
from central.db.lists import HandledRecord, PlateEntry, RegisterVehicle
from central.lists.kinds import HANDLED, PLATES, REGISTER
from central.lists.replace import AT_ONCE, Incoming, Progress, check, replace, silent
from central.lists.staging import Staged, staged
from central.lists.tables import Row, Table
from contract.errors import InputError
from contract.exempt import load_list

_Checked = Callable[[Table, Row], tuple[str, list[Any]]]


def plates(db: Database, kind: str, path: Path, by: str, as_of: datetime | None = None, told: Progress = silent) -> int:
    """The list `kind` (a key of PLATES) becomes what `path` says, in the form of contract.exempt. Returns its rows.

    `as_of` is until when it tells what was known. Raises InputError for an unknown kind and for the first line that
    cannot be read; the list before stays then.
    """
    if kind not in PLATES:
        raise InputError(f"there is no list {kind!r} of plates - known are: {', '.join(PLATES)}")
    check(as_of)
    said = load_list(kind, path)
    rows = ({"plate": plate, "kind": kind, "until": until} for plate, until in sorted(said.plates.items()))
    file = Incoming(kind, path.name, said.sha256, len(said.plates), by, as_of)
    return replace(db, PlateEntry, file, rows, told)


def register(db: Database, path: Path, by: str, told: Progress = silent) -> int:
    """The vehicle register becomes what `path` says: plate, plate_type (may be left out), vehicle_type, color.

    Raises InputError, and then the register before stays. `told` hears how many rows were checked and are in.
    """
    table = Table(path, ("plate", "vehicle_type", "color"), ("plate_type",))
    with staged() as store:
        _stage(store, table, _vehicle, told)
        names = ("plate", "plate_type", "vehicle_type", "color")
        rows = (dict(zip(names, said, strict=True)) for said in store.rows())
        return replace(db, RegisterVehicle, Incoming(REGISTER, path.name, table.sha256, len(store), by), rows, told)


def handled(
    db: Database,
    kind: str,
    path: Path,
    by: str,
    zone: tzinfo,
    as_of: datetime | None = None,
    told: Progress = silent,
) -> int:
    """What others have already (`on_site` or `reports`) becomes what `path` says.

    Its columns are plate, at, and perhaps site, code, number. `at` is ISO 8601;
    where it names no offset it is meant in `zone`. Raises InputError, and then all stays as it was.
    """
    if kind not in HANDLED:
        raise InputError(f"there is no list {kind!r} of matters - known are: {', '.join(HANDLED)}")
    check(as_of)
    table = Table(path, ("plate", "at"), ("site", "code", "number"))
    with staged() as store:
        _stage(store, table, partial(_matter, zone), told)
        names = ("plate", "at", "site", "code", "number")
        rows = (dict(zip(names, said, strict=True)) for said in store.rows())
        moments = (row | {"kind": kind, "at": datetime.fromisoformat(row["at"])} for row in rows)
        file = Incoming(kind, path.name, table.sha256, len(store), by, as_of)
        return replace(db, HandledRecord, file, moments, told)


def _stage(store: Staged, table: Table, checked: _Checked, told: Progress) -> None:
    def keyed() -> Iterator[tuple[str, int, list[Any]]]:
        for row in table:
            key, said = checked(table, row)
            yield key, row.line, said

    rows = keyed()
    while some := list(islice(rows, AT_ONCE)):
        store.add(table, some)
        told("checked", len(store))


def _vehicle(table: Table, row: Row) -> tuple[str, list[Any]]:
    plate, kind = table.plate(row), table.short(row, "plate_type", 8)
    return f"{plate} {kind}", [plate, kind, table.short(row, "vehicle_type", 40), table.short(row, "color", 20)]


def _matter(zone: tzinfo, table: Table, row: Row) -> tuple[str, list[Any]]:
    text = row.values["at"]
    try:
        if len(text) < len("2026-12-31T08"):
            raise ValueError("a day is no time: it would be taken for midnight")
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise table.wrong(row.line, f"{text[:40]!r} is not a time like 2026-12-31T08:30 - mend it") from error
    lengths = {"site": 200, "code": 20, "number": 60}
    rest = [table.short(row, name, most) or None for name, most in lengths.items()]
    # Two records may be alike: each is kept, in the order of the file.
    return f"{row.line:012d}", [table.plate(row), at.isoformat(), *rest]


__all__ = ["handled", "plates", "register"]
