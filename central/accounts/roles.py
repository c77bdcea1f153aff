"""Who somebody is at the centre. What each role may do stands in one table, `central.accounts.permissions`."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A person has one or more of these.

    A reviewer takes the first look at a case, a second reviewer the second, a chief what the two cannot settle. A
    dispatcher looks after alarms, a monitor watches polling stations, an installer puts up boxes and cameras. An
    auditor reads, and an admin keeps accounts.
    """

    REVIEWER = "reviewer"
    SECOND_REVIEWER = "second_reviewer"
    CHIEF = "chief"
    DISPATCHER = "dispatcher"
    MONITOR = "monitor"
    INSTALLER = "installer"
    AUDITOR = "auditor"
    ADMIN = "admin"


#: An officer of a small office takes either look, though never both at one case. `--role officer` means these.
OFFICER: Final = frozenset({Role.REVIEWER, Role.SECOND_REVIEWER})
OFFICER_NAME: Final = "officer"


def ordered(roles: Iterable[str]) -> list[str]:
    """Roles in the order of the enumeration, each once: the way they are kept, printed and entered in the ledger."""
    given = set(roles)
    return [str(role) for role in Role if role in given]


__all__ = ["OFFICER", "OFFICER_NAME", "Role", "ordered"]
