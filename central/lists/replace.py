"""One list takes the place of another, and nobody waits for it: rows come in by thousands, under a number of their own.

They count from one moment on, in which the number is made the current one; the rows before are removed by thousands
again. Who is killed in between leaves rows that count for nothing, and the next import removes them. Of two imports of
a list at once the later one that comes to its end stands, and an earlier one that is not yet there is told so.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.database import Database
from central.db.lists import CURRENT, DROPPED, LOADING, PAST, HandledRecord, ListImport, PlateEntry, RegisterVehicle
from contract.errors import InputError

#: Rows in one transaction: others write meanwhile.
AT_ONCE: Final = 5_000
#: How far the clocks of two offices may be apart.
_CLOCKS = timedelta(minutes=10)
#: (what is done: `checked`, `in`; of how many rows)
Progress = Callable[[str, int], None]
_Kept = type[PlateEntry] | type[RegisterVehicle] | type[HandledRecord]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that was read and judged: which list it becomes, its name and SHA-256, its rows, who gives it.

    `as_of` is until when it tells what was known.
    """

    kind: str
    file: str
    sha256: str
    rows: int
    by: str
    as_of: datetime | None = None


def silent(_what: str, _done: int) -> None:
    """For who wants to hear of no progress."""


def check(as_of: datetime | None) -> None:
    """Raise InputError when a list says that it tells what is still to come."""
    if as_of is not None and as_of > office_now() + _CLOCKS:
        raise InputError(f"nobody knows yet what will be on {as_of:%Y-%m-%d %H:%M} - say until when the list was kept")


def replace(db: Database, kept: _Kept, file: Incoming, rows: Iterable[dict[str, Any]], told: Progress = silent) -> int:
    """The list `file.kind` becomes `rows`. Returns how many they are.

    Raises InputError when another import of the list came to its end meanwhile.
    """
    number = _begun(db, file)
    # The table and not the class: past the unit of work.
    target: Any = kept.__table__
    rest, done = iter(rows), 0
    while some := list(islice(rest, AT_ONCE)):
        with _in_turn(db) as session:
            _go_on(session, number)
            session.execute(insert(target), [row | {"import_id": number} for row in some])
        done += len(some)
        told("in", done)
    for past in _made_current(db, file.kind, number):
        _remove(db, kept, past)
    with db.write() as session:
        session.execute(delete(ListImport).where(ListImport.kind == file.kind, ListImport.state == DROPPED))
    return done


@contextmanager
def _in_turn(db: Database) -> Iterator[Session]:
    """A transaction, and a rest as long as it took: who waits for SQLite's lock asks for it only now and then."""
    begun = time.monotonic()
    with db.write() as session:
        yield session
    time.sleep(time.monotonic() - begun)


def _begun(db: Database, file: Incoming) -> int:
    noted = ListImport(
        kind=file.kind,
        file=file.file[:200],
        sha256=file.sha256,
        rows=file.rows,
        imported_by=file.by,
        imported_at=office_now(),
        as_of=file.as_of,
        state=LOADING,
    )
    with db.write() as session:
        session.add(noted)
        session.flush()
        return noted.id


def _go_on(session: Session, number: int) -> None:
    """Hold the import as it is until the end of the transaction. Raises InputError when it is no longer wanted."""
    query = select(ListImport.state).where(ListImport.id == number).with_for_update()
    if session.execute(query).scalar_one_or_none() != LOADING:
        raise InputError(
            "another import of this list came to its end meanwhile, and stands - give yours again if need be"
        )


def _made_current(db: Database, kind: str, number: int) -> Sequence[int]:
    """From now on the rows of import `number` count. Returns the imports of the list whose rows do not any more."""
    others = (ListImport.kind == kind, ListImport.id != number)
    with db.write() as session:
        # All of them, in one order: of two who end at once the second one finds what the first did.
        session.execute(select(ListImport.id).where(ListImport.kind == kind).order_by(ListImport.id).with_for_update())
        _go_on(session, number)
        session.execute(update(ListImport).where(*others, ListImport.state == CURRENT).values(state=PAST))
        unfinished = (*others, ListImport.state == LOADING, ListImport.id < number)
        session.execute(update(ListImport).where(*unfinished).values(state=DROPPED))
        session.execute(update(ListImport).where(ListImport.id == number).values(state=CURRENT))
        past = select(ListImport.id).where(*others, ListImport.state.in_((PAST, DROPPED)))
        return session.execute(past).scalars().all()


def _remove(db: Database, kept: _Kept, number: int) -> None:
    """Remove the rows of an import, by thousands."""
    key: Any = HandledRecord.id if kept is HandledRecord else kept.__table__.c.plate
    mine = kept.import_id == number
    while True:
        with _in_turn(db) as session:
            last = select(key).where(mine).order_by(key).offset(AT_ONCE - 1).limit(1)
            until = session.execute(last).scalar_one_or_none()
            session.execute(delete(kept).where(mine, key <= until) if until is not None else delete(kept).where(mine))
        if until is None:
            return


__all__ = ["AT_ONCE", "Incoming", "Progress", "check", "replace", "silent"]
