"""Why something was refused, in the reader's language: `refused.CODE` with its values put into words."""

from collections.abc import Sequence
from datetime import datetime

from central.web import words
from central.web.language import Language
from central.workflow.said import Named, Said


def in_words(said: Said, say: Language) -> str:
    """The whole sentence. Raises KeyError for a code that no catalogue has."""
    return say(f"refused.{said.code}", **{name: _worded(value, say) for name, value in said.values.items()}).strip()


def _worded(value: object, say: Language) -> str:
    match value:
        case Said():
            return in_words(value, say)
        case Named(kind, names):
            return say("list.and").join(_name(kind, name, say) for name in names)
        case datetime():
            return words.stamp(value)
        case str():
            return value
        case Sequence():
            return " ".join(_worded(one, say) for one in value)
    return str(value)


def _name(kind: str, name: str, say: Language) -> str:
    """Both workflows have states and steps: what cases have no word for is an alarm's."""
    return say.known(f"{kind}.{name}", say.known(f"alarm.{kind}.{name}", name.removesuffix(".question")))


__all__ = ["in_words"]
