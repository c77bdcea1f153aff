"""Rows of a table of transitions: data that a lawyer can read from top to bottom."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from central.workflow.said import Said

Facts = TypeVar("Facts")

SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it. `id` is the account's (None: the system), because a name can be given anew."""

    id: int | None
    name: str
    roles: frozenset[str]


#: Central itself: no account, and one role.
MACHINE: Final = Actor(None, SYSTEM, frozenset({SYSTEM}))


@dataclass(frozen=True, slots=True)
class Doing:
    """Who does it, and when (aware). What a guard may look at beside the facts."""

    actor: Actor
    at: datetime


#: Looks at the facts, at who and when, and says in a sentence what stands in the way, or None.
Guard = Callable[[Facts, Doing], Said | None]


@dataclass(frozen=True, slots=True)
class Transition(Generic[Facts]):
    """One row: `action` takes it from `source` to `target`, done `by` one of these roles, when no guard objects.

    `limit` names the time within which it is to be done; a state's deadline is that of the rows that lead out of it.
    """

    action: str
    source: str
    target: str
    by: frozenset[str]
    guards: tuple[Guard[Facts], ...] = ()
    limit: str | None = None

    def objection(self, facts: Facts, doing: Doing) -> Said | None:
        """The first sentence that stands in the way."""
        return next((said for guard in self.guards if (said := guard(facts, doing))), None)


__all__ = ["MACHINE", "SYSTEM", "Actor", "Doing", "Facts", "Guard", "Transition"]
