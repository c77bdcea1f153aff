"""Spans that no deletion touches until they are released (legal hold), as central asked for them."""

import logging
import time

from contract.command import KeepSpan, ReleaseSpan
from edge.asked import Asked
from edge.record.index import Index

log = logging.getLogger("sightline.recorder")


class Holds:
    """The holds of an index. Raises sqlite3.Error when the disk refuses."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def hold(self, camera: str, start_us: int, end_us: int, reason: str, command: str | None = None) -> int:
        """Keep a span; the hold's number. One that `command` asked for already stays as it is, released or not."""
        now = time.time_ns() // 1000
        with self._index.at_once() as db:
            db.execute(
                "INSERT INTO hold (camera, start_us, end_us, reason, made_us, command) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (camera, start_us, end_us, reason, now, command),
            )
            which = "n = last_insert_rowid()" if command is None else "command = ?"
            asked = () if command is None else (command,)
            return int(db.execute(f"SELECT n FROM hold WHERE {which}", asked).fetchone()[0])  # noqa: S608 - our own

    def release(self, number: int) -> None:
        """Let a hold go."""
        now = time.time_ns() // 1000
        self._index.db.execute("UPDATE hold SET released_us = ? WHERE n = ? AND released_us IS NULL", (now, number))

    def let_go(self, command: str) -> bool:
        """Let the hold go that a command asked for; False when there is none of it."""
        row = self._index.db.execute("SELECT n FROM hold WHERE command = ?", (command,)).fetchone()
        if row is not None:
            self.release(int(row[0]))
        return row is not None

    def take(self, keep: Asked, release: Asked) -> None:
        """Do what was asked: first what is to be kept, so that a release finds it. Raises OSError."""
        for asked in keep.waiting():
            if isinstance(asked, KeepSpan):
                reason = f"{asked.by}: {asked.reason}"
                self.hold(asked.camera_id, asked.from_us, asked.until_us, reason, asked.id)
                log.info("%s: a span is kept (%s, %s)", asked.camera_id, asked.id, reason)
            keep.done(asked)
        for asked in release.waiting():
            if isinstance(asked, ReleaseSpan) and not self.let_go(asked.hold):
                log.warning("hold %s is none of this box - there is nothing to release", asked.hold)
            release.done(asked)


__all__ = ["Holds"]
