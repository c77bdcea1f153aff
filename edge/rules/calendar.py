"""When a zone is in force (domain D2, calendar).

`hours` of the site file is OpenStreetMap opening-hours syntax, read in the site's own time zone; outside it the zone
sleeps and no wait is counted. "Unknown" hours are sleep: nobody is accused on a doubt.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import opening_hours

#: A zone that changes more often than this between two sightings is no calendar; the search for changes ends there.
_MOST_CHANGES = 2_000


class Calendar:
    """The hours of one zone. `wall` gives the wall clock (aware) of a stream time in seconds."""

    def __init__(
        self, hours: str | None, zone_info: ZoneInfo, wall: Callable[[float], datetime], country: str | None = None
    ) -> None:
        self._zone_info = zone_info
        self._wall = wall
        # ZoneInfo objects of two loaders differ; the library takes its own key.
        self._hours = None if hours is None else opening_hours.OpeningHours(hours, zone_info, country)
        self._span: tuple[datetime, datetime, bool] | None = None
        self._last: tuple[datetime, datetime] | None = None

    def awake(self, t: float) -> bool:
        """Whether the zone is in force at stream time `t`."""
        if self._hours is None:
            return True
        now = self._utc(t)
        if self._span is None or not self._span[0] <= now < self._span[1]:
            self._span = (now, self._change_after(now), self._is_open(now))
        return self._span[2]

    def woke(self, t0: float, t1: float) -> float | None:
        """Stream time of the last waking in (t0, t1], or None when the zone did not wake then."""
        if self._hours is None:
            return None
        end = self._utc(t1)
        now, found = self._utc(t0), None
        for _ in range(_MOST_CHANGES):
            now = self._change_after(now)
            if now > end:
                break
            if self._is_open(now):
                found = now
        return None if found is None else t1 - (end - found).total_seconds()

    def _utc(self, t: float) -> datetime:
        # Of two readings of one ZoneInfo Python compares and subtracts what the clock on the wall shows, and that
        # leaps an hour twice a year.
        return self._wall(t).astimezone(UTC)

    def _is_open(self, now: datetime) -> bool:
        assert self._hours is not None
        return bool(self._hours.is_open(now.astimezone(self._zone_info)))

    def _change_after(self, now: datetime) -> datetime:
        """The next change (UTC) after `now`; asked once, because hours of a year long past are searched for long."""
        assert self._hours is not None
        if self._last is not None and self._last[0] <= now < self._last[1]:
            return self._last[1]
        change: datetime | None = self._hours.next_change(now.astimezone(self._zone_info))
        if change is None:
            later = now + timedelta(days=3650)
        else:
            if change.tzinfo is None:
                change = change.replace(tzinfo=self._zone_info)
            # At a change of summer time two local readings can be equal; never stand still.
            later = max(change.astimezone(UTC), now + timedelta(microseconds=1))
        self._last = (now, later)
        return later
