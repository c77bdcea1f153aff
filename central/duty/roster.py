"""Who is on duty for an area at a moment, and when nobody is. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's duty from `begin` to before `until`. No areas: every station, also one that lies in none."""

    id: int
    user_id: int
    person: str
    level: int
    begin: datetime
    until: datetime
    areas: frozenset[str] = field(default_factory=frozenset)
    phone: str = ""
    webhook: str | None = None

    def reaches(self, area: str | None) -> bool:
        """Whether it is theirs what happens in `area`; None: the station is in no register."""
        return not self.areas or area in self.areas


def on_duty(shifts: Iterable[Shift], area: str | None, at: datetime) -> list[Shift]:
    """Who is to be told of what happens in `area` at `at`: by level, each person once a level."""
    here = [one for one in shifts if one.begin <= at < one.until and one.reaches(area)]
    found: dict[tuple[int, int], Shift] = {}
    for one in sorted(here, key=lambda each: (each.level, each.begin, each.id)):
        found.setdefault((one.level, one.user_id), one)
    return list(found.values())


def holes(shifts: Iterable[Shift], area: str | None, span: Span, level: int | None = None) -> list[Span]:
    """When within `span` nobody is on duty for `area` (nobody of `level`, where one is given), by time."""
    there = sorted(
        (one.begin, one.until) for one in shifts if one.reaches(area) and (level is None or one.level == level)
    )
    at, end = span
    found: list[Span] = []
    for begin, until in there:
        if begin > at:
            found.append((at, min(begin, end)))
        at = max(at, until)
        if at >= end:
            break
    if at < end:
        found.append((at, end))
    return [(first, last) for first, last in found if first < last and first < end]


def joined(spans: Sequence[Span]) -> list[Span]:
    """Spans that touch or overlap as one, by time."""
    found: list[Span] = []
    for begin, until in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((begin, until))
    return found


__all__ = ["Shift", "Span", "holes", "joined", "on_duty"]
