"""Why a step is refused. Each message says so in English; its code and values say the same in any language.

Refused
├── NotAllowed      403  not this role's to do
└── Unfit           422  not in this state, too late, or something it needs is missing
"""

from typing import ClassVar, Self

from central.workflow.said import Said


class Refused(Exception):  # noqa: N818 - reads as a sentence
    """A request that is refused; `status` is the one it is answered with, `said` the sentence in every language."""

    status: ClassVar[int] = 400

    def __init__(self, english: str, code: str, **values: object) -> None:
        super().__init__(english)
        self.said = Said(english, code, **values)

    @classmethod
    def because(cls, said: Said) -> Self:
        """The refusal with a sentence that a guard said."""
        return cls(str(said), said.code, **said.values)


class NotAllowed(Refused):
    """None of the person's roles may do it."""

    status = 403


class Unfit(Refused):
    """The step is not possible now, or something it needs is missing."""

    status = 422


__all__ = ["NotAllowed", "Refused", "Unfit"]
