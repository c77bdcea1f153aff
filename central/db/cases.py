"""Cases (tickets): one a violation, the evidence it names, its open questions and its history."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from central.db.base import Base
from central.db.history import Line, only_added_to
from contract.exempt import plain

#: What the column takes; no plate of the world is nearly as long.
PLATE_LENGTH = 40


def plain_plate(plate: str | None) -> str | None:
    """A plate as plates are compared; None for none."""
    return (plain(plate)[:PLATE_LENGTH] or None) if plate else None


class Case(Base):
    """One matter before the officers. `version` rises with every change: who decides names the one that was seen.

    `due_at` is when the time for its step ends (None: nothing limits it), `sort_at` what the queue goes by: that, or
    the trigger. `due_certain` is None while nobody has reckoned it. `yellow_at` and `red_at` are when its colour
    changes. Until `final_at` the last decision can be undone. `corrected` has what a person read otherwise than the
    machine, by `plate`, `type`, `color`. `plate_plain` is `plate` as plates are compared, and follows it by itself:
    without what people put between its signs, in capitals, of plain width; what is unsure in it stays.
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("edge_id", "case_key"),
        Index("ix_cases_queue", "state", "sort_at", "number"),
        Index("ix_cases_queue_rule", "state", "rule", "sort_at", "number"),
        Index("ix_cases_queue_site", "state", "site", "sort_at", "number"),
        Index("ix_cases_queue_verdict", "state", "verdict", "sort_at", "number"),
        Index("ix_cases_plate_plain", "plate_plain", "site", "at_trigger"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"))
    case_key: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"))
    rule: Mapped[str] = mapped_column(String(40))
    verdict: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    state_at: Mapped[datetime]
    jurisdiction: Mapped[str] = mapped_column(String(41))
    utc_offset_s: Mapped[int]
    due_at: Mapped[datetime | None]
    due_certain: Mapped[bool | None]
    yellow_at: Mapped[datetime | None]
    red_at: Mapped[datetime | None]
    sort_at: Mapped[datetime]
    site: Mapped[str] = mapped_column(String(200))
    camera_id: Mapped[str] = mapped_column(String(64))
    zone_id: Mapped[str] = mapped_column(String(200))
    lane_id: Mapped[str | None] = mapped_column(String(200))
    vehicle_class: Mapped[str] = mapped_column(String(40))
    plate: Mapped[str | None] = mapped_column(String(PLATE_LENGTH))
    plate_plain: Mapped[str | None] = mapped_column(String(PLATE_LENGTH))
    at_first: Mapped[datetime]
    at_trigger: Mapped[datetime]
    at_last: Mapped[datetime]
    at_end: Mapped[datetime | None]
    dwell_s: Mapped[float | None]
    clock_offset_ms: Mapped[float | None]
    manifest: Mapped[bool] = mapped_column(Boolean, default=False)
    checks: Mapped[list[Any]] = mapped_column(default=list)
    reason_code: Mapped[str | None] = mapped_column(String(3))
    note: Mapped[str | None] = mapped_column(Text)
    ground: Mapped[str | None] = mapped_column(String(2))
    first_by: Mapped[str | None] = mapped_column(String(64))
    first_by_id: Mapped[int | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_by_id: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    final_at: Mapped[datetime | None]
    corrected: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    media: Mapped[list["CaseMedia"]] = relationship(order_by="CaseMedia.position", cascade="save-update")
    questions: Mapped[list["CaseQuestion"]] = relationship(order_by="CaseQuestion.position", cascade="save-update")
    history: Mapped[list["CaseLog"]] = relationship(order_by="CaseLog.id", cascade="save-update")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @validates("plate")
    def _told(self, _name: str, plate: str | None) -> str | None:
        """Whoever gives or corrects a plate: it is found by it from then on."""
        self.plate_plain = plain_plate(plate)
        return plate


class CaseMedia(Base):
    """One still or clip that the manifest of a case names. Its bytes are there when `media.sha256` is complete."""

    __tablename__ = "case_media"
    __table_args__ = (UniqueConstraint("case_id", "position"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    position: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    role: Mapped[str | None] = mapped_column(String(16))
    moment: Mapped[str | None] = mapped_column(String(16))
    t: Mapped[float] = mapped_column(Float)
    t1: Mapped[float | None] = mapped_column(Float)
    at: Mapped[datetime]
    w: Mapped[int]
    h: Mapped[int]
    size: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(60))
    overlay: Mapped[bool] = mapped_column(default=False)


class CaseQuestion(Base):
    """A fact that no live source could tell. It is answered by name before the case can be approved."""

    __tablename__ = "case_questions"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    fact: Mapped[str] = mapped_column(String(80), primary_key=True)
    position: Mapped[int]
    question: Mapped[str] = mapped_column(Text)
    sources: Mapped[list[Any]] = mapped_column(default=list)
    answer: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime | None]


class CaseLog(Line, Base):
    """What became of a case, line by line. Only ever added to."""

    __tablename__ = "case_log"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)


class CaseNumber(Base):
    """The last number given on a day (YYYYMMDD)."""

    __tablename__ = "case_numbers"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int]


only_added_to(CaseLog, "a case")
