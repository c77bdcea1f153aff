"""Which files wait to be uploaded, and how urgent each is: newest stills first, clips last (design section 4)."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contract.dropped import MAX_DROPPED, Dropped, DroppedMedia
from contract.events import CloudEvent, EventType, new_event
from edge.deliver.spool import SpoolItem

STILL, CLIP = 0, 1
Cause = Literal["outbox_full", "gone", "altered"]


@dataclass(frozen=True, slots=True)
class MediaRow:
    """One file: hex SHA-256, bytes, the event that brought it, STILL or CLIP."""

    sha256: str
    size: int
    event: str
    rank: int

    @property
    def kind(self) -> Literal["still", "clip"]:
        """For a person."""
        return "clip" if self.rank == CLIP else "still"


class MediaTable:
    """The files that events brought. Whoever calls a method that writes holds the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        #: Events that central has answered for and that a full disk may still call pending: their files may go.
        self.answered: set[str] = set()
        #: SQLite's count of changes when no file could go: without central not all are looked through each turn.
        self._none_at = -1

    def add(self, rows: Iterable[MediaRow], n: int) -> None:
        """The files of the event admitted as number `n`."""
        for one in rows:
            # Named again: central may have thrown it away since, and a HEAD tells it cheaply.
            self._db.execute(
                "INSERT INTO media (sha256, size, event, rank, n) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (sha256) DO UPDATE SET state = 'pending', reason = '', n = excluded.n",
                (one.sha256, one.size, one.event, one.rank, n),
            )

    def next(self, limit: int, skip: frozenset[str] = frozenset()) -> list[MediaRow]:
        """What to upload next: newest stills first, clips last. Of events that central has answered for alone: it
        throws away, after a time, what no event names, and here the file goes when it is brought.
        """
        if self._db.total_changes == self._none_at and not self.answered:
            return []
        rows = self._db.execute(
            "SELECT sha256, size, event, rank FROM media WHERE state = 'pending' AND NOT EXISTS (SELECT 1 FROM event e "
            "WHERE e.id = media.event AND e.state = 'pending' AND e.id NOT IN (SELECT value FROM json_each(?))) "
            "ORDER BY rank, n DESC LIMIT ?",
            (json.dumps(sorted(self.answered)), limit + len(skip)),
        ).fetchall()
        if not rows:
            self._none_at = self._db.total_changes
        return [one for one in (MediaRow(*row) for row in rows) if one.sha256 not in skip][:limit]

    def over(self, limit_bytes: int, skip: frozenset[str] = frozenset()) -> list[MediaRow]:
        """What must go so that no more than `limit_bytes` wait: the oldest clips, then the oldest stills.

        At most as many as one event may name; what is in `skip` (just being sent) stays.
        """
        chosen: list[MediaRow] = []
        over = self.bytes() - limit_bytes
        if over <= 0:
            return chosen
        rows = self._db.execute(
            "SELECT sha256, size, event, rank FROM media WHERE state = 'pending' ORDER BY rank DESC, n"
        )
        for row in (MediaRow(*row) for row in rows):
            if over <= 0 or len(chosen) == MAX_DROPPED:
                break
            if row.sha256 not in skip:
                chosen.append(row)
                over -= row.size
        return chosen

    def settle(self, sha256s: Iterable[str], state: Literal["uploaded", "dropped", "lost"], reason: str = "") -> None:
        """These files need no more bringing."""
        self._db.executemany(
            "UPDATE media SET state = ?, reason = ? WHERE sha256 = ?", [(state, reason[:500], one) for one in sha256s]
        )

    def prune(self, keep: int = 100_000) -> None:
        """Forget all but the latest `keep` files that are settled."""
        self._db.execute(
            "DELETE FROM media WHERE state != 'pending' AND sha256 NOT IN "
            "(SELECT sha256 FROM media WHERE state != 'pending' ORDER BY n DESC LIMIT ?)",
            (keep,),
        )

    def waiting(self) -> frozenset[str]:
        """Every file that still waits to be uploaded."""
        return frozenset(one for (one,) in self._db.execute("SELECT sha256 FROM media WHERE state = 'pending'"))

    def bytes(self) -> int:
        """How many bytes wait."""
        return int(self._db.execute("SELECT coalesce(sum(size), 0) FROM media WHERE state = 'pending'").fetchone()[0])

    def counts(self) -> dict[str, int]:
        """State -> how many files."""
        return dict(self._db.execute("SELECT state, count(*) FROM media GROUP BY state").fetchall())


def media_rows(item: SpoolItem) -> list[MediaRow]:
    """The files of a spool item. What the manifest calls its video is a clip, everything else a still."""
    video = item.event.data.get("video")
    clip = video.get("sha256") if isinstance(video, dict) else None
    return [MediaRow(one.sha256, one.bytes, item.event.id, CLIP if one.sha256 == clip else STILL) for one in item.media]


def dropped_event(edge_id: str, rows: Iterable[MediaRow], cause: Cause, reason: str, at: datetime) -> CloudEvent:
    """What tells central that these files will not come. `at` is this box's clock."""
    media = [DroppedMedia(sha256=one.sha256, bytes=one.size, kind=one.kind, event=one.event) for one in rows]
    data = Dropped(edge_id=edge_id, cause=cause, reason=reason[:300], media=media)
    return new_event(EventType.DROPPED, f"/edge/{edge_id}", at, data)


__all__ = ["CLIP", "STILL", "Cause", "MediaRow", "MediaTable", "dropped_event", "media_rows"]
