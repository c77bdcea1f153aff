"""Why a case is rejected, and on which grounds one is taken back: codes of the law and of the office."""

from typing import Final

#: Reject codes of domain section B5.
REASONS: Final = {
    "R01": "plate unreadable",
    "R02": "wrong plate",
    "R03": "facts not shown",
    "R04": "time or place missing",
    "R05": "queue or jam",
    "R06": "emergency vehicle",
    "R07": "officer directing",
    "R08": "signal or marking unclear or contradictory",
    "R09": "pedestrian not crossing",
    "R10": "legal bay or loading",
    "R11": "driver moved on at once",
    "R12": "duplicate",
    "R13": "avoiding an accident or breakdown",
    "R14": "integrity failed",
    "R15": "clock",
    "R16": "other",
}
#: Of these a rejection says nothing against the camera: seen twice, the record or its clock, something else.
NOT_THE_CAMERAS: Final = frozenset({"R12", "R14", "R15", "R16"})
#: The code that says nothing by itself.
OTHER: Final = "R16"
#: Codes of facts for which a case is set aside; those of other facts are OTHER, with the fact as the note.
SET_ASIDE: Final = {"emergency_on_task": "R06", "officer_directing": "R07"}

#: Verified grounds on which a record is taken back (违法行为处理程序规定 第22条, eight of them).
GROUNDS: Final = {
    "G1": "emergency vehicle on task",
    "G2": "stolen vehicle or cloned plate",
    "G3": "rescue or necessity",
    "G4": "already handled on site",
    "G5": "signals or markings that contradict each other",
    "G6": "the record is unclear or not accurate",
    "G7": "wrong plate",
    "G8": "other",
}
OTHER_GROUND: Final = "G8"

__all__ = ["GROUNDS", "NOT_THE_CAMERAS", "OTHER", "OTHER_GROUND", "REASONS", "SET_ASIDE"]
