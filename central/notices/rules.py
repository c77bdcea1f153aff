"""What the office says of its notices: how they are numbered, where the party finds it, how the public page works."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from central.db import serials

#: What a number is filled with: the place's day, the area's code, a serial of that day, random signs.
_EXAMPLE: Final = {"area": "330122", "date": "20261122", "year": "2026", "serial": 1, "random": "7K3M9Q"}
_ALLOWED = re.compile(r"[A-Z0-9-]{6,32}")
#: Without what is taken for another: 0 O, 1 I L, 2 Z, 5 S, 8 B.
_SIGNS: Final = "34679ACDEFGHJKMNPQRTUVWXY"
#: So many of them: who knows day, serial and plate still has one chance in 25^6 (244 million) a try.
_RANDOM: Final = 6


@dataclass(frozen=True, slots=True)
class Office:
    """Who writes; what is empty stands in no letter."""

    name: str = ""
    address: str = ""
    phone: str = ""
    hours: str = ""


@dataclass(frozen=True)
class NoticeRules:
    """As the settings say. `suffix` is how many of the plate's last characters open the public page."""

    number: str = "{date}{serial:05d}{random}"
    suffix: int = 4
    public_url: str = ""
    office: Office = Office()


def checked_number(pattern: str) -> str:
    """`pattern` when numbers made by it are letters, digits and dashes, unlike and unguessable, else ValueError."""
    try:
        one, two = (pattern.format(**{**_EXAMPLE, "serial": serial}) for serial in (1, 2))
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise ValueError(f"cannot be filled ({error}) - use {', '.join(f'{{{key}}}' for key in _EXAMPLE)}") from error
    if one == two or "{date}" not in pattern:
        raise ValueError("gives two notices the same number - use {date} and {serial}")
    if not _ALLOWED.fullmatch(one):
        raise ValueError("numbers are 6 to 32 capital letters, digits and dashes")
    if str(_EXAMPLE["random"]) not in one:
        raise ValueError("numbers can be counted through: whoever knows a plate opens its notice - add {random}")
    return pattern


def number(session: Session, rules: NoticeRules, area: str | None, at: datetime) -> str:
    """The next number of the day of `at` (in the place's own time). The day's counter is locked until the commit."""
    day = at.strftime("%Y%m%d")
    serial = serials.following(session, "N", day)
    random = "".join(secrets.choice(_SIGNS) for _ in range(_RANDOM))
    code = "".join(sign for sign in (area or "").upper() if sign.isascii() and sign.isalnum())[:12]
    return rules.number.format(area=code, date=day, year=day[:4], serial=serial, random=random)


__all__ = ["NoticeRules", "Office", "checked_number", "number"]
