"""One engine that runs any table of transitions."""

from collections.abc import Collection, Iterable
from typing import Generic

from central.workflow.errors import NotAllowed, Unfit
from central.workflow.said import Named
from central.workflow.table import Doing, Facts, Transition


class Workflow(Generic[Facts]):
    """A table of transitions and what follows from it. Raises ValueError when two rows say the same step."""

    def __init__(self, initial: str, rows: Iterable[Transition[Facts]]) -> None:
        self.initial = initial
        self.rows = tuple(rows)
        self._by_step: dict[tuple[str, str], list[Transition[Facts]]] = {}
        for row in self.rows:
            same = self._by_step.setdefault((row.source, row.action), [])
            if any(row.target == other.target for other in same):
                raise ValueError(f"two rows of the table lead from {row.source} to {row.target} by '{row.action}'")
            same.append(row)

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, in the order in which the table names them."""
        named = [self.initial, *(state for row in self.rows for state in (row.source, row.target))]
        return tuple(dict.fromkeys(named))

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action, in the order in which the table names them."""
        return tuple(dict.fromkeys(row.action for row in self.rows))

    def open_to(self, state: str, roles: Collection[str]) -> tuple[str, ...]:
        """The actions that `roles` have in `state`, whether or not a guard objects now."""
        held = frozenset(roles)
        return tuple(dict.fromkeys(row.action for row in self.rows if row.source == state and held & row.by))

    def limits_of(self, state: str) -> tuple[str, ...]:
        """The names of the limits within which `state` is to be left."""
        return tuple(dict.fromkeys(row.limit for row in self.rows if row.source == state and row.limit is not None))

    def has(self, action: str, source: str, target: str) -> bool:
        """Whether a row says so."""
        return any(row.target == target for row in self._by_step.get((source, action), []))

    def step(self, state: str, action: str, facts: Facts, doing: Doing, to: str | None = None) -> Transition[Facts]:
        """The row that applies; `to` says which where the same action leads to several states.

        Raises Unfit or NotAllowed with the sentence of what stands in the way.
        """
        rows = [row for row in self._by_step.get((state, action), []) if to in {None, row.target}]
        said = {"state": Named("state", (state,)), "action": Named("action", (action,))}
        if not rows:
            raise Unfit(f"a case in state {state} cannot be moved by '{action}'", "step.none", **said)
        if len(rows) > 1:
            targets = tuple(row.target for row in rows)
            english = f"'{action}' leads from {state} to {', '.join(targets)} - say to which"
            raise Unfit(english, "step.which", **said, targets=Named("state", targets))
        (row,) = rows
        if not doing.actor.roles & row.by:
            by, held = tuple(sorted(row.by)), tuple(sorted(doing.actor.roles)) or ("nobody",)
            english = f"'{action}' is for {', '.join(by)}, not for {', '.join(held)}"
            who = {"roles": Named("role.is", by), "held": Named("role.is", held)}
            raise NotAllowed(english, "step.not_yours", action=said["action"], **who)
        if objection := row.objection(facts, doing):
            raise Unfit.because(objection)
        return row


__all__ = ["Workflow"]
