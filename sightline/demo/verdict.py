"""Is what came out what the scene contains? Pure: tickets and truth in, difference out."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

#: By what a ticket is compared with what was expected: rule, zone, lane.
_What = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as central shows it. `complete`: manifest and every still and clip have arrived and are verified."""

    number: str
    state: str
    rule: str
    zone_id: str
    lane_id: str | None
    complete: bool

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "number": self.number,
            "state": self.state,
            "rule": self.rule,
            "zone_id": self.zone_id,
            "lane_id": self.lane_id,
            "complete": self.complete,
        }


def difference(tickets: list[Ticket], expected: list[dict[str, Any]]) -> list[str]:
    """What is missing, incomplete or too much, one sentence each; empty when all is as expected."""
    want: Counter[_What] = Counter((one["rule"], one["zone_id"], one.get("lane_id")) for one in expected)
    have: Counter[_What] = Counter((ticket.rule, ticket.zone_id, ticket.lane_id) for ticket in tickets)
    said = [f"missing: {count} x {_named(what)}" for what, count in sorted((want - have).items(), key=str)]
    said += [f"not expected: {count} x {_named(what)}" for what, count in sorted((have - want).items(), key=str)]
    said += [
        f"incomplete: evidence of {ticket.number} ({ticket.rule} at {ticket.zone_id}) has not all arrived"
        for ticket in tickets
        if not ticket.complete
    ]
    return said


def _named(what: _What) -> str:
    rule, zone, lane = what
    return f"{rule} at {zone}" + (f", lane {lane}" if lane else "")
