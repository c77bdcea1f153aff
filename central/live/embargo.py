"""When nobody watches: windows that a chief sets for a site, an area or everywhere, with exceptions by name.

The rule is pure; `running` gives it what the database has.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.live import Embargo


@dataclass(frozen=True, slots=True)
class Window:
    """Nobody but `but` (names of accounts) watches `site`, or the sites of `area` (neither: all), in this time."""

    begins_at: datetime
    ends_at: datetime
    reason: str
    area: str | None = None
    site: str | None = None
    but: frozenset[str] = frozenset()

    def covers(self, now: datetime, site: str, area: str | None) -> bool:
        """Whether it is in force for a site at `now`; its last instant is free."""
        if not self.begins_at <= now < self.ends_at:
            return False
        if self.site is not None:
            return self.site == site
        return self.area is None or self.area == area


def may_watch(now: datetime, name: str, site: str, area: str | None, windows: Iterable[Window]) -> str | None:
    """Why somebody may not watch a site (in `area`) at `now`; None when they may. A chief is no exception by rank."""
    for one in windows:
        if one.covers(now, site, area) and name not in one.but:
            return one.reason
    return None


def windows(session: Session, now: datetime) -> Sequence[Window]:
    """Those that run now or later and were not lifted."""
    query = select(Embargo).where(Embargo.ends_at > now, Embargo.lifted_at.is_(None)).order_by(Embargo.id)
    return [
        Window(row.begins_at, row.ends_at, row.reason, row.area, row.site, _names(row.but))
        for row in session.execute(query).scalars()
    ]


def _names(said: Collection[object]) -> frozenset[str]:
    return frozenset(str(one) for one in said)


__all__ = ["Window", "may_watch", "windows"]
