"""What waits in a box's outbox, and why: read beside a deliver that runs, or on a box that stands still."""

import fcntl
import os
import sqlite3
import uuid
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contract.errors import RunError
from contract.events import now
from edge.config import EdgeConfig
from edge.deliver.media import CLIP
from edge.deliver.state import state_of
from edge.deliver.tables import FILE, looked_into

#: With less room than this no transaction can be relied on.
_FULL_BYTES = 1 << 20
_KIND = "json_extract(CAST(raw AS TEXT), '$.type')"


@dataclass(frozen=True, slots=True)
class Held:
    """What waits of one kind: how many, their bytes, and since when the oldest does."""

    kind: str
    count: int
    bytes: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that central refuses, in central's words. It is kept, and sent again when deliver starts."""

    id: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """The outbox at one instant. `unsealed` were handed over and not admitted yet, `unreadable` never can be.

    `dropped` and `lost` count files that were given up, each named by a sealed event; `why` says what keeps the rest.
    """

    edge_id: str
    at: datetime
    running: bool
    connected: bool
    events: list[Held]
    media: list[Held]
    refused: list[RefusedEvent]
    dropped: int
    lost: int
    unsealed: int
    unreadable: int
    why: list[str]


def inventory(config: EdgeConfig) -> Inventory:
    """Look into the outbox of the box with these settings. Raises RunError when it has none or it cannot be read."""
    folder = config.data_dir / "outbox"
    running = owned(folder)
    state = state_of(config.data_dir) if running else {}
    with read(folder) as db:
        db.execute("BEGIN")
        events, media = _events(db), _media(db)
        refused = [RefusedEvent(*row) for row in _refused(db)]
        settled = dict(db.execute("SELECT state, count(*) FROM media GROUP BY state").fetchall())
    unsealed = _count(config.data_dir / "spool" / "new")
    found = Inventory(
        edge_id=config.edge_id,
        at=now(),
        running=running,
        connected=bool(state.get("connected")),
        events=events,
        media=media,
        refused=refused,
        dropped=settled.get("dropped", 0),
        lost=settled.get("lost", 0),
        unsealed=unsealed,
        unreadable=_count(config.data_dir / "spool" / "bad"),
        why=[],
    )
    found.why.extend(_why(config, found, state))
    return found


def read(folder: Path) -> "closing[sqlite3.Connection]":
    """The database of the outbox in `folder`, to be read. Raises RunError."""
    if not (folder / FILE).is_file():
        raise RunError(f"{folder}: there is no outbox yet - it is made when the box runs for the first time")
    try:
        db = looked_into(folder)
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        raise RunError(f"{folder / FILE}: cannot be read ({error}) - read it as the box's user") from error
    return closing(db)


def owned(folder: Path) -> bool:
    """Whether a deliver process owns the outbox in `folder` now."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _events(db: sqlite3.Connection) -> list[Held]:
    """Pending events by type; SQLite takes the bare column of the row that has the minimum."""
    rows = db.execute(
        f"SELECT {_KIND} AS kind, count(*), sum(length(raw)), id, min(n) "  # noqa: S608 - a constant
        "FROM event WHERE state = 'pending' GROUP BY kind ORDER BY kind"
    )
    return [Held(str(kind), count, size, _made(name)) for kind, count, size, name, _ in rows]


def _refused(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return db.execute(
        f"SELECT id, {_KIND}, reason FROM event WHERE state = 'refused' ORDER BY n"  # noqa: S608 - a constant
    ).fetchall()


def _media(db: sqlite3.Connection) -> list[Held]:
    rows = db.execute(
        "SELECT rank, count(*), sum(size), event, min(n) FROM media WHERE state = 'pending' GROUP BY rank ORDER BY rank"
    )
    return [
        Held("clip" if rank == CLIP else "still", count, size, _made(event)) for rank, count, size, event, _ in rows
    ]


def _made(event_id: str) -> datetime | None:
    """When an event was made: a UUIDv7 (RFC 9562) begins with its Unix milliseconds. The event itself may be gone."""
    with suppress(ValueError):
        name = uuid.UUID(event_id)
        if name.version == 7:
            return datetime.fromtimestamp((name.int >> 80) / 1000, UTC)
    return None


def _why(config: EdgeConfig, found: Inventory, state: dict[str, object]) -> list[str]:
    lines = []
    disk = os.statvfs(config.data_dir)
    if disk.f_bavail * disk.f_frsize < _FULL_BYTES:
        lines.append(f"{config.data_dir}: the disk is full - free space on it")
    if not found.running:
        lines.append("deliver does not run - start the box: `sightline edge run --config F`")
    elif not state:
        lines.append("deliver runs and says nothing of itself - see the box's log")
    said = [text for key in ("problem", "media_problem") if isinstance(text := state.get(key), str)]
    lines += dict.fromkeys(said)
    if found.refused:
        lines.append(f"central refuses {len(found.refused)} event(s): they are kept, and sent again at each start")
    if found.connected and not said and found.events:
        lines.append(f"being sent, a backlog at most {config.outbox.max_events_per_s:g} a second")
    if found.connected and not said and found.media:
        lines.append(f"media are being sent, at most {config.outbox.max_media_bytes_per_s / 1e6:g} MB a second")
    return lines


def _count(folder: Path) -> int:
    return sum(1 for path in folder.glob("*.json") if not path.name.startswith(".")) if folder.is_dir() else 0


__all__ = ["Held", "Inventory", "RefusedEvent", "inventory", "owned", "read"]
