"""What a report is asked for: which days, in which steps, of which rule, site or camera."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement

from central.db.learning import CaseFact
from central.sites.areas import EVERYWHERE, within
from central.tickets.errors import Unfit
from contract.events import Rule

#: Nobody reads more bars than these.
MOST_STEPS = {"day": 366, "week": 366 * 3, "month": 366 * 20}
_LONGEST = 200


class Step(StrEnum):
    """How days are put together."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Ask:
    """`first` and `last` are days as the sites count them, both within. None narrows to nothing.

    `areas` are those of who asks: no capture of another is counted.
    """

    first: date
    last: date
    step: Step = Step.DAY
    rule: str | None = None
    site: str | None = None
    camera: str | None = None
    areas: frozenset[str] = EVERYWHERE

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise Unfit("the last day is before the first - turn them round", "report.order")
        if (self.last - self.first).days >= MOST_STEPS[self.step]:
            most = MOST_STEPS[self.step]
            raise Unfit(f"that is more than {most} days - choose fewer, or weeks or months", "report.long", most=most)
        known = self.rule is None or self.rule in tuple(Rule)
        for value in (self.rule, self.site, self.camera):
            if not known or (value is not None and (len(value) > _LONGEST or not value.isprintable())):
                raise Unfit("a report cannot be narrowed to that - choose a rule, a site or a camera", "report.narrow")

    def conditions(self) -> list[ColumnElement[bool]]:
        """As conditions on the figures of cases."""
        given = ((CaseFact.rule, self.rule), (CaseFact.site, self.site), (CaseFact.camera_id, self.camera))
        days = CaseFact.day.between(number_of(self.first), number_of(self.last))
        return [days, *within(CaseFact.site, self.areas), *(column == value for column, value in given if value)]

    def steps(self) -> list[int]:
        """The key of every step within, whether anything happened in it or not."""
        days = range((self.last - self.first).days + 1)
        return list(dict.fromkeys(key_of(self.first + timedelta(days=day), self.step) for day in days))


def number_of(day: date) -> int:
    """2026-11-21 as 20261121."""
    return day.year * 10_000 + day.month * 100 + day.day


def key_of(day: date, step: Step) -> int:
    """The step that a day lies in: 20261121, ISO week 202647, month 202611."""
    if step is Step.DAY:
        return number_of(day)
    if step is Step.WEEK:
        year, week, _ = day.isocalendar()
        return year * 100 + week
    return day.year * 100 + day.month


def label_of(key: int, step: Step) -> str:
    """2026-11-21, 2026-W47 or 2026-11."""
    if step is Step.DAY:
        return f"{key // 10_000}-{key // 100 % 100:02d}-{key % 100:02d}"
    return f"{key // 100}-W{key % 100:02d}" if step is Step.WEEK else f"{key // 100}-{key % 100:02d}"


__all__ = ["MOST_STEPS", "Ask", "Step", "key_of", "label_of", "number_of"]
