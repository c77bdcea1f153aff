"""Who is to be told now: a table of steps, who is on duty, and who was told already. Pure.

A step whose people are not there does not hold the others up: the next one is taken at once. Who comes on duty while an
alarm is open is told as well.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from central.duty.roster import Shift, on_duty

Severity = Literal["warning", "alarm"]
#: Somebody at a level: (level, account).
Told = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """The people of `level` are told when nobody has acknowledged for so long."""

    level: int
    after: timedelta


#: What holds without settings. A warning waits for whoever looks next, and wakes nobody beyond the first level.
ALARM: Final = (Step(1, timedelta(0)), Step(2, timedelta(minutes=3)), Step(3, timedelta(minutes=10)))
WARNING: Final = (Step(1, timedelta(0)),)
Table = Mapping[Severity, Sequence[Step]]
DEFAULT: Final[Table] = {"alarm": ALARM, "warning": WARNING}


@dataclass(frozen=True, slots=True)
class Open:
    """An alarm that nobody has acknowledged and that is not over. `opened`: when it was seen here."""

    opened: datetime
    severity: Severity
    area: str | None


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell this person now, at this level."""

    level: int
    shift: Shift


def due(now: datetime, alarm: Open, shifts: Iterable[Shift], table: Table, told: Collection[Told]) -> list[Tell]:
    """Everybody who is to be told at `now` and was not, by level. Nobody is told twice at one level."""
    here = on_duty(shifts, alarm.area, now)
    found: list[Tell] = []
    empty = False
    for step in sorted(table[alarm.severity], key=lambda one: one.after):
        if not empty and now < alarm.opened + step.after:
            break
        people = [one for one in here if one.level == step.level]
        found += [Tell(step.level, one) for one in people if (step.level, one.user_id) not in told]
        # Nobody to wait for at this step: the next one's time has come with it.
        empty = not people and all(level != step.level for level, _ in told)
    return found


def next_step(now: datetime, alarm: Open, table: Table) -> Step | None:
    """The step that comes next while nobody acknowledges; None after the last."""
    later = [one for one in table[alarm.severity] if alarm.opened + one.after > now]
    return min(later, key=lambda one: one.after, default=None)


__all__ = ["ALARM", "DEFAULT", "WARNING", "Open", "Severity", "Step", "Table", "Tell", "Told", "due", "next_step"]
