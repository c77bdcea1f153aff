"""Why a step is refused. Each message is the sentence that the person reads.

Refused
├── NotAllowed      403  not this role's to do
└── Unfit           422  not in this state, too late, or something it needs is missing
"""

from typing import ClassVar


class Refused(Exception):  # noqa: N818 - reads as a sentence
    """A request that is refused; `status` is the one it is answered with."""

    status: ClassVar[int] = 400


class NotAllowed(Refused):
    """None of the person's roles may do it."""

    status = 403


class Unfit(Refused):
    """The step is not possible now, or something it needs is missing."""

    status = 422


__all__ = ["NotAllowed", "Refused", "Unfit"]
