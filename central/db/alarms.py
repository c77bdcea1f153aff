"""Alarms of sensors: one a matter, and what became of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from central.db.base import Base


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


class AlarmLog(Base):
    """What became of an alarm, line by line. Only ever added to."""

    __tablename__ = "alarm_log"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str | None] = mapped_column(String(20))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def _append_only(_mapper: Mapper[Any], _connection: Any, line: AlarmLog) -> None:
    raise ValueError(f"the history of an alarm is only added to: line {line.id} cannot be changed or removed")


event.listen(AlarmLog, "before_update", _append_only)
event.listen(AlarmLog, "before_delete", _append_only)

__all__ = ["Alarm", "AlarmLog"]
