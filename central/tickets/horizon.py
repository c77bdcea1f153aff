"""How far the calendars reach by which the office counts: somebody must bring the new year's file in time.

Beyond its last known day a calendar counts every day as worked, which shortens the time for each case; nothing fails,
so that nobody would notice.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.cases import Case
from central.tickets.precheck.profiles import profile_of
from central.workflow import calendar

#: So long before its last known day it is said on the page: the longest limits with a week of holidays end within it.
SOON_DAYS: Final = 30
#: By whose profiles an office counts is told by its latest cases.
_LATEST: Final = 200


@dataclass(frozen=True, slots=True)
class Horizon:
    """The calendar of `country` (ISO 3166) knows every day until `until`, `days` from today on; below 0 it ended."""

    country: str
    until: date
    days: int

    @property
    def soon(self) -> bool:
        """Whether somebody should bring the next year."""
        return self.days < SOON_DAYS


def horizons(session: Session) -> list[Horizon]:
    """The calendars by whose working days limits of the latest cases count, by country, with one query."""
    latest = select(Case.jurisdiction).order_by(Case.id.desc()).limit(_LATEST).subquery()
    names = session.execute(select(latest.c.jurisdiction).distinct()).scalars()
    profiles = [profile for name in names if (profile := profile_of(name)) is not None]
    countries = sorted({profile.country for profile in profiles if profile.country})
    known = [found for country in countries if (found := calendar.load(country)) is not None]
    today = office_now().date()
    return [Horizon(one.country, one.until, (one.until - today).days) for one in known if one.working_limits]


__all__ = ["SOON_DAYS", "Horizon", "horizons"]
