"""When the pixels of a case may go, and by whose rule. Pure: dates in, dates out (domain B5, last paragraph).

The day on which a time begins is not counted, and it ends with its last day, in the time of the place: nothing goes
before. What the table of review does not archive (approved and not dealt with, under objection) is open and has no end.
"""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from central.tickets.review import TABLE
from central.tickets.states import ARCHIVED, EXPIRED, REJECTED
from central.workflow import limits
from central.workflow.limits import Limit
from contract.profile import Profile

#: Nobody was accused: the time of rejected candidates.
_NEVER_APPROVED: Final = frozenset({REJECTED, EXPIRED})
#: Those that the table lets be archived.
FINAL: Final = frozenset(row.source for row in TABLE if row.target == ARCHIVED)
#: Approved once, and settled. A record that was taken back is one: the party may still ask why it was made. So is one
#: that an objection did not change, whether or not anybody notes here that it was paid.
_SETTLED: Final = FINAL - _NEVER_APPROVED


@dataclass(frozen=True, slots=True)
class Term:
    """Kept `days` from `since` (the `basis`) on, `until` (UTC) when it may go, by `rule` of the profile."""

    rule: str
    days: int
    basis: str
    since: datetime
    until: datetime


def term(state: str, state_at: datetime, notified_at: datetime | None, profile: Profile, zone: timezone) -> Term | None:
    """The term of a case in `state` since `state_at`; None while it has no end. `notified_at`: the party was told."""
    keeps = profile.retention
    if state in _NEVER_APPROVED:
        return _term("rejected_days", keeps.rejected_days, state.lower(), state_at, zone)
    if state not in _SETTLED:
        return None
    if keeps.approved_from == "notified" and notified_at is not None:
        told = _term("approved_days", keeps.approved_days, "notified", notified_at, zone)
        # Never before it is settled for good, however long ago the party was told.
        return Term(told.rule, told.days, told.basis, told.since, max(told.until, state_at))
    return _term("approved_days", keeps.approved_days, state.lower(), state_at, zone)


def of_shadow(kept_at: datetime, profile: Profile, zone: timezone) -> Term:
    """The term of a decision of a camera in shadow, which accuses nobody either, since it was kept."""
    return _term("rejected_days", profile.retention.rejected_days, "shadow", kept_at, zone)


def _term(rule: str, days: int, basis: str, since: datetime, zone: timezone) -> Term:
    return Term(rule, days, basis, since, limits.due(since, Limit(days, "calendar"), None, zone))


__all__ = ["FINAL", "Term", "of_shadow", "term"]
