"""Words that people give: kept as text, within what anybody reads."""

from central.tickets.errors import Unfit

MAX_TEXT = 2000


def is_text(value: str) -> bool:
    """Whether every database keeps it and every page can show it: neither NUL nor half of a surrogate pair."""
    return "\x00" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)


def text_of(value: str, what: str) -> str:
    """Text of a person, kept as text. Raises Unfit when it is too long or has characters no database keeps."""
    if len(value) > MAX_TEXT:
        raise Unfit(f"{what} has {len(value)} characters, at most {MAX_TEXT} are kept - shorten it")
    if not is_text(value):
        raise Unfit(f"{what} has characters that are no text - remove them")
    return value


__all__ = ["MAX_TEXT", "is_text", "text_of"]
