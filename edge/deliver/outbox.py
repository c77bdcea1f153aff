"""The outbox: what waits on disk for central's acknowledgement, and the state of the chain, in one SQLite database.

When `admit` returns, event, chain state and media rows are on disk together, so that a crash can neither skip nor
repeat a place of the chain. An event leaves only by `acked`; a file that cannot be brought is given up only together
with a sealed event that says so. One thread of one process owns it (`lock`); when to send again is the sender's
affair and not worth a write.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from joserfc.jwk import OKPKey

from contract.errors import RunError
from contract.events import CloudEvent
from edge.deliver.chain import ChainState, Sealed, seal
from edge.deliver.media import MediaRow, MediaTable, media_rows
from edge.deliver.spool import Taken
from edge.deliver.tables import Transaction, opened

#: Who only looks whether a deliver runs holds the lock for an instant. Seconds.
_LOCK_PATIENCE_S = 0.3


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
    """See the module. `folder` is `<data_dir>/outbox`; `media` are the files that wait.

    Raises RunError when another process owns it, OSError or sqlite3.Error when the disk refuses it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(folder / "lock")
        try:
            self._db = opened(folder)
        except BaseException:
            self._lock.close()
            raise
        self.media = MediaTable(self._db)

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
            state = self._begun()
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
        stored, refused = list(stored), list(refused)
        self.media.answered.update(stored, (one for one, _ in refused))
        with self._transaction():
            self._db.executemany("DELETE FROM event WHERE id = ?", [(one,) for one in stored])
            self._db.executemany(
                "UPDATE event SET state = 'refused', reason = ? WHERE id = ? AND state = 'pending'",
                [(reason[:500], one) for one, reason in refused],
            )
        self.media.answered.clear()

    def ask_again(self) -> None:
        """What central refused is sent once more: the cause may be mended, and the same bytes are one entry there."""
        with self._transaction():
            self._db.execute("UPDATE event SET state = 'pending' WHERE state = 'refused'")

    def refused(self) -> list[tuple[str, str]]:
        """Ids and reasons of the events that central refuses."""
        return list(self._db.execute("SELECT id, reason FROM event WHERE state = 'refused' ORDER BY n"))

    # -- media ----------------------------------------------------------------------------------------------------

    def uploaded(self, sha256: str) -> None:
        """Central has the file, whole."""
        with self._transaction():
            self.media.settle([sha256], "uploaded")

    def give_up(
        self, rows: Sequence[MediaRow], state: Literal["dropped", "lost"], said: CloudEvent, key: OKPKey
    ) -> None:
        """These files will not be brought, and `said` tells central so: sealed and settled in one transaction."""
        with self._transaction():
            chain = self._begun()
            sealed, after = seal(said, chain, key)
            self._insert(sealed, None, None)
            self._set_chain(after)
            self.media.settle([one.sha256 for one in rows], state, str(said.data.get("reason", "")))

    def prune_media(self) -> None:
        """Forget files that were settled long ago."""
        with self._transaction():
            self.media.prune()

    def counts(self) -> Counts:
        """How much waits."""
        events = dict(self._db.execute("SELECT state, count(*) FROM event GROUP BY state").fetchall())
        media = self.media.counts()
        return Counts(
            pending=events.get("pending", 0),
            refused=events.get("refused", 0),
            media_pending=media.get("pending", 0),
            media_bytes=self.media.bytes(),
            media_dropped=media.get("dropped", 0),
            media_lost=media.get("lost", 0),
        )

    # -- inside ---------------------------------------------------------------------------------------------------

    def _transaction(self) -> Transaction:
        return Transaction(self._db)

    def _begun(self) -> ChainState:
        state = self.chain()
        if state is None:
            raise RuntimeError("a chain begins with its genesis")
        return state

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
        self.media.add(media_rows(taken.item), n)
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


def _lock(path: Path) -> TextIO:
    """Own `path` until it is closed or the process dies, however it dies."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii")
    until = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() < until:
                time.sleep(0.05)
                continue
            file.close()
            raise RunError(f"{path.parent}: another deliver process owns this outbox - stop it first") from error
        return file
