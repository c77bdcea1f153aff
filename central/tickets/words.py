"""Words that people give: kept as text, within what anybody reads."""

from central.tickets.errors import Unfit

MAX_TEXT = 2000


def text_of(value: str, what: str) -> str:
    """Text of a person, kept as text. Raises Unfit when it is too long or has characters no database keeps."""
    if len(value) > MAX_TEXT:
        raise Unfit(f"{what} has {len(value)} characters, at most {MAX_TEXT} are kept - shorten it")
    if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise Unfit(f"{what} has characters that are no text - remove them")
    return value


__all__ = ["MAX_TEXT", "text_of"]
