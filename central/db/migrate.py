"""Migrations: the schema as numbered steps that travel in the wheel (Alembic)."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from central.db.database import Database, unreachable
from contract.errors import RunError

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(db: Database, revision: str = "head") -> None:
    """Bring the schema up to `revision`. Raises RunError in one line when the database cannot be reached."""
    _run(db, command.upgrade, revision)


def downgrade(db: Database, revision: str) -> None:
    """Take the schema back to `revision` (`base` for an empty database)."""
    _run(db, command.downgrade, revision)


def revision(db: Database) -> str | None:
    """The revision that the database is at, None for an empty one."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def head() -> str | None:
    """The revision that this code wants: the running one, also while a newer version is put in its place on disk."""
    return ScriptDirectory(str(_FOLDER)).get_current_head()


def require_current(db: Database) -> None:
    """Raise RunError when the schema is not the one that this code wants, or the database cannot be reached."""
    try:
        have = revision(db)
    except SQLAlchemyError as error:
        raise unreachable(db.name, error) from error
    if have != head():
        raise RunError(f"database {db.name}: is at migration {have}, not {head()} - run `sightline central migrate`")


def _run(db: Database, step: object, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    try:
        with db.engine.begin() as connection:
            config.attributes["connection"] = connection
            step(config, revision)  # type: ignore[operator]
    except SQLAlchemyError as error:
        raise unreachable(db.name, error) from error
