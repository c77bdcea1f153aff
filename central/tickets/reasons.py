"""Why a case is rejected, and on which grounds one is taken back: codes of the law and of the office."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """Whose fault it is that an accusation does not stand.

    The camera's: what it, or the rule behind it, took for an offence was none, or cannot be seen. The others say
    nothing of that: the offence may well have been one.
    """

    CAMERA = "camera"
    #: Read wrong, dirty, cloned: of what was done it says nothing.
    PLATE = "plate"
    #: Time, place, seals, clocks.
    RECORD = "record"
    #: Known to nobody at the place, or decided elsewhere.
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code in words, and whose fault it is."""

    text: str
    fault: Fault


#: Reject codes of domain section B5.
REASONS: Final[Mapping[str, Reason]] = {
    "R01": Reason("plate unreadable", Fault.PLATE),
    "R02": Reason("wrong plate", Fault.PLATE),
    "R03": Reason("facts not shown", Fault.CAMERA),
    "R04": Reason("time or place missing", Fault.RECORD),
    "R05": Reason("queue or jam", Fault.CAMERA),
    "R06": Reason("emergency vehicle", Fault.CAMERA),
    "R07": Reason("officer directing", Fault.CAMERA),
    "R08": Reason("signal or marking unclear or contradictory", Fault.CAMERA),
    "R09": Reason("pedestrian not crossing", Fault.CAMERA),
    "R10": Reason("legal bay or loading", Fault.CAMERA),
    "R11": Reason("driver moved on at once", Fault.CAMERA),
    "R12": Reason("duplicate", Fault.NOBODY),
    "R13": Reason("avoiding an accident or breakdown", Fault.CAMERA),
    "R14": Reason("integrity failed", Fault.RECORD),
    "R15": Reason("clock", Fault.RECORD),
    "R16": Reason("other", Fault.NOBODY),
}
#: The code that says nothing by itself.
OTHER: Final = "R16"
#: Codes of facts for which a case is set aside; those of other facts are OTHER, with the fact as the note.
SET_ASIDE: Final = {"emergency_on_task": "R06", "officer_directing": "R07"}

#: Verified grounds on which a record is taken back (违法行为处理程序规定 第22条, eight of them).
GROUNDS: Final[Mapping[str, Reason]] = {
    "G1": Reason("emergency vehicle on task", Fault.CAMERA),
    "G2": Reason("stolen vehicle or cloned plate", Fault.PLATE),
    "G3": Reason("rescue or necessity", Fault.NOBODY),
    "G4": Reason("already handled on site", Fault.NOBODY),
    "G5": Reason("signals or markings that contradict each other", Fault.CAMERA),
    "G6": Reason("the record is unclear or not accurate", Fault.CAMERA),
    "G7": Reason("wrong plate", Fault.PLATE),
    "G8": Reason("other", Fault.NOBODY),
}
OTHER_GROUND: Final = "G8"


def against_camera(code: str | None) -> bool:
    """Whether the code of a rejection, or the ground of what was taken back, says that the camera or its rule erred."""
    found = REASONS.get(code or "") or GROUNDS.get(code or "")
    return found is not None and found.fault is Fault.CAMERA


__all__ = ["GROUNDS", "OTHER", "OTHER_GROUND", "REASONS", "SET_ASIDE", "Fault", "Reason", "against_camera"]
