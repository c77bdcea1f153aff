"""Segments that go, never in silence: the index and the event first, then the file.

A deletion is one transaction (the segments' rows and the event that names them); then the event is handed to deliver,
then the files go. What a crash leaves half done is finished at the next turn: deliver takes one event once.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from contract.continuity import Deleted
from contract.events import CloudEvent, EventType, new_event
from edge.deliver.spool import Spool
from edge.record.index import Index

Why = Literal["kept_long_enough", "disk_full", "operator"]
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Doomed:
    """A segment that may go: its row, camera, name, bytes and span."""

    n: int
    camera: str
    name: str
    bytes: int
    sha256: str
    start_us: int
    end_us: int


class Deletions:
    """Deletes segments of the folder of recordings. Raises OSError or sqlite3.Error when the disk refuses."""

    def __init__(self, folder: Path, index: Index, spool: Spool, edge_id: str) -> None:
        self._folder = folder
        self._index = index
        self._spool = spool
        self._edge_id = edge_id

    def oldest(
        self, limit: int, camera: str | None = None, before_us: int = 1 << 62, *, may_go: bool = False
    ) -> list[Doomed]:
        """The oldest segments that are there, end before an instant, and no hold keeps.

        `may_go`: only of cameras whose recordings may go within their days, which those of polling stations may not.
        """
        rows = self._index.db.execute(
            "SELECT n, camera, name, bytes, sha256, start_us, end_us FROM segment WHERE deleted_us IS NULL"
            " AND end_us <= ? AND (? IS NULL OR camera = ?)"
            " AND NOT (? AND camera IN (SELECT camera FROM keeping WHERE polling))"
            " AND NOT EXISTS (SELECT 1 FROM hold WHERE released_us IS NULL AND hold.camera = segment.camera"
            " AND hold.start_us < segment.end_us AND hold.end_us > segment.start_us) ORDER BY start_us LIMIT ?",
            (before_us, camera, camera, may_go, limit),
        )
        return [Doomed(*row) for row in rows]

    def delete(self, chosen: Sequence[Doomed], why: Why, detail: str) -> None:
        """Delete segments of one camera."""
        for at in range(0, len(chosen), _MOST):
            self._note(chosen[at : at + _MOST], why, detail)
        self.finish()

    def finish(self) -> None:
        """Do what is left of deletions that are noted."""
        db = self._index.db
        for n, camera, names, event in db.execute("SELECT n, camera, names, event FROM deletion ORDER BY n").fetchall():
            self._spool.put(CloudEvent.model_validate_json(event), {})
            for name in json.loads(names):
                self._remove(self._folder / camera / name)
            db.execute("DELETE FROM deletion WHERE n = ?", (n,))

    def _note(self, chosen: Sequence[Doomed], why: Why, detail: str) -> None:
        first = chosen[0]
        data = Deleted(
            edge_id=self._edge_id,
            camera_id=first.camera,
            why=why,
            detail=detail[:300],
            from_us=min(one.start_us for one in chosen),
            until_us=max(one.end_us for one in chosen),
            segments=[one.sha256 for one in chosen],
        )
        now = time.time()
        source = f"/edge/{self._edge_id}/camera/{first.camera}"
        event = new_event(EventType.RECORDING_DELETED, source, datetime.fromtimestamp(now, UTC), data)
        with self._index.at_once() as db:
            for one in chosen:
                done = db.execute(
                    "UPDATE segment SET deleted_us = ?, why = ? WHERE n = ? AND deleted_us IS NULL",
                    (round(now * 1e6), detail, one.n),
                )
                if done.rowcount:
                    db.execute("UPDATE total SET bytes = bytes - ?", (one.bytes,))
            names = json.dumps([one.name for one in chosen])
            db.execute(
                "INSERT INTO deletion (camera, names, event) VALUES (?, ?, ?)",
                (first.camera, names, event.model_dump_json(by_alias=True)),
            )

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        for folder in path.parents[:2]:
            if not folder.is_dir():
                continue
            if any(folder.iterdir()):
                return
            folder.rmdir()


__all__ = ["Deletions", "Doomed", "Why"]
