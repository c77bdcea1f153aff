"""By when the step of a case must be done: the days of its profile, counted as the law of its place counts them.

The review counts from the capture, what comes after it from the step before (domain B5; 违法行为处理程序规定 19, 20,
22, 53). The day is that of the place: its offset from UTC when the event was captured, which is what the event carries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from central.db.cases import Case
from central.tickets.precheck.profiles import profile_of
from central.tickets.review import WORKFLOW
from central.workflow import calendar, limits
from contract.jurisdiction import load_profile
from contract.profile import Profile

#: By whose limits a case is counted whose own profile is not known here.
_STRICTEST: Final = "cn-default"
_DAYS: Final[dict[str, Callable[[Profile], int | None]]] = {
    "first": lambda profile: profile.review_days.first,
    "second": lambda profile: profile.review_days.second,
    "entered": lambda profile: profile.review_days.entered,
    "notified": lambda profile: profile.notice_days,
    "handled": lambda profile: profile.review_days.handled,
    "answer": lambda profile: profile.review_days.answer,
    "reversal": lambda profile: profile.review_days.reversal,
}
#: A step that begins a time of its own in the state it leads to: a ground that was verified (程序规定 22).
_OWN_LIMIT: Final = {"verify": "reversal"}
#: A limit after approval begins with the step itself, not with the capture.
_FROM_STEP: Final = frozenset({"notified", "handled", "answer", "reversal"})


@dataclass(frozen=True, slots=True)
class Deadline:
    """`start` and `due` (UTC). Not `certain`: the calendar does not know a year, and the earliest end was taken."""

    start: datetime
    due: datetime
    certain: bool

    def share(self, used: float) -> datetime:
        """The instant at which so much of the time is used."""
        return limits.colour_from(self.start, self.due, used)


def after(case: Case, state: str, action: str, at: datetime) -> Deadline | None:
    """The deadline of `case` in `state`, to which `action` led at `at`; None where nothing limits it."""
    names = (_OWN_LIMIT[action],) if action in _OWN_LIMIT else WORKFLOW.limits_of(state)
    found = [one for name in names if (one := _limited(case, name, at)) is not None]
    return min(found, key=lambda one: one.due, default=None)


def enter(case: Case, state: str, action: str, at: datetime) -> None:
    """The case is in `state` from `at` on, with the deadline of that step and its place in the queue."""
    case.state, case.state_at = state, at
    put(case, after(case, state, action, at))


def put(case: Case, found: Deadline | None) -> None:
    """Write a deadline on the row."""
    case.due_at, case.due_certain = (found.due, found.certain) if found else (None, True)
    case.sort_at = found.due if found else case.at_trigger
    case.yellow_at = found.share(limits.YELLOW_FROM) if found else None
    case.red_at = found.share(limits.RED_FROM) if found else None


def _limited(case: Case, name: str, at: datetime) -> Deadline | None:
    profile = profile_of(case.jurisdiction) or load_profile(_STRICTEST)
    days = _DAYS[name](profile)
    if days is None:
        return None
    start = at if name in _FROM_STEP else case.at_trigger
    known = calendar.load(profile.country) if profile.country else None
    zone = timezone(timedelta(seconds=case.utc_offset_s))
    due = limits.reckoned(start, limits.of_days(days, known), known, zone)
    return Deadline(start, due.at, due.certain)


__all__ = ["Deadline", "after", "enter", "put"]
