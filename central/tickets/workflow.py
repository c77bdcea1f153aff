"""One engine that runs any table of transitions. The table is data a lawyer can read from top to bottom."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from central.tickets.errors import NotAllowed, Unfit

Facts = TypeVar("Facts")
#: Looks at the facts of a case and says in a sentence what stands in the way, or None.
Guard = Callable[[Facts], str | None]

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Transition(Generic[Facts]):
    """One row: `action` takes a case from `source` to `target`, done `by` one of these roles, when no guard objects."""

    action: str
    source: str
    target: str
    by: frozenset[str]
    guards: tuple[Guard[Facts], ...] = ()

    def objection(self, facts: Facts) -> str | None:
        """The first sentence that stands in the way."""
        return next((said for guard in self.guards if (said := guard(facts))), None)


class Workflow(Generic[Facts]):
    """A table of transitions and what follows from it. Raises ValueError when two rows say different things."""

    def __init__(self, initial: str, rows: Iterable[Transition[Facts]]) -> None:
        self.initial = initial
        self.rows = tuple(rows)
        self._by_step = {(row.source, row.action): row for row in self.rows}
        if len(self._by_step) != len(self.rows):
            raise ValueError("two rows of the table begin at the same state with the same action")

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, in the order in which the table names them."""
        named = [self.initial, *(state for row in self.rows for state in (row.source, row.target))]
        return tuple(dict.fromkeys(named))

    def open_to(self, state: str, role: str) -> tuple[str, ...]:
        """The actions that `role` has in `state`, whether or not a guard objects now."""
        return tuple(row.action for row in self.rows if row.source == state and role in row.by)

    def step(self, state: str, action: str, role: str, facts: Facts) -> Transition[Facts]:
        """The row that applies. Raises Unfit or NotAllowed with the sentence of what stands in the way."""
        row = self._by_step.get((state, action))
        if row is None:
            raise Unfit(f"a case in state {state} cannot be moved by '{action}'")
        if role not in row.by:
            raise NotAllowed(f"'{action}' is for {', '.join(sorted(row.by))}, not for {role}")
        if said := row.objection(facts):
            raise Unfit(said)
        return row
