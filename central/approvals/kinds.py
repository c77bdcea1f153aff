"""What needs a second person, and whose it is to ask and to decide: one table."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from central.accounts.permissions import Permission, may


class Kind(StrEnum):
    """A kind of request. What is asked for stands in its `what`, as named here.

    export: {"numbers": [case numbers], ...}, used by who asked. roles: {"name", "before", "after"}, areas: the same.
    recording: {"edge_id", "camera_id", "from_us", "until_us" (Unix microseconds), "site"}.
    account: {"name", "roles"}; reset and factor: {"name", "before"}, the roles that the account has. All but export
    are done in the moment in which they are approved.
    """

    EXPORT = "export"
    RECORDING = "recording"
    ROLES = "roles"
    AREAS = "areas"
    ACCOUNT = "account"
    RESET = "reset"
    FACTOR = "factor"


#: Those that end in a one-time password: who asks is shown one half of it, who approves the other.
HALVED: Final = frozenset({Kind.ACCOUNT, Kind.RESET})


@dataclass(frozen=True, slots=True)
class Terms:
    """Who may ask, see and decide, for how long a request waits, and where an approved one is used (None: at once).

    Who has `barred` decides nothing: they could have made the account that asks, and be both.
    """

    asks: Permission
    sees: Permission
    decides: Permission
    way: str | None = None
    life: timedelta = timedelta(days=3)
    barred: Permission | None = None


TERMS: Final[Mapping[Kind, Terms]] = {
    Kind.EXPORT: Terms(Permission.CASES_DECIDE, Permission.CASES_SEE, Permission.EXPORT_APPROVE, "/exports"),
    Kind.RECORDING: Terms(
        Permission.RECORDINGS_ASK, Permission.STATIONS_SEE, Permission.RECORDINGS_APPROVE, barred=Permission.PEOPLE_KEEP
    ),
    **{
        kind: Terms(Permission.PEOPLE_KEEP, Permission.PEOPLE_SEE, Permission.PEOPLE_KEEP)
        for kind in (Kind.ROLES, Kind.AREAS, Kind.ACCOUNT, Kind.RESET, Kind.FACTOR)
    },
}


def decides(roles: Collection[str], kind: Kind) -> bool:
    """Whether somebody with these roles decides requests of this kind."""
    terms = TERMS[kind]
    return may(roles, terms.decides) and not (terms.barred is not None and may(roles, terms.barred))


__all__ = ["HALVED", "TERMS", "Kind", "Terms", "decides"]
