"""Working days of a country, as data: `configs/calendars/<country>.yaml`, or a folder of the place's own.

A calendar holds the years that were announced and guesses none: a library that goes on by pattern would be wrong in
silence. What a calendar does not know is counted as a working day, because that gives the earliest deadline there can
be; `knows` tells it, so that a page can say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.errors import ConfigError
from contract.model import Model
from contract.settings import read_settings

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: From this day of December on a day may still be moved by the notice of the year behind it (29 December 2018 was so).
_LAST_DAYS_FROM = 25


class Year(Model):
    """What was announced for one year: days that are free, and days of a weekend that are worked.

    Not `off`, which YAML reads as a truth value.
    """

    free: list[date] = Field(default=[])
    worked: list[date] = Field(default=[])


class CalendarFile(Model):
    """A calendar as it is written. `working_limits`: limits of so many days count working days, by that law."""

    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166")
    source: list[str] = Field(min_length=1)
    weekend: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(max_length=6)
    working_limits: list[Annotated[int, Field(ge=1, le=365)]] = Field(default=[])
    years: dict[Annotated[int, Field(ge=1900, le=2200)], Year] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for year, days in self.years.items():
            for day in (*days.free, *days.worked):
                if day.year != year:
                    raise ValueError(f"years.{year} has {day} - it belongs to {day.year}")
            if both := set(days.free) & set(days.worked):
                raise ValueError(f"years.{year} has {min(both)} in free and in worked - keep one")
            for day in days.worked:
                if _WEEK[day.weekday()] not in self.weekend:
                    raise ValueError(f"years.{year}.worked has {day}, which is no day of the weekend - remove it")
        return self


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of `country`. `years` are those it knows; days of others it cannot tell."""

    country: str
    weekend: frozenset[int]
    years: frozenset[int]
    free: frozenset[date]
    worked: frozenset[date]
    working_limits: frozenset[int]
    source: tuple[str, ...] = ()

    def knows(self, day: date) -> bool:
        """Whether it was announced what `day` is. The last week of a year waits for the notice of the next."""
        last_days = day.month == 12 and day.day >= _LAST_DAYS_FROM
        return day.year in self.years and (not last_days or day.year + 1 in self.years)

    def works(self, day: date) -> bool:
        """Whether `day` is a working day; a day it does not know counts as one."""
        if day in self.worked or not self.knows(day):
            return day not in self.free
        return day not in self.free and day.weekday() not in self.weekend

    @property
    def until(self) -> date:
        """The last day that it knows without a gap from its first year on."""
        year = min(self.years)
        while year + 1 in self.years:
            year += 1
        return date(year, 12, _LAST_DAYS_FROM - 1)


_folder: Path | None = None


def own_calendars(folder: Path | None) -> Path | None:
    """From now on calendars in `folder` go before ours; returns the one before. None: ours alone."""
    global _folder
    before, _folder = _folder, folder
    return before


def load(country: str, folder: Path | None = None) -> Calendar | None:
    """The calendar of `country` (ISO 3166, two letters), None where there is none.

    One in `folder` goes before ours; without it, one in the folder of `own_calendars`. Raises ConfigError, one line
    with file and key, when it does not hold.
    """
    return _load(country, folder or _folder)


@cache
def _load(country: str, folder: Path | None) -> Calendar | None:
    name = f"{country.lower()}.yaml"
    own = folder / name if folder else None
    entry: Traversable = own if own is not None and own.is_file() else resources.files("configs") / "calendars" / name
    if not entry.is_file():
        return None
    said = read_settings(CalendarFile, entry, "mend review.calendars", "docs/jurisdictions.md")
    if said.country != country.upper():
        raise ConfigError(f"{entry}: country: is {said.country} - it must be the file's name")
    return _calendar(said)


def _calendar(said: CalendarFile) -> Calendar:
    return Calendar(
        country=said.country,
        weekend=frozenset(_WEEK.index(day) for day in said.weekend),
        years=frozenset(said.years),
        free=_all(said.years, "free"),
        worked=_all(said.years, "worked"),
        working_limits=frozenset(said.working_limits),
        source=tuple(said.source),
    )


def _all(years: Mapping[int, Year], kind: Literal["free", "worked"]) -> frozenset[date]:
    return frozenset(day for year in years.values() for day in getattr(year, kind))


__all__ = ["Calendar", "CalendarFile", "Year", "load", "own_calendars"]
