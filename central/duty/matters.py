"""From what is wrong to alarms: what begins together at a station is one alarm, what flickers is one matter. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from central.duty.escalation import Severity

#: What begins within this time of an alarm's beginning belongs to it.
TOGETHER: Final = timedelta(minutes=2)
#: What begins again so soon after it ended is the same matter still.
AGAIN: Final = timedelta(minutes=2)
_RANK: Final[Mapping[str, int]] = {"warning": 0, "alarm": 1}


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that is wrong now. `key` is the same for as long as it is the same thing.

    `kind`: trouble, lost, fault, late, gap or message; `what`: the check of the picture, or the kind again.
    `taken_by`: somebody took it in hand already.
    """

    key: str
    site: str
    kind: str
    what: str
    severity: Severity
    begun: datetime
    camera_id: str | None = None
    trouble_id: int | None = None
    taken_by: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm as it stands: `ended` of each of its matters, None while it lasts."""

    id: int
    site: str
    severity: Severity
    begun: datetime
    acknowledged: datetime | None
    matters: Mapping[str, datetime | None]


def alarm_for(seen: Seen, standing: Iterable[Standing], now: datetime) -> Standing | None:
    """The alarm that `seen` belongs to; None: it is an alarm of its own.

    What is worse than an alarm, or began after somebody acknowledged it, never joins it: nobody answered for that.
    """
    here = [one for one in standing if one.site == seen.site and _RANK[seen.severity] <= _RANK[one.severity]]
    for one in here:
        if seen.key in one.matters and lasts(one.matters[seen.key], now):
            return one
    begun = min(seen.begun, now)
    near = [one for one in here if abs(begun - one.begun) <= TOGETHER and not over(one, now)]
    near = [one for one in near if one.acknowledged is None or begun <= one.acknowledged]
    return min(near, key=lambda one: (abs(begun - one.begun), one.id), default=None)


def lasts(ended: datetime | None, now: datetime) -> bool:
    """Whether a matter that ended then would be the same one if it began again now."""
    return ended is None or now - ended <= AGAIN


def over(alarm: Standing, now: datetime) -> bool:
    """Whether nothing of an alarm lasts, nor can come back."""
    return all(not lasts(ended, now) for ended in alarm.matters.values())


__all__ = ["AGAIN", "TOGETHER", "Seen", "Standing", "alarm_for", "lasts", "over"]
