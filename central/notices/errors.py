"""Why somebody is refused about a notice. Each message is the sentence that the person reads.

Refused (central.workflow.errors)
├── NoticeMissing    404  there is no such letter
├── WrongKey         422  number and plate do not belong together, or there is no such number: never said which
├── TooOften         429  too many tries
├── PassEnded        401  number and plate must be shown again
└── Closed           422  the statement is not taken: what is to be mended, or that the matter is closed
"""

from central.workflow.errors import Refused


class NoticeMissing(Refused):
    """There is no such letter."""

    status = 404


class WrongKey(Refused):
    """No notice has this number and this plate."""

    status = 422


class TooOften(Refused):
    """Too many tries from there, or for this number."""

    status = 429


class PassEnded(Refused):
    """Number and plate were shown too long ago, or never."""

    status = 401


class Closed(Refused):
    """A statement that is not taken."""

    status = 422


__all__ = ["Closed", "NoticeMissing", "PassEnded", "TooOften", "WrongKey"]
