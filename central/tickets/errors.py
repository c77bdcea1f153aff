"""Why a request about a case is refused. Each message is the sentence that the person reads.

TicketError
├── CaseMissing     404  no such case, or no such evidence in it
├── Conflict        409  somebody changed or decided it since it was opened
├── NotAllowed      403  not this role's to do
└── Unfit           422  not in this state, a question open, a reason missing
"""

from typing import ClassVar


class TicketError(Exception):
    """A request about a case that is refused."""

    status: ClassVar[int] = 400


class CaseMissing(TicketError):  # noqa: N818 - reads as a sentence
    """There is no such case, or it has no such evidence."""

    status = 404


class Conflict(TicketError):  # noqa: N818
    """Somebody else changed the case since this person opened it."""

    status = 409


class NotAllowed(TicketError):  # noqa: N818
    """The role does not decide cases."""

    status = 403


class Unfit(TicketError):  # noqa: N818
    """The step is not possible now, or something it needs is missing."""

    status = 422
