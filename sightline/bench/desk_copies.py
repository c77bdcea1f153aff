"""Years of cases for the benchmark of the desk: copies of real ones, made within the database.

A copy is a row of its own in `cases`, with its stills, questions and history; its event is that of the case it was
copied from. A county decides 250 a day, so that little waits; then comes a bad day that brings what else a month does.
Copies are not entered in the ledger: a database of the benchmark is no evidence.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    case,
    func,
    insert,
    literal,
    select,
    text,
    type_coerce,
    update,
)

from central.db.base import Moment
from central.db.cases import Case, CaseLog, CaseMedia, CaseQuestion
from central.db.database import Database
from central.db.learning import FactsCursor
from central.ledger import triggers
from central.tickets.states import APPROVED, HANDLED, REJECTED, REVIEW1, REVIEW2
from contract.events import now

#: Cases that a county decides in a day, and those that wait after the bad day.
A_DAY, WAITING = 250, 20_000
#: No more than this share of all waits, however few there are.
_MOST_WAITING = 0.2
_BAD_DAYS = 1
#: By the id that each gets in a fresh database.
_OFFICERS = ("li", "wang")
#: One in so many of those that wait has had its first look.
_SECOND = 3
#: Days that an approved case has until it must be entered.
_TO_ENTER = 10
_CHUNK = 20_000

_SEED = Table(
    "desk_seed",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("template", Integer),
    Column("number", String(20)),
    Column("case_key", String(64)),
    Column("plate", String(40)),
    Column("state", String(20)),
    Column("at_first", Moment()),
    Column("at_trigger", Moment()),
    Column("at_last", Moment()),
    Column("created_at", Moment()),
    Column("due_at", Moment()),
    Column("sort_at", Moment()),
    Column("decided_at", Moment()),
    Column("decided_by", String(64)),
    Column("decided_by_id", Integer),
    Column("first_by", String(64)),
    Column("first_by_id", Integer),
    Column("reason_code", String(3)),
    prefixes=["TEMPORARY"],
)


def copy(db: Database, count: int) -> int:
    """Add `count` cases; returns how many of them wait for an officer."""
    waiting = min(WAITING, int(count * _MOST_WAITING))
    with db.write() as session:
        connection = session.connection()
        templates = list(session.execute(select(Case.id, Case.state).order_by(Case.id)).all())
        first = templates[-1].id + 1
        _SEED.create(connection)
        triggers.remove(connection)
        rows = _rows(count, waiting, first, [(one.id, one.state) for one in templates])
        for chunk in _chunks(rows):
            connection.execute(insert(_SEED), chunk)
        _copied(connection)
        triggers.install(connection)
        # Nor are there figures of them: making those would go on for minutes beside what is measured.
        last_line = select(func.max(CaseLog.id)).scalar_subquery()
        connection.execute(update(FactsCursor).values(line=last_line))
        _SEED.drop(connection)
        if connection.dialect.name == "postgresql":
            last = text("SELECT setval(pg_get_serial_sequence('cases', 'id'), :last)")
            connection.execute(last, {"last": first + count})
    _settled(db)
    return waiting


def _rows(count: int, waiting: int, first: int, templates: list[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    """The rows of the seed, newest first."""
    today = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    a_bad_day = max(1, -(-waiting // _BAD_DAYS))
    for place in range(count):
        template, state = templates[place % len(templates)]
        if place < waiting:
            ago, nth, of = 1 + place // a_bad_day, place % a_bad_day, a_bad_day
        else:
            late = place - waiting
            ago, nth, of = 1 + _BAD_DAYS + late // A_DAY, late % A_DAY, A_DAY
        at = today - timedelta(days=ago) + timedelta(seconds=86_000 * nth / of)
        decided = place >= waiting
        rejected = decided and place % 7 == 0
        looked = not decided and place % _SECOND == 0
        yield {
            "id": first + place,
            "template": template,
            "number": f"{at:%Y%m%d}-{100_001 + nth}",
            "case_key": f"{place:064x}",
            "plate": f"皖A{place % 60_000:05d}",
            "state": _decided(ago, rejected) if decided else REVIEW2 if looked else state,
            **_moments(at, _decided(ago, rejected) if decided else None, looked),
            **_people(place, decided, looked),
            "reason_code": f"R{1 + place % 15:02d}" if rejected else None,
        }


def _people(place: int, decided: bool, looked: bool) -> dict[str, str | int | None]:
    """Who took the first look, and who decided last: two people, or the first one alone."""
    first, second = place // _SECOND % 2, 1 - place // _SECOND % 2
    last = second if decided else first
    return {
        "first_by": _OFFICERS[first] if decided or looked else None,
        "first_by_id": 1 + first if decided or looked else None,
        "decided_by": _OFFICERS[last] if decided or looked else None,
        "decided_by_id": 1 + last if decided or looked else None,
    }


def _decided(days: int, rejected: bool) -> str:
    """What is older than the time in which it must be entered was, and was paid."""
    return REJECTED if rejected else APPROVED if days <= _TO_ENTER else HANDLED


def _moments(at: datetime, over: str | None, looked: bool) -> dict[str, datetime | None]:
    """Long enough that central's own jobs lock none of those that wait while it is measured."""
    due = at + timedelta(days=3 if over is None else 20) if over in {None, APPROVED} else None
    return {
        "at_first": at - timedelta(minutes=3),
        "at_trigger": at,
        "at_last": at,
        "created_at": at + timedelta(seconds=2),
        "due_at": due,
        "sort_at": due or at,
        "decided_at": at + timedelta(hours=2 if over is None else 20) if over or looked else None,
    }


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _copied(connection: Connection) -> None:
    """Cases, their stills and questions, and their history: each in one statement, whatever columns they have."""
    own = {one.name: one for one in _SEED.c if one.name != "template"}
    _insert(connection, Case, {**own, "plate_plain": _SEED.c.plate}, Case.id)
    _insert(connection, CaseMedia, {"case_id": _SEED.c.id}, CaseMedia.case_id)
    looked = _SEED.c.decided_at.is_not(None)
    answers: dict[str, ColumnElement[Any]] = {
        "case_id": _SEED.c.id,
        "answer": case((looked, "no"), else_=None),
        "answered_by": _SEED.c.first_by,
        "answered_at": _SEED.c.decided_at,
    }
    _insert(connection, CaseQuestion, answers, CaseQuestion.case_id)
    _insert(connection, CaseLog, {"case_id": _SEED.c.id, "at": _SEED.c.created_at}, CaseLog.case_id)
    # One line of the template, to be each of those that people wrote.
    other = CaseLog.__table__.alias()
    one = select(func.min(other.c.id)).where(other.c.case_id == _SEED.c.template).correlate(_SEED).scalar_subquery()
    first = {"actor": _SEED.c.first_by, "action": literal("approve"), "to_state": literal(REVIEW2)}
    last = {
        "actor": _SEED.c.decided_by,
        "action": case((_SEED.c.state == REJECTED, "reject"), else_="approve"),
        "to_state": _SEED.c.state,
    }
    for line, source, by, when in (
        (first, REVIEW1, _SEED.c.first_by_id, looked),
        (last, REVIEW2, _SEED.c.decided_by_id, and_(looked, _SEED.c.state != REVIEW2)),
    ):
        more = {"case_id": _SEED.c.id, "at": _SEED.c.decided_at, "from_state": literal(source), "detail": _by(by)}
        _insert(connection, CaseLog, {**line, **more}, CaseLog.case_id, and_(when, CaseLog.id == one))


def _by(account: ColumnElement[int]) -> ColumnElement[Any]:
    """The detail of a line that a person wrote."""
    whole = {place: type_coerce({"by": place}, JSON) for place in range(1, 1 + len(_OFFICERS))}
    return case(*((account == place, detail) for place, detail in whole.items()), else_=type_coerce({}, JSON))


def _insert(
    connection: Connection,
    of: type[Any],
    given: dict[str, Any],
    owner: Any,
    where: ColumnElement[bool] | None = None,
) -> None:
    """For each row of the template its copy, with `given` in place of its own values."""
    table = of.__table__
    own = () if "id" in given else ("id",)
    columns = {column.name: given.get(column.name, column) for column in table.columns if column.name not in own}
    query = select(*columns.values()).join(_SEED, owner == _SEED.c.template)
    connection.execute(insert(table).from_select(list(columns), query if where is None else query.where(where)))


def _settled(db: Database) -> None:
    """PostgreSQL counts what it holds as its own autovacuum would; SQLite is left as central leaves it."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


__all__ = ["A_DAY", "WAITING", "copy"]
