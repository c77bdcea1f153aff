"""Legal limits: when the time for a step ends, how much of it is used, and in which colour that is shown.

The day of the event itself is not counted, and a limit ends at 24:00 of its last day, in the time of the place
(domain B5, F3; 行政处罚法 第85条 for which limits are working days). `due` is that midnight: from it on, it is late.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from central.workflow.calendar import Calendar

Kind = Literal["working", "calendar"]
Colour = Literal["blue", "yellow", "red"]

#: Shares of the time of a step from which its colour changes (domain F3).
YELLOW_FROM = 0.5
RED_FROM = 0.8


@dataclass(frozen=True, slots=True)
class Limit:
    """So many days of one kind."""

    days: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Due:
    """When a limit ends, as an instant in UTC. Not `certain`: a year was missing, and the earliest end was taken."""

    at: datetime
    certain: bool = True


def of_days(days: int, calendar: Calendar | None) -> Limit:
    """The limit of `days` as the law of the calendar's country counts it; without one, calendar days."""
    working = calendar is not None and days in calendar.working_limits
    return Limit(days, "working" if working else "calendar")


def due(start: datetime, limit: Limit, calendar: Calendar | None, zone: tzinfo) -> datetime:
    """The instant (UTC) from which a step is late that `start` began; see `reckoned` for how sure that is."""
    return reckoned(start, limit, calendar, zone).at


def reckoned(start: datetime, limit: Limit, calendar: Calendar | None, zone: tzinfo) -> Due:
    """When `limit` ends that began at `start` (aware) in a place whose time is `zone`.

    Working days without a calendar, or in a year that it does not know, are counted as calendar days: no other count
    can end earlier. Raises ValueError for a naive `start`.
    """
    if start.tzinfo is None:
        raise ValueError("a limit begins at an aware time")
    first = start.astimezone(zone).date()
    if limit.kind == "calendar":
        return Due(_midnight_after(first + timedelta(days=limit.days), zone))
    if calendar is None:
        return Due(_midnight_after(first + timedelta(days=limit.days), zone), certain=False)
    day, left, certain = first, limit.days, True
    while left > 0:
        day += timedelta(days=1)
        certain = certain and calendar.knows(day)
        left -= calendar.works(day)
    return Due(_midnight_after(day, zone), certain)


def used(start: datetime, end: datetime, at: datetime) -> float:
    """The share of the time from `start` to `end` that is used at `at`; 1.0 and more is late. Aware times."""
    whole = (end - start).total_seconds()
    return 1.0 if whole <= 0 else max(0.0, (at - start).total_seconds() / whole)


def colour(
    start: datetime, end: datetime, at: datetime, *, yellow: float = YELLOW_FROM, red: float = RED_FROM
) -> Colour:
    """The colour of a step at `at`: blue, yellow from a share of its time on, red near its end and when it is late."""
    share = used(start, end, at)
    if share >= red:
        return "red"
    return "yellow" if share >= yellow else "blue"


def colour_from(start: datetime, end: datetime, share: float) -> datetime:
    """The instant at which `share` of the time is used: for queries by colour."""
    return start + (end - start) * share


def _midnight_after(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)


__all__ = [
    "RED_FROM",
    "YELLOW_FROM",
    "Colour",
    "Due",
    "Kind",
    "Limit",
    "colour",
    "colour_from",
    "due",
    "of_days",
    "reckoned",
    "used",
]
