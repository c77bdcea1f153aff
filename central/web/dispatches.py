"""Messages to stations as plain values in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import quote

import segno
from sqlalchemy.orm import Session

from central.db.messages import MessageAnswer, StationLink, StationMessage
from central.polling import messages
from central.polling.messages import LATE, Sent
from central.web import words
from central.web.duty import clock, zone_of
from central.web.language import Language


@dataclass(frozen=True, slots=True)
class Note:
    """One message. `state` is `answered`, `waiting` or `late`; `word` says it."""

    id: int
    station: str
    href: str
    text: str
    who: str
    at: str
    state: str
    word: str
    answers: list[str]


@dataclass(frozen=True, slots=True)
class Badge:
    """What a tile says of a station's messages."""

    state: str
    word: str


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code as an SVG path, and the box it is drawn in."""

    path: str
    box: str


def note(one: Sent, now: datetime, say: Language) -> Note:
    """A message in words, its times in the station's own clock."""
    row, station = one.row, one.station
    zone = zone_of([station])
    state = "answered" if one.answers else _state(row, now)
    word = say(f"message.{state}", n=_minutes(row, now))
    return Note(
        row.id, station.name, f"/stations/{quote(station.site, safe='')}", row.text, row.name,
        words.stamp(row.at.astimezone(zone)), state, word, [_answer(each, zone, say) for each in one.answers],
    )  # fmt: skip


def badges(session: Session, zones: Mapping[str, tzinfo], now: datetime, say: Language) -> Mapping[str, Badge]:
    """What the tiles of some stations say: that nobody there has answered yet, or who has a moment ago."""
    found = {
        site: Badge(
            "answered", say("message.tile.answered", at=f"{one.at.astimezone(zones[site]):%H:%M}", who=one.name)
        )
        for site, one in messages.lately(session, now, zones).items()
    }
    for site, one in messages.waiting(session, now, zones).items():
        found[site] = Badge(_state(one, now), say(f"message.tile.{_state(one, now)}", n=_minutes(one, now)))
    return found


def link_line(row: StationLink | None, zone: tzinfo, say: Language) -> str:
    """Until when a station reads its messages by a link."""
    if row is None:
        return say("link.none")
    return say("link.active", who=row.made_by, until=words.stamp(row.expires_at.astimezone(zone)))


def drawn(address: str) -> Code:
    """The address as a QR code."""
    rows = [[bool(dark) for dark in row] for row in segno.make(address, error="m", micro=False).matrix_iter(border=4)]
    dark = [f"M{x} {y}.5h1" for y, row in enumerate(rows) for x, one in enumerate(row) if one]
    return Code("".join(dark), f"0 0 {len(rows)} {len(rows)}")


def _state(row: StationMessage, now: datetime) -> str:
    return "late" if now - row.at > LATE else "waiting"


def _minutes(row: StationMessage, now: datetime) -> int:
    return int((now - row.at).total_seconds() // 60)


def _answer(one: MessageAnswer, zone: tzinfo, say: Language) -> str:
    key = "message.said" if one.user_id is None else "message.said_by_phone"
    return say(key, at=clock(one.at, zone), who=one.name, text=one.text)


__all__ = ["Badge", "Code", "Note", "badges", "drawn", "link_line", "note"]
