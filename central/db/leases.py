"""Who has a case open just now."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class CaseLease(Base):
    """A case that lies open before somebody, in the tab `tab` of a browser, for as long as `until` says."""

    __tablename__ = "case_leases"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    tab: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime] = mapped_column(index=True)


__all__ = ["CaseLease"]
