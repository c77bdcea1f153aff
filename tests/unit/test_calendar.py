"""When a zone is in force: across changes of summer time, and with hours that never come again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edge.rules.calendar import Calendar

LONDON = ZoneInfo("Europe/London")


def clock(start: datetime) -> Callable[[float], datetime]:
    return lambda t: start + timedelta(seconds=t)


@pytest.mark.parametrize(
    ("start", "hours", "woke"),
    [
        # 00:59 local is 00:59 UTC; at 01:00 UTC the clock on the wall leaps to 02:00.
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "00:59-05:00", 29 * 60.0),
        # 00:59 local is 23:59 UTC; at 01:00 UTC it falls back to 01:00.
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), "00:59-05:00", 29 * 60.0),
        (datetime(2026, 6, 1, 0, 30, tzinfo=UTC), "01:59-05:00", 29 * 60.0),
    ],
)
@pytest.mark.parametrize("zone", [UTC, LONDON])
def test_a_zone_wakes_when_it_wakes_whatever_the_clock_on_the_wall_does(
    start: datetime, hours: str, woke: float, zone: Any
) -> None:
    calendar = Calendar(hours, LONDON, lambda t: clock(start)(t).astimezone(zone))
    assert calendar.woke(0.0, 100 * 60.0) == pytest.approx(woke)
    assert not calendar.awake(woke - 1)
    assert calendar.awake(woke + 1)
    assert calendar.awake(100 * 60.0)


def test_hours_that_never_come_again_are_searched_for_once() -> None:
    calendar = Calendar("2020-2021 Mo", LONDON, clock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC)))
    asked, real = [], calendar._hours

    class Counted:
        def next_change(self, now: datetime) -> datetime | None:
            asked.append(now)
            return real.next_change(now) if real else None

        def is_open(self, now: datetime) -> bool:
            return bool(real and real.is_open(now))

    calendar._hours = Counted()  # type: ignore[assignment]
    for second in range(1, 600):
        assert calendar.woke(second - 1.0, float(second)) is None
        assert not calendar.awake(float(second))
    assert len(asked) <= 2
