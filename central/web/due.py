"""The deadline of a step, as pages say it: a colour that has a shape and words beside it, and the time that is left."""

from dataclasses import dataclass
from datetime import datetime

from central.web import words
from central.web.language import Language


@dataclass(frozen=True, slots=True)
class Due:
    """`kind` draws colour and shape, `text` says both and what is left, `at` when it ends, in the site's time."""

    kind: str
    text: str
    at: str


def due(at: datetime | None, colour: str | None, zone: datetime, now: datetime, say: Language) -> Due | None:
    """The deadline `at`, in the zone of `zone`; `colour` is blue, yellow or red. None where nothing limits it."""
    if at is None or colour is None:
        return None
    return Due(
        f"due-{colour}", f"{say(f'due.{colour}')} · {left(at, now, say)}", words.stamp(at.astimezone(zone.tzinfo))
    )


def left(at: datetime, now: datetime, say: Language) -> str:
    """How long until `at`, to the hour from two days on and to the minute on the last day."""
    minutes = int((at - now).total_seconds() // 60)
    if minutes < 0:
        return say("due.over")
    days, hours = divmod(minutes // 60, 24)
    if days >= 1:
        return say("due.days", days=days, hours=hours)
    return say("due.hours", hours=hours, minutes=minutes % 60)


__all__ = ["Due", "due", "left"]
