"""What keeps a case from the first look until a person has said why it may go on: hard checks that are known to fail.

A record whose time nobody vouches for, of a place that was not in force, not public, without that zone, or of devices
whose inspection had run out, cannot be evidence by itself (处罚法 41, domain B5). What is *not known* holds nothing,
but for the clock, of which the box itself says that it does not know it (design section 3).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.cases import Case
from central.db.events import Event
from central.db.matters import data_of
from central.tickets.precheck.places import known_places, of_place
from contract.events import Violation

#: Of those stored with a case, and of what the register of sites says.
_STORED: Final = frozenset({"clock", "images", "size", "spacing"})
_PLACES: Final = frozenset({"site", "zone", "device"})


def held(session: Session, cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """The hard checks that each case is known to fail, with three queries however many cases there are."""
    if not cases:
        return []
    with session.no_autoflush:
        query = select(Event).where(Event.id.in_({case.event_id for case in cases}))
        events = {event.id: event for event in session.execute(query).scalars()}
        decisions = [data_of(events[case.event_id], {}, Violation, "violation") for case in cases]
        places = known_places(session, {data.site_version for data in decisions})
    found = []
    for case, data in zip(cases, decisions, strict=True):
        of_register = (one.name for one in of_place(places, data) if one.name in _PLACES and one.ok is False)
        found.append(tuple(dict.fromkeys([*_stored(case.checks), *of_register])))
    return found


def _stored(checks: Iterable[Any]) -> list[str]:
    return [check["name"] for check in checks if check["name"] in _STORED and check["ok"] is False]


__all__ = ["held"]
