"""Ids of new rows taken ahead of their insertion, many at a time."""

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session


def take_ahead(session: Session) -> None:
    """Give the new rows of `session` their ids from the sequences of their tables, one question a table.

    PostgreSQL only, elsewhere nothing is done: a row that has its id needs no RETURNING, and the driver then sends
    any number of rows as one prepared statement instead of parsing statements of thousands of parameters.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    waiting: dict[str, list[object]] = {}
    for row in session.new:
        table = inspect(row).mapper.local_table
        if "id" in table.c and table.autoincrement_column is table.c.id and getattr(row, "id", None) is None:
            waiting.setdefault(table.name, []).append(row)
    for name, rows in sorted(waiting.items()):
        ahead = select(func.nextval(func.pg_get_serial_sequence(name, "id"))).select_from(
            func.generate_series(1, len(rows))
        )
        for row, number in zip(rows, session.execute(ahead).scalars(), strict=True):
            row.id = number  # type: ignore[attr-defined]


__all__ = ["take_ahead"]
