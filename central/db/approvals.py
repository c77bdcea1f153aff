"""What needs a second person: who asked for what and why, who decided it, and that it was done."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from central.db.base import Base
from central.db.history import Line, only_added_to


class Approval(Base):
    """One request. `what` is exactly what is asked for; `expires_at` is when it is of no more use, decided or not.

    `state`: waiting | approved | refused | withdrawn | used.
    """

    __tablename__ = "approvals"
    __table_args__ = (Index("ix_approvals_state_id", "state", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    what: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    asked_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime]

    history: Mapped[list["ApprovalLog"]] = relationship(order_by="ApprovalLog.id", cascade="save-update")


class ApprovalHalf(Base):
    """Hash of the half of a one-time password that who asked was shown; kept until the request is decided or over."""

    __tablename__ = "approval_halves"

    approval_id: Mapped[int] = mapped_column(ForeignKey("approvals.id"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(300))


class ApprovalLog(Line, Base):
    """What became of a request, line by line. Only ever added to, and entered in the ledger."""

    __tablename__ = "approval_log"

    approval_id: Mapped[int] = mapped_column(ForeignKey("approvals.id"), index=True)


only_added_to(ApprovalLog, "a request")

__all__ = ["Approval", "ApprovalHalf", "ApprovalLog"]
