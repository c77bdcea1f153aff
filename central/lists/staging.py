"""Rows of a list that were checked and wait for the rest: on disk, in a file that vanishes with its process.

A province's register has millions of rows: they are never all in memory, and central's database hears of none before
the last one was checked. The file lies where the system keeps such (`TMPDIR`) and has no name that could be left.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from central.lists.tables import Table
from contract.errors import InputError

#: Memory for pages of the file, in KiB.
_CACHE_KIB = 16_000


class Staged:
    """Checked rows by key: each key once."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._count = 0
        for line in (
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE rows (key TEXT PRIMARY KEY, line INTEGER NOT NULL, said TEXT NOT NULL) WITHOUT ROWID",
            "BEGIN",
        ):
            base.execute(line)

    def __len__(self) -> int:
        return self._count

    def add(self, table: Table, rows: Iterable[tuple[str, int, list[Any]]]) -> None:
        """Rows as (key, line of `table`, values). Raises InputError for a key that stands there already."""
        some = [(key, line, json.dumps(said, ensure_ascii=False)) for key, line, said in rows]
        kept = self._base.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?)", some).rowcount
        if kept != len(some):
            for key, line, _ in some:
                (first,) = self._base.execute("SELECT line FROM rows WHERE key = ?", (key,)).fetchone()
                if first != line:
                    raise table.wrong(line, f"{key.strip()} stands in line {first} already - keep one of them")
        self._count += len(some)

    def rows(self) -> Iterator[list[Any]]:
        """The values of each, by key: a database that keeps them by key as well takes them in much faster."""
        for (said,) in self._base.execute("SELECT said FROM rows ORDER BY key"):
            yield json.loads(said)


@contextmanager
def staged() -> Iterator[Staged]:
    """A place for rows. Raises InputError when the disk has no room for them."""
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as base:
            yield Staged(base)
    except sqlite3.OperationalError as error:
        raise InputError(f"the rows find no room on the disk for temporary files ({error}) - set TMPDIR") from error


__all__ = ["Staged", "staged"]
