"""In which order the results of the precheck stand on every page: what is evidence at all first, then what it shows."""

from collections.abc import Iterable
from typing import Final

from central.tickets.views import Check

#: A check that is not named here (an older or a newer version's) stands last.
ORDER: Final = (
    "hashes",
    "seal",
    "chain",
    "clock",
    "images",
    "size",
    "spacing",
    "profile",
    "dropped",
    "site",
    "zone",
    "device",
    "plate",
    "schema",
    "suppression",
    "lists",
    "on_site",
    "duplicates",
    "reports",
)
_PLACE = {name: place for place, name in enumerate(ORDER)}


def ordered(checks: Iterable[Check]) -> list[Check]:
    """The same results in the fixed order; several of one name stay as they came."""
    return sorted(checks, key=lambda check: _PLACE.get(check.name, len(ORDER)))


__all__ = ["ORDER", "ordered"]
