"""Bookmarks as plain values in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import tzinfo
from typing import Any, Final
from urllib.parse import quote, urlencode

from central.db.marks import BookmarkMark
from central.polling.bookmarked import Filter, Seen
from central.polling.bookmarks import CATEGORIES, SEVERITIES
from central.polling.states import moment
from central.web import words
from central.web.duty import zone_of
from central.web.language import Language

#: Classes of badges by what became of the wish to keep it.
_BADGES: Final[Mapping[str, str]] = {"asked": "info", "kept": "good", "refused": "stop", "released": "plain"}
#: What the sheet's script says, by name.
_SHEET: Final = ("marking", "marked", "with", "away", "refused", "undone", "undo", "kept")


@dataclass(frozen=True, slots=True)
class MarkLine:
    """One person's mark in words; `severity` names its shape, "" where nobody said."""

    who: str
    at: str
    category: str
    severity: str
    grave: str
    note: str


@dataclass(frozen=True, slots=True)
class Card:
    """One bookmark. `look` leads to the moment in the recording."""

    id: int
    station: str
    place: str
    href: str
    camera: str
    look: str
    at: str
    span: str
    marks: list[MarkLine]
    badge: str
    state: str
    open: bool


def asked_of(area: str, site: str, category: str, severity: str, kept: str) -> Filter:
    """What an address asks for; what is not known is as if nothing had been chosen."""
    return Filter(
        area.replace("\0", "")[:200], site.replace("\0", "")[:200], category if category in CATEGORIES else "",
        severity if severity in SEVERITIES else "", kept == "only",
    )  # fmt: skip


def address(wanted: Filter, page: int) -> str:
    """The page of bookmarks with the same choice."""
    said = {name: value for name, value in asdict(wanted).items() if value and name != "unreleased"}
    said |= {"kept": "only"} if wanted.unreleased else {}
    said |= {"page": page} if page > 1 else {}
    return f"/bookmarks?{urlencode(said)}" if said else "/bookmarks"


def card(one: Seen, say: Language) -> Card:
    """A bookmark in words, its times in the station's own clock."""
    row, station = one.row, one.station
    zone = zone_of([station])
    names = {str(said["id"]): str(said["name"]) for said in station.cameras}
    begin, until = (words.stamp(moment(us).astimezone(zone)) for us in (row.from_us, row.until_us))
    first = one.marks[0].at_us if one.marks else row.from_us
    href = f"/stations/{quote(station.site, safe='')}"
    state = say(f"bookmark.kept.{one.kept}", why=one.why, who=row.released_by or "", reason=row.reason or "")
    return Card(
        row.id, station.name, f"{station.township} · {station.village} · {station.station}", href,
        names.get(row.camera_id, row.camera_id), f"{href}#at={quote(row.edge_id)}/{quote(row.camera_id)}@{first}",
        words.stamp(moment(first).astimezone(zone)), say("bookmark.span", begin=begin, until=until),
        [_line(each, zone, say) for each in one.marks], _BADGES[one.kept], state, row.released_at is None,
    )  # fmt: skip


def _line(one: BookmarkMark, zone: tzinfo, say: Language) -> MarkLine:
    category = say(f"bookmark.category.{one.category}") if one.category else say("bookmark.not_said")
    grave = say(f"bookmark.severity.{one.severity}") if one.severity else ""
    at = f"{moment(one.at_us).astimezone(zone):%H:%M:%S}"
    return MarkLine(one.name, at, category, one.severity or "", grave, one.note)


def sheet_words(say: Language) -> dict[str, Any]:
    """Sentences of the sheet for its script, with their `{values}` still open."""
    return {name: say.sentences[f"bookmark.sheet.{name}"] for name in _SHEET}


def choices(say: Language) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """Categories and severities with their words, in the order of their keys."""
    return (
        [(one, say(f"bookmark.category.{one}")) for one in CATEGORIES],
        [(one, say(f"bookmark.severity.{one}")) for one in SEVERITIES],
    )


__all__ = ["Card", "MarkLine", "address", "asked_of", "card", "choices", "sheet_words"]
