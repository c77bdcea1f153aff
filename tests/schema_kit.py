"""Databases with today's schema: SQLite migrated once a process and copied from then on; PostgreSQL shared by tests.

The steps themselves are tried by test_central_migrations.py and test_migrations_with_data.py, on both.
"""

import itertools
import re
import tempfile
from functools import cache
from pathlib import Path

from central.db import migrate
from central.db.database import Database
from sightline.bench.central_postgres import PostgresServer


def sqlite_at(path: Path) -> Database:
    """A new SQLite database in the file `path`, migrated."""
    path.write_bytes(_migrated())
    return Database(f"sqlite:///{path}")


class SharedPostgres(PostgresServer):
    """A server that many tests make databases on: each gets one of its own, whatever name it asks for.

    No test of theirs cuts the power: it does not wait for the disk. Those that kill a server bring their own.
    """

    def __init__(self) -> None:
        super().__init__(durable=False)
        self._numbers = itertools.count()
        self._model: str | None = None

    def create(self, database: str) -> str:
        """Make an empty database whose name begins as asked, and give its address."""
        return super().create(self._name(database))

    def migrated(self, database: str) -> Database:
        """Make a database with today's schema whose name begins as asked."""
        if self._model is None:
            self._model = self._name("model")
            model = Database(super().create(self._model))
            migrate.upgrade(model)
            model.close()
        return Database(super().create(self._name(database), like=self._model))

    def _name(self, database: str) -> str:
        return f"{re.sub(r'[^a-z0-9]', '_', database.lower())[:50]}_{next(self._numbers)}"


@cache
def _migrated() -> bytes:
    """The file of an empty database after every step."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "central.sqlite"
        db = Database(f"sqlite:///{file}")
        migrate.upgrade(db)
        db.close()  # the last connection to go writes the log back into the file
        assert not file.with_name(f"{file.name}-wal").exists()
        return file.read_bytes()


__all__ = ["SharedPostgres", "sqlite_at"]
