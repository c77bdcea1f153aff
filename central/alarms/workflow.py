"""What becomes of an alarm, as a table.

The sensor's own word ends it, whoever had taken it; what was found on the spot a person says, before or after that.
"""

from dataclasses import dataclass
from typing import Final

from central.accounts.permissions import ROLE_MAY, Permission
from central.workflow.engine import Workflow
from central.workflow.said import Said
from central.workflow.table import SYSTEM, Doing, Transition

OPEN: Final = "OPEN"
TAKEN: Final = "TAKEN"
ENDED: Final = "ENDED"
CLOSED: Final = "CLOSED"

#: What was found on the spot.
FINDINGS: Final = {
    "S01": "as reported, dealt with",
    "S02": "false alarm, nothing found",
    "S03": "sensor or gateway faulty",
    "S04": "works that were announced",
    "S05": "other",
}
#: The finding that says nothing by itself.
OTHER: Final = "S05"


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """What the guards look at. `over`: the box has sealed the end; `finding` and `note` are what the person gave."""

    over: bool = False
    finding: str | None = None
    note: str = ""


def _over(facts: AlarmFacts, _: Doing) -> Said | None:
    return None if facts.over else Said("the sensor has not said that it is over", "alarm.not_over")


def _found(facts: AlarmFacts, _: Doing) -> Said | None:
    if facts.finding not in FINDINGS:
        first = next(iter(FINDINGS))
        return Said(f"say what was found: {first} to {OTHER}", "alarm.finding", first=first, last=OTHER)
    if facts.finding == OTHER and not facts.note.strip():
        return Said(f"{OTHER} (other) needs a note that says what it was", "note.other", chosen=OTHER)
    return None


_SYSTEM = frozenset({SYSTEM})
#: Roles that take and close alarms.
DECIDES: Final = frozenset(map(str, ROLE_MAY[Permission.ALARMS_ACT]))

TABLE: Final[tuple[Transition[AlarmFacts], ...]] = (
    Transition("take", OPEN, TAKEN, DECIDES),
    Transition("end", OPEN, ENDED, _SYSTEM, (_over,)),
    Transition("end", TAKEN, ENDED, _SYSTEM, (_over,)),
    Transition("close", OPEN, CLOSED, DECIDES, (_found,)),
    Transition("close", TAKEN, CLOSED, DECIDES, (_found,)),
    Transition("close", ENDED, CLOSED, DECIDES, (_found,)),
)

WORKFLOW: Final = Workflow(OPEN, TABLE)

__all__ = ["CLOSED", "DECIDES", "ENDED", "FINDINGS", "OPEN", "OTHER", "TABLE", "TAKEN", "WORKFLOW", "AlarmFacts"]
