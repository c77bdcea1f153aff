"""A sentence that is said twice: in English to programs and logs, and to a person in the language of their page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """Names that a page has words for: those of `kind` (the part of a catalogue's key before the name)."""

    kind: str
    names: tuple[str, ...]


class Said(str):
    """English, with the `code` and the `values` from which a page makes the same sentence in any language.

    The catalogues have it as `refused.CODE`. A value is text that is the same in every language (a number, a plate), an
    aware time, a `Named`, another `Said`, or a sequence of these.
    """

    __slots__ = ("code", "values")
    code: str
    values: dict[str, object]

    def __new__(cls, english: str, code: str, **values: object) -> "Said":
        """Raises nothing: what no catalogue has is told by the tests."""
        made = super().__new__(cls, english)
        made.code, made.values = code, values
        return made


__all__ = ["Named", "Said"]
