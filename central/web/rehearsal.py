"""Rehearsal sheets as plain values in the reader's language, and all of them as CSV."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import quote

from central.duty.rehearsal import Item, Verdict, Word
from central.duty.rehearsing import Sheet
from central.spreadsheet import guarded
from central.web import words
from central.web.duty import short, zone_of
from central.web.language import Language
from central.web.stations import percent


@dataclass(frozen=True, slots=True)
class Line:
    """One check in words."""

    check: str
    name: str
    verdict: str
    word: str
    why: str
    said: list[str]


@dataclass(frozen=True, slots=True)
class SheetView:
    """One station's rehearsal in words."""

    site: str
    href: str
    name: str
    place: str
    number: str
    verdict: str
    word: str
    window: str
    lines: list[Line]


def view(one: Sheet, say: Language) -> SheetView:
    """A sheet in words, its times in the station's own clock."""
    station, zone = one.station, zone_of([one.station])
    window = say("rehearsal.no_window")
    if one.window is not None:
        begin, until = short(one.window.begin, zone), short(one.window.until, zone)
        window = say("rehearsal.window", begin=begin, until=until)
    return SheetView(
        station.site, f"/stations/{quote(station.site, safe='')}/rehearsal", station.name,
        f"{station.township} · {station.village}", station.station, str(one.overall), verdict(one.overall, say), window,
        [_line(item, zone, say) for item in one.items],
    )  # fmt: skip


def verdict(one: Verdict, say: Language) -> str:
    """Its word."""
    return say(f"rehearsal.verdict.{one}")


def counted(sheets: Sequence[Sheet], say: Language) -> str:
    """How many of each verdict there are."""
    found = Counter(str(one.overall) for one in sheets)
    told = {name: found[name] for name in ("fail", "not_yet", "unknown")}
    return say("rehearsal.count", pass_=found["pass"], **told)


def as_csv(sheets: Sequence[SheetView], say: Language) -> bytes:
    """A line a station: UTF-8 with a mark, so that a spreadsheet reads Chinese."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    heads = ["rehearsal.number", "rehearsal.station", "rehearsal.place", "rehearsal.overall"]
    checks = [line.name for line in sheets[0].lines] if sheets else []
    rows.writerow([*(say(key) for key in heads), *(text for name in checks for text in (name, say("rehearsal.why")))])
    for one in sheets:
        told = [text for line in one.lines for text in (line.word, " ".join([line.why, *line.said]))]
        rows.writerow([guarded(text) for text in (one.number, one.name, one.place, one.word, *told)])
    return out.getvalue().encode("utf-8-sig")


def _line(item: Item, zone: tzinfo, say: Language) -> Line:
    values = {name: _worded(name, value, zone, say) for name, value in item.values.items()}
    key = item.key if item.key.startswith("said_") else f"{item.check}.{item.key}"
    return Line(
        item.check, say(f"rehearsal.check.{item.check}"), str(item.verdict), verdict(item.verdict, say),
        say(f"rehearsal.why.{key}", **values), [_said(one, zone, say) for one in item.words],
    )  # fmt: skip


def _said(one: Word, zone: tzinfo, say: Language) -> str:
    return say("rehearsal.word", who=one.by, at=short(one.at, zone), note=one.note)


def _worded(name: str, value: object, zone: tzinfo, say: Language) -> str:
    match value:
        case float() if name == "share":
            return percent(value)
        case float():
            return say("unit.s", value=f"{abs(value) / 1000:.2f}")
        case datetime():
            return words.stamp(value.astimezone(zone))
        case list():
            return say("list.and").join(_one(name, each, zone, say) for each in value)
    return str(value)


def _one(name: str, value: object, zone: tzinfo, say: Language) -> str:
    match value:
        case (datetime() as begin, datetime() as until):
            return f"{short(begin, zone)} - {short(until, zone)}"
        case str() if name == "troubles":
            return say.known(f"check.kind.{value}", value)
    return str(value)


__all__ = ["Line", "SheetView", "as_csv", "counted", "verdict", "view"]
