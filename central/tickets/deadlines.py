"""By when the step of a case must be done: the days of its profile, counted as the law of its place counts them.

The review counts from the capture, what comes after it from the step before (domain B5; 违法行为处理程序规定 19, 20,
22, 53). The day is that of the place, by the zone of its profile, whose clock may change within a limit; where
the profile names none, by the offset from UTC that the event carries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from central.db.cases import Case
from central.tickets.precheck.profiles import counted_by
from central.tickets.review import WORKFLOW
from central.tickets.states import APPEAL, NEEDS_MORE, REVIEW1, REVIEW2
from central.workflow import calendar, limits
from contract.profile import Profile

_DAYS: Final[dict[str, Callable[[Profile], int | None]]] = {
    "first": lambda profile: profile.review_days.first,
    "second": lambda profile: profile.review_days.second,
    "entered": lambda profile: profile.review_days.entered,
    "notified": lambda profile: profile.notice_days,
    "handled": lambda profile: profile.review_days.handled,
    "extended": lambda profile: profile.review_days.extended,
    "answer": lambda profile: profile.review_days.answer,
    "reversal": lambda profile: profile.review_days.reversal,
}
#: Puts off the deadline of a step, which goes on.
EXTEND: Final = "extend"
#: Between these the time goes on as it ran: what is asked for or corrected wins nobody a day.
_SAME_TIME: Final = frozenset({REVIEW1, NEEDS_MORE})
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


def after(case: Case, source: str, action: str, target: str, at: datetime) -> Deadline | None:
    """The deadline of `case` in `target`, to which `action` led from `source` at `at`; None where nothing limits it."""
    found = [one for name in _names(source, action, target) if (one := _limited(case, name, at)) is not None]
    return min(found, key=lambda one: one.due, default=None)


def _names(source: str, action: str, target: str) -> tuple[str, ...]:
    if action == EXTEND:
        return ("extended",)
    if action == "verify":
        # A ground that was verified begins a time of its own (程序规定 22).
        return ("reversal",)
    if source == REVIEW2 and target == REVIEW1:
        # The time of the first look may be over by then: what comes back to it has that of the second.
        return ("second",)
    return WORKFLOW.limits_of(target)


def enter(case: Case, source: str, action: str, target: str, at: datetime) -> None:
    """The case is in `target` from `at` on, with the deadline of that step and its place in the queue."""
    if action == "notify" and source == target:
        # The letter that goes out during an objection puts off no answer.
        return
    if action == EXTEND:
        put(case, after(case, source, action, target, at))
        return
    case.state, case.state_at = target, at
    if not {source, target} <= _SAME_TIME:
        put(case, after(case, source, action, target, at))


def resume(case: Case, due: datetime | None) -> None:
    """The step before goes on with the deadline that it had."""
    put(case, Deadline(case.at_trigger, due, case.due_certain is not False) if due else None)


def anew(case: Case) -> None:
    """Count the deadline of the state in which the case is, from what its row tells."""
    led = "verify" if case.state == APPEAL and case.ground else ""
    put(case, after(case, "", led, case.state, case.state_at))


def put(case: Case, found: Deadline | None) -> None:
    """Write a deadline on the row."""
    case.due_at, case.due_certain = (found.due, found.certain) if found else (None, True)
    case.sort_at = found.due if found else case.at_trigger
    case.yellow_at = found.share(limits.YELLOW_FROM) if found else None
    case.red_at = found.share(limits.RED_FROM) if found else None


def _limited(case: Case, name: str, at: datetime) -> Deadline | None:
    profile = counted_by(case.jurisdiction)
    days = _DAYS[name](profile)
    if days is None:
        return None
    # A box whose clock is ahead wins no time: nothing is captured after it was received.
    start = at if name in _FROM_STEP else min(case.at_trigger, case.created_at)
    if name == "extended":
        # Behind the last day that there was: the limit ends at the midnight after it.
        start = (case.due_at or at) - timedelta(microseconds=1)
    known = calendar.load(profile.country) if profile.country else None
    zone = profile.zone_info or timezone(timedelta(seconds=case.utc_offset_s))
    due = limits.reckoned(start, limits.of_days(days, known), known, zone)
    return Deadline(start, due.at, due.certain)


__all__ = ["Deadline", "after", "anew", "enter", "put", "resume"]
