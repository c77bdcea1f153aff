"""What is learnt from decisions: a narrow line of figures a case, cameras in shadow, and what they said there."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from central.db.base import Base


class CaseFact(Base):
    """One case in figures, as of its `version`; made again whenever that has risen. Nothing stands here alone.

    `day` (YYYYMMDD), `week` (ISO, YYYYWW) and `hour` are those of the capture as the site counts them. `outcome` and
    the names are `central.reports.facts`'; `reason` is the code of what was rejected (R..) and the ground of what was
    taken back (G..); `decision_s` are seconds from the capture to the decision that stands.
    """

    __tablename__ = "case_facts"
    __table_args__ = (Index("ix_case_facts_day", "day"), Index("ix_case_facts_camera", "edge_id", "camera_id", "day"))

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True, autoincrement=False)
    version: Mapped[int]
    day: Mapped[int]
    week: Mapped[int]
    hour: Mapped[int] = mapped_column(SmallInteger)
    edge_id: Mapped[str] = mapped_column(String(64))
    camera_id: Mapped[str] = mapped_column(String(64))
    site: Mapped[str] = mapped_column(String(200))
    rule: Mapped[str] = mapped_column(String(40))
    verdict: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(3))
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decision_s: Mapped[float | None] = mapped_column(Float)
    first_by: Mapped[str | None] = mapped_column(String(64))
    decided_by: Mapped[str | None] = mapped_column(String(64))
    cancelled_by: Mapped[str | None] = mapped_column(String(64))


class FactsCursor(Base):
    """How far the histories have been read: everything up to the line `line` of `case_log` is in the figures."""

    __tablename__ = "facts_cursor"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime | None]


class Shadow(Base):
    """A camera whose word on a rule opens no cases until a person lifts it. The fold of `learning_log`."""

    __tablename__ = "shadows"

    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    rule: Mapped[str] = mapped_column(String(40), primary_key=True)
    since: Mapped[datetime]


class ShadowMatter(Base):
    """A decision of a camera in shadow: its events are kept, and no case is opened, now or later.

    `label` is what a person saw in it: right | wrong | unclear; `reason` why it is wrong, as cases are rejected.
    """

    __tablename__ = "shadow_matters"
    __table_args__ = (
        UniqueConstraint("edge_id", "case_key"),
        Index("ix_shadow_matters_camera", "edge_id", "camera_id", "rule", "at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    case_key: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"))
    camera_id: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(40))
    verdict: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    kept_at: Mapped[datetime]
    label: Mapped[str | None] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(3))
    labelled_by: Mapped[str | None] = mapped_column(String(64))
    labelled_at: Mapped[datetime | None]


class LearningLog(Base):
    """Every change of what is learnt: shadow, lift, label, look, export. Only ever added to, and in the ledger."""

    __tablename__ = "learning_log"
    __table_args__ = (Index("ix_learning_log_camera", "edge_id", "camera_id", "rule"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    edge_id: Mapped[str | None] = mapped_column(String(64))
    camera_id: Mapped[str | None] = mapped_column(String(64))
    rule: Mapped[str | None] = mapped_column(String(40))
    matter: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


@event.listens_for(LearningLog, "before_update")
@event.listens_for(LearningLog, "before_delete")
def _refuse(_mapper: Mapper[Any], _connection: Any, line: LearningLog) -> None:
    raise ValueError(f"the log of what is learnt is only added to: line {line.id} cannot be changed or removed")


__all__ = ["CaseFact", "FactsCursor", "LearningLog", "Shadow", "ShadowMatter"]
