"""The queue page as plain values in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from central.tickets.review import APPROVED, CANDIDATE, REJECTED, REVIEW
from central.tickets.views import QueueItem, QueuePage
from central.web import words
from central.web.language import Language
from central.web.page import place, vehicle

#: What the filters are called in the address, and the state each shows. The first is where an officer begins.
FILTERS = {"review": REVIEW, "arriving": CANDIDATE, "approved": APPROVED, "rejected": REJECTED}


@dataclass(frozen=True, slots=True)
class Filter:
    """A state to look at, and how many cases are in it."""

    href: str
    label: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line; `at` is UTC, and the browser writes it in its own zone."""

    number: str
    href: str
    title: str
    vehicle: str
    site: str
    place: str
    thumbnail: str | None
    at: datetime
    age: str
    state: str
    asks: bool
    flags: list[str]
    reason: str | None


def filters(counts: Mapping[str, int], shown: str | None, say: Language) -> list[Filter]:
    """The four states in the order of a case's life; `shown` is the one looked at, None for another list."""
    return [
        Filter(f"/?show={name}", say(f"queue.filter.{name}"), counts.get(state, 0), state == shown)
        for name, state in FILTERS.items()
    ]


def rows(page: QueuePage, now: datetime, say: Language) -> list[Row]:
    """The lines of one page."""
    return [_row(item, now, say) for item in page.items]


def _row(item: QueueItem, now: datetime, say: Language) -> Row:
    href = f"/cases/{item.number}"
    kind = "rule.approved" if item.state == APPROVED else "rule"
    return Row(
        number=item.number,
        href=href,
        title=say(f"{kind}.{item.rule}"),
        vehicle=vehicle(item.vehicle_class, item.plate, say),
        site=item.site,
        place=place(item.camera_id, item.zone_id, item.lane_id, say),
        thumbnail=f"{href}/media/{item.thumbnail}" if item.thumbnail else None,
        at=item.at_trigger,
        age=words.age(item.at_trigger, now, say),
        state=item.state,
        asks=item.open_questions > 0 and item.decided_at is None,
        flags=[say.known(f"flag.{flag}", flag) for flag in item.flags],
        reason=f"{item.reason_code} {say(f'reason.{item.reason_code}')}" if item.reason_code else None,
    )
