"""Stills and clips by their SHA-256. The bytes live in the media store, here is what is known of them.

Who names an object is on record from the transaction on that stores the event: `_named` below writes it whenever
events are inserted, so that no way of taking events in can forget it. `central.media.sweep` removes nothing that has
such a line, nor a segment that an archive of a recording takes.
"""

import json
import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, ForeignKey, Index, Integer, String, Text, event, insert, text
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from central.db.base import Base
from central.db.events import Event
from contract.events import EventType

#: One number for all of central in PostgreSQL's space of advisory locks ("media" in ASCII).
FENCE: Final = 0x6D65646961
#: Events that name segments of recordings, millions a day: those that are asked for are named in `RecordingSegment`.
SEGMENTS: Final = frozenset({str(EventType.RECORDING_BLOCK), str(EventType.RECORDING_DELETED)})
_HEX = re.compile(r"[0-9a-f]{64}")
_ANY_HEX = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


class Media(Base):
    """One object of the media store, complete and verified against its name when `complete` is set."""

    __tablename__ = "media"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), index=True)
    complete: Mapped[bool]
    received_at: Mapped[datetime]


class MediaName(Base):
    """An event names an object, whether its bytes are here or not."""

    __tablename__ = "media_names"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"), primary_key=True, index=True)


class MediaUpload(Base):
    """Room set aside for an upload under way, where its box has a quota. `size` is that of the whole object."""

    __tablename__ = "media_uploads"

    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]


class CaseHold(Base):
    """A legal hold on everything that a case names; in force while `released_at` is empty. At most one of a case is."""

    __tablename__ = "case_holds"
    __table_args__ = (Index("ix_case_holds_case_id_released_at", "case_id", "released_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    reason: Mapped[str] = mapped_column(Text)
    placed_by: Mapped[str] = mapped_column(String(64))
    placed_at: Mapped[datetime]
    released_by: Mapped[str | None] = mapped_column(String(64))
    released_at: Mapped[datetime | None]
    release_reason: Mapped[str | None] = mapped_column(Text)


def names_in(raw: bytes) -> set[str]:
    """The objects that an event names: every value of a key that ends in `sha256`, but that of the detector's model.

    Of bytes that are no event, whatever could be a name: rather one too many is kept.
    """
    try:
        data = json.loads(raw)["data"]
        rest = {key: value for key, value in data.items() if key != "model"}
        # Most events name nothing but their model. An escaped letter could hide a name: then everything is looked at.
        model = data.get("model")
        own = isinstance(model, dict) and "sha256" in model
        if b"\\" not in raw and raw.count(b'sha256"') <= own:
            return set()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {found.decode() for found in _ANY_HEX.findall(raw)}
    names: set[str] = set()
    stack: list[Any] = [rest]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            names |= {v for k, v in one.items() if k.endswith("sha256") and isinstance(v, str) and _HEX.fullmatch(v)}
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
    return names


def fence(connection: Connection, *, alone: bool) -> None:
    """Until the transaction ends: with the others that name or enter objects, or `alone`, to take objects away.

    SQLite needs nothing: a transaction that writes is alone from its beginning.
    """
    if connection.dialect.name == "postgresql":
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        connection.execute(text(f"SELECT {lock}(:key)"), {"key": FENCE})


def _named(session: Session, _context: UOWTransaction) -> None:
    """Write down what the events name that this flush has inserted, all at once."""
    rows = [one for one in session.new if isinstance(one, Event) and one.type not in SEGMENTS]
    names = sorted((name, row.id) for row in rows for name in names_in(row.raw))
    if names:
        fence(session.connection(), alone=False)
        session.execute(insert(MediaName), [{"sha256": name, "event_id": event_id} for name, event_id in names])


event.listen(Session, "after_flush", _named)
