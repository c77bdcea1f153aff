"""Legal limits against a list made by hand over the holidays of 2025 and 2026, and the calendar against another's.

The list follows the notices of the State Council of 2024-11-12 and 2025-11-04 with pencil and paper.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.workflow import limits
from central.workflow.calendar import Calendar, load, own_calendars
from central.workflow.limits import Limit
from contract.errors import ConfigError

CHINA = ZoneInfo("Asia/Shanghai")

#: Day of the capture -> last day of five working days.
BY_HAND = [
    ("2025-01-24", "2025-02-07"),  # Friday before the Spring Festival: 26 January is worked, eight days are free
    ("2025-01-27", "2025-02-10"),  # 5, 6, 7, 8 (a worked Saturday) and 10 February
    ("2025-04-25", "2025-05-06"),  # 27 April is a worked Sunday
    ("2025-04-30", "2025-05-12"),
    ("2025-06-01", "2025-06-09"),
    ("2025-09-26", "2025-10-10"),  # 28 September is a worked Sunday, eight days are free
    ("2025-10-08", "2025-10-14"),  # 9, 10, 11 (worked Saturday), 13, 14
    ("2025-12-31", "2026-01-08"),  # over the year: 4 January is a worked Sunday
    ("2026-01-01", "2026-01-08"),
    ("2026-02-12", "2026-02-26"),  # 14 February is a worked Saturday, nine days are free
    ("2026-02-14", "2026-02-28"),  # 24 to 27 and the worked Saturday 28 February
    ("2026-04-03", "2026-04-13"),
    ("2026-04-30", "2026-05-11"),  # 9 May is a worked Saturday
    ("2026-06-18", "2026-06-26"),
    ("2026-07-04", "2026-07-10"),  # a plain Saturday
    ("2026-09-18", "2026-09-24"),  # 20 September is a worked Sunday
    ("2026-09-24", "2026-10-09"),  # 28, 29, 30 September, 8 and 9 October
    ("2026-09-28", "2026-10-10"),  # 10 October is a worked Saturday
    ("2026-10-01", "2026-10-13"),
]


@pytest.fixture(scope="module")
def china() -> Calendar:
    found = load("CN")
    assert found is not None
    return found


def local(day: str, clock: str = "12:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=CHINA)


def last_day(due: datetime) -> str:
    """The day at whose end it is due, as people of the place say it."""
    end = due.astimezone(CHINA)
    assert (end.hour, end.minute, end.second, end.microsecond) == (0, 0, 0, 0)
    return str((end - timedelta(days=1)).date())


@pytest.mark.parametrize(("capture", "last"), BY_HAND)
@pytest.mark.parametrize("clock", ["00:00", "12:00", "23:59:59.9"])
def test_five_working_days_as_counted_by_hand(china: Calendar, capture: str, last: str, clock: str) -> None:
    """The day of the capture does not count, whatever its hour."""
    found = limits.reckoned(local(capture, clock), Limit(5, "working"), china, CHINA)
    assert (last_day(found.at), found.certain) == (last, True)
    assert found.at.tzinfo is UTC


def test_the_same_instant_belongs_to_the_day_of_the_place(china: Calendar) -> None:
    """16:00 in Greenwich is the next day in China: the last second before it and the first after it differ by a day."""
    limit = Limit(2, "working")
    before, after = datetime(2026, 7, 6, 15, 59, 59, tzinfo=UTC), datetime(2026, 7, 6, 16, 0, tzinfo=UTC)
    assert last_day(limits.due(before, limit, china, CHINA)) == "2026-07-08"
    assert last_day(limits.due(after, limit, china, CHINA)) == "2026-07-09"


@pytest.mark.parametrize(
    ("days", "capture", "last"),
    [(2, "2026-09-30", "2026-10-09"), (3, "2026-09-30", "2026-10-10"), (7, "2026-04-30", "2026-05-13")],
)
def test_other_limits_of_the_law(china: Calendar, days: int, capture: str, last: str) -> None:
    limit = limits.of_days(days, china)
    assert limit.kind == "working"
    assert last_day(limits.due(local(capture), limit, china, CHINA)) == last


@pytest.mark.parametrize("days", [30, 60, 730])
def test_long_limits_are_calendar_days(china: Calendar, days: int) -> None:
    found = limits.reckoned(local("2026-12-30"), limits.of_days(days, china), china, CHINA)
    assert last_day(found.at) == str(date(2026, 12, 30) + timedelta(days=days))
    assert found.certain


def test_no_calendar_no_working_days() -> None:
    """A country that nobody gave a calendar has calendar days; working days asked of it are the earliest there can be."""
    assert load("GB") is None
    assert limits.of_days(5, None) == Limit(5, "calendar")
    found = limits.reckoned(local("2026-07-03"), Limit(5, "working"), None, CHINA)
    assert (last_day(found.at), found.certain) == ("2026-07-08", False)


@pytest.mark.parametrize(
    ("capture", "last", "certain"),
    [
        ("2026-12-15", "2026-12-22", True),
        ("2026-12-17", "2026-12-24", True),
        ("2026-12-18", "2026-12-25", False),  # the notice for 2027 could still free the 25th
        ("2026-12-24", "2026-12-29", False),  # ... or have the weekend worked
        ("2026-12-31", "2027-01-05", False),
        ("2031-05-01", "2031-05-06", False),
        ("2024-12-31", "2025-01-08", True),
    ],
)
def test_a_year_that_is_missing_gives_the_earliest_end_and_says_so(
    china: Calendar, capture: str, last: str, certain: bool
) -> None:
    found = limits.reckoned(local(capture), Limit(5, "working"), china, CHINA)
    assert (last_day(found.at), found.certain) == (last, certain)
    assert china.until == date(2026, 12, 24)


def test_the_calendar_says_what_another_one_says(china: Calendar) -> None:
    """Each day of the years that we hold, against the `holidays` package: a second hand, not ours."""
    other = holidays.country_holidays("CN", years=sorted(china.years))
    day = date(2025, 1, 1)
    while day <= china.until:
        assert china.works(day) == other.is_working_day(day), day
        day += timedelta(days=1)


@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    days=st.integers(0, 30),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/London", "America/New_York", "Africa/Cairo", "Pacific/Apia"]),
)
def test_a_limit_never_ends_before_its_days_nor_beyond_its_start(start: datetime, days: int, zone: str) -> None:
    """Monotone in days and start; working days never end before calendar days; the end is a midnight of the place."""
    china, place = load("CN"), ZoneInfo(zone)
    working = limits.due(start, Limit(days, "working"), china, place)
    assert working >= limits.due(start, Limit(days, "calendar"), china, place) > start
    assert limits.due(start, Limit(days + 1, "working"), china, place) > working
    assert limits.due(start + timedelta(hours=1), Limit(days, "working"), china, place) >= working
    before = (working - timedelta(seconds=1)).astimezone(place)
    assert before.date() < working.astimezone(place).date()


def test_the_colour_is_the_share_of_the_time() -> None:
    start, end = local("2026-07-06"), local("2026-07-16")
    seen = [limits.colour(start, end, start + timedelta(days=day)) for day in (-1, 0, 4.99, 5, 7.99, 8, 10, 99)]
    assert seen == ["blue", "blue", "blue", "yellow", "yellow", "red", "red", "red"]
    assert limits.colour(start, start, start) == "red"
    assert limits.colour_from(start, end, limits.RED_FROM) == local("2026-07-14")
    assert limits.colour(start, end, start + timedelta(days=3), yellow=0.2, red=0.9) == "yellow"


def test_a_naive_start_is_refused(china: Calendar) -> None:
    with pytest.raises(ValueError, match="aware"):
        limits.due(datetime(2026, 7, 6), Limit(5, "working"), china, CHINA)  # noqa: DTZ001


GOOD = "country: XX\nsource: [a]\nweekend: [fri]\nyears: {2026: {free: [2026-07-09], worked: [2026-07-10]}}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("XX", "YY"), "country: is YY - it must be the file's name"),
        (GOOD.replace("free: [2026-07-09]", "free: [2025-07-09]"), "years.2026 has 2025-07-09 - it belongs to 2025"),
        (GOOD.replace("2026-07-09", "2026-07-10"), "in free and in worked"),
        (GOOD.replace("worked: [2026-07-10]", "worked: [2026-07-11]"), "no day of the weekend"),
        (GOOD.replace("2026-07-09", "2026-02-31"), "cannot be read"),
        (GOOD + "feasts: 3\n", "feasts: is not a setting"),
        (GOOD.replace("[fri]", "[fri, sat, sun, mon, tue, wed, thu]"), "weekend"),
        ("[", "is not YAML"),
        ("just text", "must be keys with values"),
    ],
)
def test_a_calendar_that_does_not_hold_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "xx.yaml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load("XX", tmp_path)
    assert said in str(refused.value)
    assert "xx.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_place_brings_its_own_calendar(tmp_path: Path) -> None:
    (tmp_path / "xx.yaml").write_text(GOOD)
    (tmp_path / "cn.yaml").write_text(GOOD.replace("XX", "CN"))
    own = load("XX", tmp_path)
    assert own is not None
    assert [own.works(date(2026, 7, day)) for day in (9, 10, 17, 18)] == [False, True, False, True]
    ours = load("CN", tmp_path)
    assert ours is not None
    assert ours.weekend == {4}
    before = own_calendars(tmp_path)
    try:
        assert load("CN") == ours
    finally:
        own_calendars(before)
    assert load("CN") != ours
