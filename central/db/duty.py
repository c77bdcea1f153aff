"""Alarms of polling stations: who is on duty, what is wrong, who was told of it, and where stations are called."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class DutyShift(Base):
    """Somebody is on duty from `begin_at` to before `until_at`. It is never changed, only ended: `removed_at`.

    `areas`: codes of the register; none for all that the person sees. `level` 1 is told first.
    """

    __tablename__ = "duty_shifts"
    __table_args__ = (Index("ix_duty_shifts_until", "until_at", "begin_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    level: Mapped[int]
    areas: Mapped[list[Any]]
    begin_at: Mapped[datetime]
    until_at: Mapped[datetime]
    phone: Mapped[str] = mapped_column(String(40))
    webhook: Mapped[str | None] = mapped_column(String(500))
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    removed_by: Mapped[str | None] = mapped_column(String(64))
    removed_at: Mapped[datetime | None]


class DutyAlarm(Base):
    """What is wrong at one station: one or more matters that began together. Times are those of the office's clock.

    `begun_at` is when the first matter began by its own word, `opened_at` when it was seen here: from then people are
    told. `acknowledged_how`: `here`, or `trouble` where somebody took the picture's trouble in hand.
    """

    __tablename__ = "duty_alarms"
    __table_args__ = (Index("ix_duty_alarms_open", "ended_at", "acknowledged_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    site: Mapped[str] = mapped_column(String(200), index=True)
    severity: Mapped[str] = mapped_column(String(10))
    begun_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(64))
    acknowledged_at: Mapped[datetime | None]
    acknowledged_how: Mapped[str | None] = mapped_column(String(10))


class DutyMatter(Base):
    """One thing that is wrong. `key` names it for as long as it lasts; `what` is a check of pictures, or the kind."""

    __tablename__ = "duty_matters"
    __table_args__ = (Index("ix_duty_matters_key", "key", "ended_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("duty_alarms.id"), index=True)
    key: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str] = mapped_column(String(16))
    what: Mapped[str] = mapped_column(String(16))
    camera_id: Mapped[str | None] = mapped_column(String(64))
    trouble_id: Mapped[int | None] = mapped_column(ForeignKey("feed_troubles.id"), index=True)
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class DutyNotice(Base):
    """Somebody is told of an alarm, once a step. With a webhook it is sent there until it is taken, under this id."""

    __tablename__ = "duty_notices"
    __table_args__ = (
        UniqueConstraint("alarm_id", "level", "user_id"),
        Index("ix_duty_notices_due", "done_at", "next_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("duty_alarms.id"))
    level: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    shift_id: Mapped[int] = mapped_column(ForeignKey("duty_shifts.id"))
    made_at: Mapped[datetime]
    webhook: Mapped[str | None] = mapped_column(String(500))
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    said: Mapped[str | None] = mapped_column(String(200))


class DutyWatch(Base):
    """One row: when somebody last looked for alarms. Who holds it looks; other replicas leave it to them."""

    __tablename__ = "duty_watch"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    looked_at: Mapped[datetime | None]


class StationPhone(Base):
    """Where a station is called."""

    __tablename__ = "station_phones"

    site: Mapped[str] = mapped_column(String(200), primary_key=True)
    phone: Mapped[str] = mapped_column(String(40))
    set_by: Mapped[str] = mapped_column(String(64))
    set_at: Mapped[datetime]


class RehearsalWord(Base):
    """What somebody says of a station in its rehearsal, having looked. It is only added to: the later one counts."""

    __tablename__ = "rehearsal_words"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    site: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    ok: Mapped[bool]
    note: Mapped[str] = mapped_column(String(500))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class WallLayout(Base):
    """What somebody wants to see of the wall again: the query of its address. `shared`: a chief gives it to all."""

    __tablename__ = "wall_layouts"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(40))
    query: Mapped[str] = mapped_column(String(1000))
    shared: Mapped[bool]
    made_at: Mapped[datetime]


__all__ = [
    "DutyAlarm",
    "DutyMatter",
    "DutyNotice",
    "DutyShift",
    "DutyWatch",
    "RehearsalWord",
    "StationPhone",
    "WallLayout",
]
