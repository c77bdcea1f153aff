"""The outbox's database: its tables, how it is opened for the one who writes, and how others may look into it.

WAL with synchronous=FULL: a transaction that has returned is on disk, and who reads never holds up who writes.
"""

import sqlite3
from pathlib import Path

FILE = "outbox.db"
_VERSION = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS chain (
    only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL, seq INTEGER NOT NULL, prev TEXT NOT NULL,
    kid TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS camera (camera TEXT PRIMARY KEY, next_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, camera TEXT, camera_seq INTEGER,
    chain_id TEXT NOT NULL, chain_seq INTEGER NOT NULL, raw BLOB NOT NULL, jws TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'refused')), reason TEXT NOT NULL DEFAULT '',
    UNIQUE (chain_id, chain_seq));
CREATE INDEX IF NOT EXISTS event_state ON event (state, n);
CREATE TABLE IF NOT EXISTS taken (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS media (
    sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL, event TEXT NOT NULL, rank INTEGER NOT NULL, n INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'uploaded', 'dropped', 'lost')),
    reason TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS media_state ON media (state, rank, n);
PRAGMA user_version = {_VERSION};
"""


def opened(folder: Path) -> sqlite3.Connection:
    """The database in `folder` for its owner, made when it is not there. Raises sqlite3.Error."""
    db = sqlite3.connect(folder / FILE, isolation_level=None, timeout=10)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            db.executescript(_SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db


def looked_into(folder: Path) -> sqlite3.Connection:
    """The same for one who only reads, also while its owner writes. Raises sqlite3.Error."""
    return sqlite3.connect(f"{(folder / FILE).absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)


class Transaction:
    """All or nothing, with the write lock taken at once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            # Also after a COMMIT that a full disk refused: the connection must be fit for the next try.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


__all__ = ["FILE", "Transaction", "looked_into", "opened"]
