"""The outbox: what waits on disk for central's acknowledgement, and the state of the chain, in one SQLite database.

WAL with synchronous=FULL: when `admit` returns, event, chain state and media rows are on disk together, so that a
crash can neither skip nor repeat a place of the chain. A row leaves only by `acked`. One thread of one process owns
it (`lock`); when to send again is the sender's affair and not worth a write.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from joserfc.jwk import OKPKey

from contract.errors import RunError
from edge.deliver.chain import ChainState, Sealed, seal
from edge.deliver.media import MediaRow, media_rows
from edge.deliver.spool import Taken

_SCHEMA = """
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
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One event that waits: `n` is the order of admission, `raw` the bytes that were signed."""

    n: int
    id: str
    raw: bytes
    jws: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What stands in the outbox."""

    pending: int
    refused: int
    media_pending: int
    media_bytes: int
    media_dropped: int
    media_lost: int


class Outbox:
    """See the module. `folder` is `<data_dir>/outbox`. Raises RunError when another process owns it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(folder / "lock")
        self._db = sqlite3.connect(folder / "outbox.db", isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database and give up the ownership."""
        self._db.close()
        self._lock.close()

    # -- admission ------------------------------------------------------------------------------------------------

    def chain(self) -> ChainState | None:
        """Where the next event goes, None before the first genesis."""
        row = self._db.execute("SELECT id, seq, prev, kid FROM chain").fetchone()
        return ChainState(*row) if row else None

    def admit_genesis(self, genesis: Sealed, after: ChainState) -> None:
        """The first event of a new chain, together with the state after it."""
        with self._transaction():
            self._insert(genesis, None, None)
            self._set_chain(after)

    def admit(self, items: Sequence[Taken], key: OKPKey) -> list[tuple[Taken, str]]:
        """Link, sign and keep spool items in their order, in one transaction.

        An item that was admitted before (a crash came before its file was removed) is passed over. Returns those
        that cannot be sealed, with the reason; they change nothing.
        """
        refused = []
        with self._transaction():
            state = self.chain()
            if state is None:
                raise RuntimeError("a chain begins with its genesis")
            for taken in items:
                if self._seen(taken):
                    continue
                try:
                    state = self._admit_one(taken, state, key)
                except ValueError as error:
                    refused.append((taken, str(error)))
            self._set_chain(state)
        return refused

    def forget_taken(self, names: Iterable[str]) -> None:
        """The spool files of these names are gone from disk: they need not be remembered."""
        with self._transaction():
            self._db.executemany("DELETE FROM taken WHERE name = ?", [(name,) for name in names])

    def taken(self) -> list[str]:
        """Spool files that were admitted and perhaps not yet removed."""
        return [name for (name,) in self._db.execute("SELECT name FROM taken ORDER BY name")]

    # -- events ---------------------------------------------------------------------------------------------------

    def pending(self, after_n: int, limit: int) -> list[Row]:
        """Rows to send, in the order they were admitted (which is the order of every camera)."""
        rows = self._db.execute(
            "SELECT n, id, raw, jws FROM event WHERE state = 'pending' AND n > ? ORDER BY n LIMIT ?", (after_n, limit)
        )
        return [Row(*row) for row in rows]

    def row(self, event_id: str) -> Row | None:
        """A pending row by its id."""
        found = self._db.execute(
            "SELECT n, id, raw, jws FROM event WHERE id = ? AND state = 'pending'", (event_id,)
        ).fetchone()
        return Row(*found) if found else None

    def acked(self, stored: Iterable[str], refused: Iterable[tuple[str, str]] = ()) -> None:
        """Central has committed `stored`: those rows leave. It refuses `refused` (id, reason): those stay, unsent."""
        with self._transaction():
            self._db.executemany("DELETE FROM event WHERE id = ?", [(one,) for one in stored])
            self._db.executemany(
                "UPDATE event SET state = 'refused', reason = ? WHERE id = ? AND state = 'pending'",
                [(reason[:500], one) for one, reason in refused],
            )

    def refused(self) -> list[tuple[str, str]]:
        """Ids and reasons of the events that central refuses."""
        return list(self._db.execute("SELECT id, reason FROM event WHERE state = 'refused' ORDER BY n"))

    # -- media ----------------------------------------------------------------------------------------------------

    def next_media(self, limit: int, skip: frozenset[str] = frozenset()) -> list[MediaRow]:
        """What to upload next: newest stills first, clips last."""
        rows = self._db.execute(
            "SELECT sha256, size, event, rank FROM media WHERE state = 'pending' ORDER BY rank, n DESC LIMIT ?",
            (limit + len(skip),),
        )
        return [one for one in (MediaRow(*row) for row in rows) if one.sha256 not in skip][:limit]

    def settle_media(self, sha256: str, state: str, reason: str = "") -> None:
        """`uploaded`, or `lost` with the reason."""
        with self._transaction():
            self._db.execute("UPDATE media SET state = ?, reason = ? WHERE sha256 = ?", (state, reason[:500], sha256))

    def drop_media(self, limit_bytes: int) -> list[MediaRow]:
        """When more than `limit_bytes` wait, drop the oldest clips first, then the oldest stills. Returns them."""
        dropped: list[MediaRow] = []
        over = self._media_bytes() - limit_bytes
        if over <= 0:
            return dropped
        with self._transaction():
            rows = self._db.execute(
                "SELECT sha256, size, event, rank FROM media WHERE state = 'pending' ORDER BY rank DESC, n"
            )
            for row in rows:
                dropped.append(MediaRow(*row))
                over -= dropped[-1].size
                if over <= 0:
                    break
            self._db.executemany(
                "UPDATE media SET state = 'dropped', reason = 'outbox over max_media_bytes' WHERE sha256 = ?",
                [(one.sha256,) for one in dropped],
            )
        return dropped

    def prune_media(self, keep: int = 100_000) -> None:
        """Forget all but the latest `keep` files that are settled."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM media WHERE state != 'pending' AND sha256 NOT IN "
                "(SELECT sha256 FROM media WHERE state != 'pending' ORDER BY n DESC LIMIT ?)",
                (keep,),
            )

    def media_named(self) -> frozenset[str]:
        """Every file that still waits to be uploaded."""
        return frozenset(one for (one,) in self._db.execute("SELECT sha256 FROM media WHERE state = 'pending'"))

    def counts(self) -> Counts:
        """How much waits."""
        events = dict(self._db.execute("SELECT state, count(*) FROM event GROUP BY state").fetchall())
        media = dict(self._db.execute("SELECT state, count(*) FROM media GROUP BY state").fetchall())
        return Counts(
            pending=events.get("pending", 0),
            refused=events.get("refused", 0),
            media_pending=media.get("pending", 0),
            media_bytes=self._media_bytes(),
            media_dropped=media.get("dropped", 0),
            media_lost=media.get("lost", 0),
        )

    # -- inside ---------------------------------------------------------------------------------------------------

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)

    def _seen(self, taken: Taken) -> bool:
        return any(
            self._db.execute(query, (value,)).fetchone() is not None
            for query, value in (
                ("SELECT 1 FROM taken WHERE name = ?", taken.name),
                ("SELECT 1 FROM event WHERE id = ?", taken.item.event.id),
            )
        )

    def _admit_one(self, taken: Taken, state: ChainState, key: OKPKey) -> ChainState:
        event = taken.item.event
        camera = event.source.partition("/camera/")[2] or None
        seq = self._next_seq(camera) if camera else None
        sealed, after = seal(event, state, key, seq)
        n = self._insert(sealed, camera, seq)
        if camera and seq is not None:
            self._db.execute("INSERT OR REPLACE INTO camera VALUES (?, ?)", (camera, seq + 1))
        for one in media_rows(taken.item):
            # Named again: central may have thrown it away since, and a HEAD tells it cheaply.
            self._db.execute(
                "INSERT INTO media (sha256, size, event, rank, n) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (sha256) DO UPDATE SET state = 'pending', reason = '', n = excluded.n",
                (one.sha256, one.size, one.event, one.rank, n),
            )
        self._db.execute("INSERT INTO taken VALUES (?)", (taken.name,))
        return after

    def _next_seq(self, camera: str) -> int:
        row = self._db.execute("SELECT next_seq FROM camera WHERE camera = ?", (camera,)).fetchone()
        return int(row[0]) if row else 0

    def _insert(self, sealed: Sealed, camera: str | None, seq: int | None) -> int:
        cursor = self._db.execute(
            "INSERT INTO event (id, camera, camera_seq, chain_id, chain_seq, raw, jws) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (sealed.id, camera, seq, sealed.link.id, sealed.link.seq, sealed.raw, sealed.jws),
        )
        return int(cursor.lastrowid or 0)

    def _set_chain(self, state: ChainState) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO chain VALUES (1, ?, ?, ?, ?)", (state.id, state.seq, state.prev, state.kid)
        )

    def _media_bytes(self) -> int:
        return int(self._db.execute("SELECT coalesce(sum(size), 0) FROM media WHERE state = 'pending'").fetchone()[0])


class _Transaction:
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


def _lock(path: Path) -> TextIO:
    """Own `path` until it is closed or the process dies, however it dies."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise RunError(f"{path.parent}: another deliver process owns this outbox - stop it first") from error
    return file
