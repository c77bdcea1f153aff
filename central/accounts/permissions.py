"""What a role may do: one table. Routes name a permission (`central.marks`), the table says whose it is.

Where a case stands, and whether this very person took the look before, is not the table's to know: the workflow's
guards (`central.tickets.review`) say no to somebody whom the table lets through.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from central.accounts.roles import Role


class Permission(StrEnum):
    """What can be asked of central by a person."""

    OWN = "own account"
    CASES_SEE = "see cases"
    CASES_DECIDE = "decide cases"
    ALARMS_SEE = "see alarms"
    ALARMS_ACT = "look after alarms"
    REPORTS_SEE = "see reports"
    REPORTS_PEOPLE = "see figures of people"
    SHADOWS_LIFT = "lift shadows"
    PEOPLE_SEE = "see accounts"
    PEOPLE_KEEP = "keep accounts"
    APPROVALS_SEE = "see requests"
    APPROVALS_ACT = "decide requests"
    EXPORT_APPROVE = "approve exports"
    STATIONS_SEE = "see stations"
    LIVE_WATCH = "watch live"
    EMBARGO_KEEP = "keep embargoes"
    STATIONS_MARK = "mark at stations"
    HOLDS_RELEASE = "release kept recordings"
    RECORDINGS_ASK = "ask for recordings"
    RECORDINGS_APPROVE = "approve recordings"
    DUTY_ACT = "answer for alarms of stations"
    DUTY_KEEP = "keep the duty roster"


_DESK: Final = frozenset({Role.REVIEWER, Role.SECOND_REVIEWER, Role.CHIEF})

#: Evidence is for those who judge it and who check on them: a monitor, installer, dispatcher or admin sees none.
ROLE_MAY: Final[Mapping[Permission, frozenset[Role]]] = {
    Permission.OWN: frozenset(Role),
    Permission.CASES_SEE: _DESK | {Role.AUDITOR},
    Permission.CASES_DECIDE: _DESK,
    Permission.ALARMS_SEE: _DESK | {Role.DISPATCHER, Role.AUDITOR},
    Permission.ALARMS_ACT: _DESK | {Role.DISPATCHER},
    Permission.REPORTS_SEE: _DESK | {Role.AUDITOR},
    Permission.REPORTS_PEOPLE: frozenset({Role.CHIEF, Role.AUDITOR}),
    Permission.SHADOWS_LIFT: frozenset({Role.CHIEF}),
    Permission.PEOPLE_SEE: frozenset({Role.ADMIN, Role.AUDITOR}),
    Permission.PEOPLE_KEEP: frozenset({Role.ADMIN}),
    # Which requests somebody sees and decides follows from their kind: `central.approvals.kinds`.
    Permission.APPROVALS_SEE: _DESK | {Role.AUDITOR, Role.ADMIN},
    Permission.APPROVALS_ACT: _DESK | {Role.ADMIN},
    Permission.EXPORT_APPROVE: frozenset({Role.SECOND_REVIEWER, Role.CHIEF}),
    Permission.STATIONS_SEE: frozenset({Role.MONITOR, Role.CHIEF, Role.AUDITOR}),
    # Who checks on the office reads who watched; looking into a polling station is the monitors' work alone.
    Permission.LIVE_WATCH: frozenset({Role.MONITOR, Role.CHIEF}),
    Permission.EMBARGO_KEEP: frozenset({Role.CHIEF}),
    Permission.STATIONS_MARK: frozenset({Role.MONITOR, Role.CHIEF}),
    Permission.HOLDS_RELEASE: frozenset({Role.CHIEF}),
    # Who asks need not be one of those who count: `approvals.kinds` bars whoever could have made their account.
    Permission.RECORDINGS_ASK: frozenset({Role.MONITOR, Role.CHIEF}),
    Permission.RECORDINGS_APPROVE: frozenset({Role.CHIEF}),
    Permission.DUTY_ACT: frozenset({Role.MONITOR, Role.CHIEF}),
    Permission.DUTY_KEEP: frozenset({Role.CHIEF}),
}


def may(roles: Collection[str], permission: Permission) -> bool:
    """Whether somebody with these roles may."""
    return not ROLE_MAY[permission].isdisjoint(roles)


#: Who has one of these counts as a person where two must agree. An account that one person could make or take over by
#: themselves must have none of them: they would be two people.
COUNTS: Final = frozenset(
    role
    for permission in (Permission.CASES_DECIDE, Permission.PEOPLE_KEEP, Permission.EXPORT_APPROVE)
    for role in ROLE_MAY[permission]
)


__all__ = ["COUNTS", "ROLE_MAY", "Permission", "may"]
