"""The queue page as plain values in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from central.tickets.horizon import Horizon
from central.tickets.queue import MOST_COUNTED
from central.tickets.states import CONFIRMED, REVIEW1
from central.tickets.views import QueueItem, QueuePage
from central.web import words
from central.web.due import Due, due
from central.web.language import Language
from central.web.page import ROOMS, place, vehicle
from central.web.trail import Trail
from contract.events import Rule

#: What the filters are called in the address, and the state each shows. The first is where an officer begins.
FILTERS = {name: state for state, name in ROOMS.items()}


ALL = Trail()
#: The verdict of the machine when a person must answer something first.
ASKS = "needs_human"
COLOURS = ("red", "yellow", "blue")


@dataclass(frozen=True, slots=True)
class Filter:
    """A state to look at, and how many cases wait in it; None where none does."""

    href: str
    label: str
    count: str | None
    current: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line; `at` is in the site's zone, which `zone` names."""

    number: str
    href: str
    title: str
    vehicle: str
    site: str
    place: str
    thumbnail: str | None
    at: datetime
    zone: str
    due: Due | None
    age: str
    state: str
    asks: bool
    taken: str | None
    flags: list[str]
    reason: str | None


def ending(found: Sequence[Horizon], say: Language) -> list[tuple[str, str]]:
    """(class, sentence) of each calendar that will soon know no day more, or does already."""
    lines = {"warn": "queue.calendar_ends", "stop": "queue.calendar_ended"}
    kinds = [(one, "warn" if one.days >= 0 else "stop") for one in found]
    return [(kind, say(lines[kind], country=one.country, until=one.until)) for one, kind in kinds]


def filters(
    counts: Mapping[str, int], asking: int, shown: str | None, say: Language, trail: Trail = ALL
) -> list[Filter]:
    """The states that people look at; `shown` is the one looked at, None for another list.

    Those that only a person's answer can take on (`asking` of them wait) have a list of their own.
    """
    plain, asks = replace(trail.among, verdict=None), trail.among.verdict == ASKS
    all_of = Trail(plain)
    found = [
        Filter(
            f"/{all_of.with_(show=name)}", say(f"queue.filter.{name}"), count(counts, state),
            state == shown and not (asks and state == REVIEW1),
        )
        for name, state in FILTERS.items()
    ]  # fmt: skip
    own = Filter(
        f"/{Trail(replace(plain, verdict=ASKS)).with_(show=ROOMS[REVIEW1])}", say("queue.filter.questions"),
        count({REVIEW1: asking}, REVIEW1), shown == REVIEW1 and asks,
    )  # fmt: skip
    return [found[0], own, *found[1:]]


def count(counts: Mapping[str, int], state: str) -> str | None:
    """How many wait in a state, in words that stay short; None for a state in which nothing waits."""
    if state not in counts:
        return None
    return f"{MOST_COUNTED - 1}+" if counts[state] >= MOST_COUNTED else str(counts[state])


@dataclass(frozen=True, slots=True)
class Option:
    """Something that the queue can be narrowed to."""

    value: str
    label: str
    chosen: bool


def narrowings(trail: Trail, sites: list[str], areas: list[str], say: Language) -> list[tuple[str, str, list[Option]]]:
    """(name, label, options) of what the queue can be narrowed to: areas, sites that wait in it, rules, colours."""
    among = trail.among
    zones = [Option(one, one, one == among.area) for one in areas]
    colours = [Option(one, say(f"due.{one}"), one == among.colour) for one in COLOURS]
    there = sorted({*sites, *([among.site] if among.site else [])})
    rules = [Option(rule, say(f"rule.approved.{rule}"), rule == among.rule) for rule in Rule]
    places = [Option(site, site, site == among.site) for site in there]
    found = [("rule", say("queue.by.rule"), rules), ("site", say("queue.by.site"), places)]
    found += [("area", say("queue.by.area"), zones)] if zones else []
    return [*found, ("colour", say("queue.by.colour"), colours)]


def rows(page: QueuePage, now: datetime, say: Language, trail: Trail = ALL) -> list[Row]:
    """The lines of one page."""
    return [_row(item, now, say, trail) for item in page.items]


def _row(item: QueueItem, now: datetime, say: Language, trail: Trail) -> Row:
    href = f"/cases/{item.number}"
    kind = "rule.approved" if item.state in CONFIRMED else "rule"
    return Row(
        number=item.number,
        href=href + trail.query,
        title=say(f"{kind}.{item.rule}"),
        vehicle=vehicle(item.vehicle_class, item.plate, say),
        site=item.site,
        place=place(item.camera_id, item.zone_id, item.lane_id, say),
        thumbnail=f"{href}/media/{item.thumbnail}" if item.thumbnail else None,
        at=item.at_trigger,
        zone=words.stamp(item.at_trigger)[-6:],
        due=due(item.due_at, item.colour, item.at_trigger, now, say),
        age=words.age(item.at_trigger, now, say),
        state=item.state,
        asks=item.open_questions > 0 and item.decided_at is None,
        taken=say("taken.by", who=item.taken_by) if item.taken_by else None,
        flags=[say.known(f"flag.{flag}", flag) for flag in item.flags],
        reason=f"{item.reason_code} {say(f'reason.{item.reason_code}')}" if item.reason_code else None,
    )
