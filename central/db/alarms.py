"""Alarms of sensors: one a matter, what became of it, and who looked at it."""

from datetime import datetime

from sqlalchemy import Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from central.db.base import Base
from central.db.history import Line, only_added_to


class Alarm(Base):
    """What a sensor raised, or its silence. `version` rises with every change: who acts names the one that was seen."""

    __tablename__ = "alarms"
    __table_args__ = (
        UniqueConstraint("edge_id", "case_key"),
        Index("ix_alarms_queue", "state", "at_trigger", "number"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    case_key: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"))
    matter: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(20))
    sensor_id: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    site: Mapped[str] = mapped_column(String(200))
    place: Mapped[str] = mapped_column(String(200))
    call: Mapped[str | None] = mapped_column(String(200))
    unit: Mapped[str | None] = mapped_column(String(16))
    value: Mapped[float | None] = mapped_column(Float)
    peak: Mapped[float | None] = mapped_column(Float)
    at_first: Mapped[datetime]
    at_trigger: Mapped[datetime]
    at_end: Mapped[datetime | None]
    lasted_s: Mapped[float | None] = mapped_column(Float)
    how: Mapped[str | None] = mapped_column(String(16))
    taken_by: Mapped[str | None] = mapped_column(String(64))
    finding: Mapped[str | None] = mapped_column(String(3))
    note: Mapped[str | None] = mapped_column(Text)
    closed_by: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    history: Mapped[list["AlarmLog"]] = relationship(order_by="AlarmLog.id", cascade="save-update")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class AlarmLog(Line, Base):
    """What became of an alarm, line by line. Only ever added to."""

    __tablename__ = "alarm_log"

    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id"), index=True)


class AlarmViewLog(Base):
    """Somebody looked at an alarm: its page, or the whole of it over the API."""

    __tablename__ = "alarm_view_log"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id"), index=True)


only_added_to(AlarmLog, "an alarm")

__all__ = ["Alarm", "AlarmLog", "AlarmViewLog"]
