"""One database: short reading and writing transactions, SQLite (WAL) or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from contract.errors import ConfigError, RunError

#: A database whose machine has vanished without a word is given up after about half a minute, as libpq counts it
#: (TCP_USER_TIMEOUT in ms, the rest in s). Without this a replica that waits for an answer waits for two hours.
_VANISHED = {
    "connect_timeout": 10,
    "tcp_user_timeout": 25_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
#: The database does not answer, or every connection to it is taken: nothing is wrong with what was asked - come again.
AWAY: Final = (OperationalError, InterfaceError, PoolTimeout)
#: How long a writer waits for another one before it gives up, in seconds.
BUSY_S = 30
#: Between two batches of a long piece of work, in seconds: whoever waits for SQLite's one lock looks every 0.1 s
#: whether it is free.
BETWEEN_S = 0.12


class Database:
    """The engine and the two kinds of transaction. `url` is SQLAlchemy's (`sqlite:///...`, `postgresql+psycopg://...`).

    Raises ConfigError for an address that cannot be read.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._writing = self.engine.execution_options(sightline_writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads: one consistent view."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that writes: committed at the end of the block, rolled back on an exception.

        On SQLite it takes the write lock at its start, so that reading first and writing later cannot fail half-way.
        """
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def check(self) -> None:
        """Raise RunError in one line when the database cannot be reached."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise unreachable(self.name, error) from error

    @property
    def name(self) -> str:
        """The address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def unreachable(name: str, error: SQLAlchemyError) -> RunError:
    """The sentence for a database that cannot be reached, without the driver's paragraphs."""
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return RunError(f"database {name}: cannot be reached ({cause}) - check `database.url` and that it runs")


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            engine = create_engine(
                parsed, connect_args={"timeout": BUSY_S, "check_same_thread": False}, hide_parameters=True
            )
            _tame_sqlite(engine)
            return engine
        # What the address itself says of these goes before.
        patience = {name: value for name, value in _VANISHED.items() if name not in parsed.query}
        # What a statement that fails was given may be a secret: it stands in no error, and so in no log.
        return create_engine(parsed, connect_args=patience, pool_pre_ping=True, pool_size=10, hide_parameters=True)
    except (ArgumentError, ModuleNotFoundError, ValueError) as error:
        cause = str(error).splitlines()[0]
        raise ConfigError(f"database.url cannot be used ({cause}) - see docs/configuration.md") from error


def _tame_sqlite(engine: Engine) -> None:
    """WAL, foreign keys, and BEGIN by us: the driver's own BEGIN comes too late for savepoints and for the lock."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("sightline_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


__all__ = ["AWAY", "BETWEEN_S", "Database", "OperationalError", "unreachable"]
