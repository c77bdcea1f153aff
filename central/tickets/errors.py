"""Why a request about a case is refused. Each message is the sentence that the person reads.

TicketError (`central.workflow.errors.Refused`)
├── CaseMissing     404  no such case, or no such evidence in it
├── Conflict        409  somebody changed or decided it since it was opened
├── NotAllowed      403  not this role's to do
└── Unfit           422  not in this state, too late, a question open, a reason missing
"""

from central.workflow.errors import NotAllowed, Refused, Unfit

TicketError = Refused


class CaseMissing(TicketError):  # noqa: N818 - reads as a sentence
    """There is no such case, or it has no such evidence."""

    status = 404


class Conflict(TicketError):  # noqa: N818
    """Somebody else changed the case since this person opened it."""

    status = 409


__all__ = ["CaseMissing", "Conflict", "NotAllowed", "TicketError", "Unfit"]
