"""Polling stations: where they are, what their boxes and cameras say of themselves, their ledgers, what was wrong.

Times of recordings are whole Unix microseconds, as the ledger itself counts them (contract.continuity); all others are
moments.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class Station(Base):
    """A polling station, as the site file that was registered last says. `windows` and `cameras` are its own words.

    `windows`: list of {phase, from, until} (RFC 3339); `cameras`: list of {id, name, masks, masked_by}; the last
    two (how many masks are drawn, and who hides them) are not known of what was registered before.
    """

    __tablename__ = "stations"
    __table_args__ = (Index("ix_stations_place", "township", "village", "station"),)

    site: Mapped[str] = mapped_column(String(200), primary_key=True)
    station: Mapped[str] = mapped_column(String(200))
    township: Mapped[str] = mapped_column(String(200))
    village: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    windows: Mapped[list[Any]]
    cameras: Mapped[list[Any]]


class BoxState(Base):
    """What a box says of itself: retained, with a last will. `heard_at` is this machine's clock.

    `disk` (contract.states.Disk) is what it said last of its room, also while it is away.
    """

    __tablename__ = "box_states"

    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    since: Mapped[datetime]
    heard_at: Mapped[datetime]
    disk: Mapped[dict[str, Any] | None]
    disk_heard_at: Mapped[datetime | None]


class CameraState(Base):
    """What a box says of one camera's feed: retained, sent when it changes.

    `learned` and `kept` are those of contract.states; None where it does not tell.
    """

    __tablename__ = "camera_states"

    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    since: Mapped[datetime]
    cause: Mapped[str] = mapped_column(String(300))
    offset_ms: Mapped[float | None] = mapped_column(Float)
    fps: Mapped[float | None] = mapped_column(Float)
    heard_at: Mapped[datetime]
    learned: Mapped[dict[str, Any] | None]
    kept: Mapped[dict[str, Any] | None]


class RecordingLedger(Base):
    """The head of one camera's ledger: all blocks before `next_number` are here, in order, up to `until_us`.

    `fault` says what did not hold first, and stays.
    """

    __tablename__ = "recording_ledgers"

    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    site: Mapped[str] = mapped_column(String(64), index=True)
    next_number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    from_us: Mapped[int | None] = mapped_column(BigInteger)
    until_us: Mapped[int | None] = mapped_column(BigInteger)
    heard_at: Mapped[datetime]
    fault: Mapped[str | None] = mapped_column(String(300))
    fault_number: Mapped[int | None] = mapped_column(BigInteger)


class RecordingBlock(Base):
    """One block that came. Two of one number with different hashes are both kept: a box that tells two pasts."""

    __tablename__ = "recording_blocks"
    __table_args__ = (
        UniqueConstraint("edge_id", "camera_id", "number", "hash"),
        Index("ix_recording_blocks_time", "edge_id", "camera_id", "until_us"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    prev: Mapped[str] = mapped_column(String(64))
    from_us: Mapped[int] = mapped_column(BigInteger)
    until_us: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"), unique=True)
    linked: Mapped[bool]


class RecordingGap(Base):
    """A stretch that is not recorded, by the blocks that are linked; what came late has been taken out."""

    __tablename__ = "recording_gaps"
    __table_args__ = (Index("ix_recording_gaps_time", "edge_id", "camera_id", "start_us"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    start_us: Mapped[int] = mapped_column(BigInteger)
    end_us: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(String(300))


class RecordingDeletion(Base):
    """Segments that a box said it deleted."""

    __tablename__ = "recording_deletions"
    __table_args__ = (Index("ix_recording_deletions_time", "edge_id", "camera_id", "from_us"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"), unique=True)
    why: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(300))
    from_us: Mapped[int] = mapped_column(BigInteger)
    until_us: Mapped[int] = mapped_column(BigInteger)
    segments: Mapped[int]


class FeedTrouble(Base):
    """Something wrong with a picture: begun, ended, taken by a person. `version` rises with every change."""

    __tablename__ = "feed_troubles"
    __table_args__ = (
        UniqueConstraint("edge_id", "case_key"),
        Index("ix_feed_troubles_open", "at_end", "site"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    case_key: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    site: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    severity: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(300))
    figures: Mapped[dict[str, Any]]
    still: Mapped[str | None] = mapped_column(String(64))
    at_first: Mapped[datetime]
    at_trigger: Mapped[datetime]
    at_end: Mapped[datetime | None]
    how: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[datetime]
    taken_by: Mapped[str | None] = mapped_column(String(64))
    taken_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class BoxCommand(Base):
    """What was asked of a box, by whom, and what it answered: `status` is None until it does."""

    __tablename__ = "box_commands"
    __table_args__ = (Index("ix_box_commands_waiting", "status", "asked_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), index=True)
    camera_id: Mapped[str | None] = mapped_column(String(64))
    word: Mapped[str] = mapped_column(String(16))
    body: Mapped[dict[str, Any]]
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    answered_at: Mapped[datetime | None]
    status: Mapped[str | None] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(300))


__all__ = [
    "BoxCommand",
    "BoxState",
    "CameraState",
    "FeedTrouble",
    "RecordingBlock",
    "RecordingDeletion",
    "RecordingGap",
    "RecordingLedger",
    "Station",
]
