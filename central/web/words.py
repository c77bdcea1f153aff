"""Numbers, moments and places in words, the same on every page. Pure; the language comes in."""

import re
from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from central.web.language import Language

_UNITS = {
    "_s": "s",
    "_ms": "ms",
    "_m": "m",
    "_kmh": "kmh",
    "_mps": "mps",
    "_px": "px",
    "_share": "share",
    "share": "share",
}
_UNIT = re.compile(r"(_s|_ms|_m|_kmh|_mps|_px|(?:^|_)share)$")


def age(then: datetime, now: datetime, say: Language) -> str:
    """How long ago, as coarse as an officer needs it."""
    minutes = max(0, int((now - then).total_seconds() // 60))
    if minutes < 1:
        return say("age.now")
    if minutes < 60:
        return say("age.minutes", n=minutes)
    if minutes < 48 * 60:
        return say("age.hours", n=minutes // 60)
    return say("age.days", n=minutes // (24 * 60))


def day(moment: datetime) -> str:
    """2026-01-05, in the offset that the moment carries (the site's)."""
    return moment.strftime("%Y-%m-%d")


def clock(moment: datetime) -> str:
    """10:00:12.480: to the millisecond, as evidence is printed (domain B2)."""
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def stamp(moment: datetime) -> str:
    """2026-01-05 10:00:12 +08:00."""
    return f"{moment:%Y-%m-%d %H:%M:%S} {offset(moment)}"


def offset(moment: datetime) -> str:
    """+08:00, as the moment carries it."""
    said = moment.strftime("%z")
    return f"{said[:3]}:{said[3:5]}"


def seconds(value: float, say: Language) -> str:
    """Seconds, to a tenth below a minute and with minutes above it."""
    if abs(value) < 60:
        return say("unit.s", value=_short(value))
    minutes, rest = divmod(round(abs(value)), 60)
    sign = "-" if value < 0 else ""
    return say("unit.min_s", minutes=f"{sign}{minutes}", seconds=rest)


def figures(numbers: Mapping[str, JsonValue], say: Language) -> list[tuple[str, str]]:
    """(label, value with unit) of the numbers that decided. A key no catalogue has is shown by its own name."""
    return [(_label(key, say), _value(key, value, say)) for key, value in numbers.items()]


def _label(key: str, say: Language) -> str:
    plain = _UNIT.sub("", key).replace("_", " ").strip() or key
    return say.known(f"number.{key}", plain[:80])


def _value(key: str, value: JsonValue, say: Language) -> str:
    if value is None:
        return say("value.none")
    if isinstance(value, bool):
        return say("value.true" if value else "value.false")
    if not isinstance(value, int | float):
        return say.known(f"value.{value}", str(value)[:200])
    found = _UNIT.search(key)
    unit = _UNITS[found[1]] if found else None
    if unit == "s":
        return seconds(value, say)
    if unit == "share":
        return say("unit.share", value=_short(100 * value))
    return say(f"unit.{unit}", value=_short(value)) if unit else _short(value)


def _short(value: float) -> str:
    """Two decimals below ten, one below a thousand, none above; no trailing zeros."""
    places = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
