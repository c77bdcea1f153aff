"""The states of a case (domain B5), and what there is to do in each."""

from typing import Final

#: Its evidence is on the way.
CANDIDATE: Final = "CANDIDATE"
#: Everything is here and is being checked.
PRECHECK: Final = "PRECHECK"
#: 初审: waits for the first reviewer.
REVIEW1: Final = "REVIEW1"
#: 复审: waits for a second person.
REVIEW2: Final = "REVIEW2"
#: Something is missing or in doubt that a person must bring or explain first.
NEEDS_MORE: Final = "NEEDS_MORE"
APPROVED: Final = "APPROVED"
#: 录入: handed to the police system.
ENTERED: Final = "ENTERED"
#: 告知: the owner was told.
NOTIFIED: Final = "NOTIFIED"
HANDLED: Final = "HANDLED"
ARCHIVED: Final = "ARCHIVED"
REJECTED: Final = "REJECTED"
#: 陈述申辩: the party objects.
APPEAL: Final = "APPEAL"
UPHELD: Final = "UPHELD"
#: 消除: the record was taken back.
CANCELLED: Final = "CANCELLED"
#: A deadline of the review passed: locked, it can be entered no more.
EXPIRED: Final = "EXPIRED"

#: The looks that two people take.
LOOKS: Final = (REVIEW1, REVIEW2)
#: In these a case can run out of time.
EXPIRING: Final = (CANDIDATE, PRECHECK, REVIEW1, NEEDS_MORE, REVIEW2, APPROVED)
#: Nothing waits in these: read newest first, and not counted.
CLOSED: Final = frozenset({REJECTED, HANDLED, ARCHIVED, CANCELLED, EXPIRED})

#: Two people have said that it is so, and nobody has taken it back.
CONFIRMED: Final = frozenset({APPROVED, ENTERED, NOTIFIED, HANDLED, APPEAL, UPHELD})

__all__ = [
    "APPEAL", "APPROVED", "ARCHIVED", "CANCELLED", "CANDIDATE", "CLOSED", "CONFIRMED",
    "ENTERED", "EXPIRED", "EXPIRING", "HANDLED",
    "LOOKS", "NEEDS_MORE", "NOTIFIED", "PRECHECK", "REJECTED", "REVIEW1", "REVIEW2", "UPHELD",
]  # fmt: skip
