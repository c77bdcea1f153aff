"""Words that people give: kept as text, within what anybody reads."""

from central.tickets.errors import Unfit
from central.workflow.said import Named

MAX_TEXT = 2000


def is_text(value: str) -> bool:
    """Whether every database keeps it and every page can show it: neither NUL nor half of a surrogate pair."""
    return "\x00" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)


def text_of(value: str, what: str) -> str:
    """Text of a person, kept as text; `what` it is: note, reason, answer or correction.

    Raises Unfit when it is too long or has characters no database keeps.
    """
    name = Named("words", (what,))
    if len(value) > MAX_TEXT:
        english = f"the {what} has {len(value)} characters, at most {MAX_TEXT} are kept - shorten it"
        raise Unfit(english, "words.long", what=name, n=len(value), most=MAX_TEXT)
    if not is_text(value):
        raise Unfit(f"the {what} has characters that are no text - remove them", "words.no_text", what=name)
    return value


__all__ = ["MAX_TEXT", "is_text", "text_of"]
