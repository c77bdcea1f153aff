"""Alarms and roster as plain values in the reader's language."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote

from central.db.polling import FeedTrouble, Station
from central.duty.planning import Hole
from central.duty.roster import Shift
from central.duty.views import AlarmView, Notified
from central.polling.continuity import windows_of
from central.web import words
from central.web.language import Language

#: Stations named in a line; the rest are counted.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A trouble that lasts: what it is, and who has it in hand; None while nobody has."""

    id: int
    what: str
    taken: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """One alarm for the page of whoever is on duty."""

    id: int
    severity: str
    word: str
    href: str
    name: str
    place: str
    matters: list[str]
    since: str
    told: list[str]
    answered: str | None
    over: str | None
    mine: bool
    phone: str | None
    open: bool
    troubles: list[Held]


@dataclass(frozen=True, slots=True)
class ShiftLine:
    """One line of the roster."""

    id: int
    person: str
    level: int
    areas: str
    begin: str
    until: str
    phone: str
    webhook: str | None
    secret: str | None
    now: bool


def card(one: AlarmView, now: datetime, say: Language) -> Card:
    """An alarm in words, its times in the station's own clock."""
    row, station = one.row, one.station
    zone = zone_of([station])
    names = {str(said["id"]): str(said["name"]) for said in station.cameras}
    told = [_told(each, zone, say) for each in one.told] or [say("duty.nobody_told")]
    answered = over = None
    if row.acknowledged_at is not None:
        at = clock(row.acknowledged_at, zone)
        answered = say(f"duty.answered.{row.acknowledged_how}", who=row.acknowledged_by, at=at)
    if row.ended_at is not None:
        over = say("duty.over", at=clock(row.ended_at, zone))
    since = say("duty.since", at=words.stamp(row.begun_at.astimezone(zone)), ago=words.age(row.begun_at, now, say))
    place = f"{station.township} · {station.village} · {station.station}"
    return Card(
        row.id, row.severity, say(f"duty.severity.{row.severity}"), f"/stations/{quote(station.site, safe='')}",
        station.name, place, _matters(one, names, say), since, told, answered, over, one.mine, one.phone,
        row.acknowledged_at is None, [_held(each, names, say) for each in one.troubles],
    )  # fmt: skip


def _held(one: FeedTrouble, names: dict[str, str], say: Language) -> Held:
    what_it_is = f"{say.known(f'check.kind.{one.kind}', one.kind)} · {names.get(one.camera_id, one.camera_id)}"
    taken = say("station.taken", who=one.taken_by, note=one.note or "") if one.taken_by else None
    return Held(one.id, what_it_is, taken)


def _matters(one: AlarmView, names: dict[str, str], say: Language) -> list[str]:
    """Each thing once, with the cameras that have it."""
    found: dict[tuple[str, bool], list[str]] = {}
    for each in one.matters:
        lasts = each.ended_at is None or one.row.ended_at is not None
        cameras = found.setdefault((what(each.kind, each.what, say), lasts), [])
        name = names.get(each.camera_id or "", each.camera_id or "")
        if name and name not in cameras:
            cameras.append(name)
    return [
        say(
            "duty.matter" if lasts else "duty.matter_over",
            what=name,
            cameras=say("list.and").join(cameras) or say("duty.the_station"),
        )
        for (name, lasts), cameras in found.items()
    ]


def what(kind: str, check: str, say: Language) -> str:
    """What is wrong, in the words of the wall."""
    return say.known(f"check.kind.{check}", check) if kind == "trouble" else say.known(f"duty.kind.{kind}", kind)


def _told(one: Notified, zone: tzinfo | None, say: Language) -> str:
    key = "told"
    if one.webhook:
        key = "told_sent" if one.done and one.said is None else "told_failed" if one.said else "told_sending"
    return say(f"duty.{key}", who=one.person, level=one.level, at=clock(one.at, zone), why=one.said or "")


def clock(moment: datetime, zone: tzinfo | None) -> str:
    """05:10:31 in a station's clock."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def line(one: Shift, secret: str | None, zone: tzinfo | None, now: datetime, say: Language) -> ShiftLine:
    """A shift in words; `secret` is its webhook's, for who may see it."""
    areas = " ".join(sorted(one.areas)) or say("duty.areas_all")
    return ShiftLine(
        one.id, one.person, one.level, areas, short(one.begin, zone), short(one.until, zone), one.phone, one.webhook,
        secret, one.begin <= now < one.until,
    )  # fmt: skip


def hole(one: Hole, say: Language) -> str:
    """Nobody on duty from when to when, for which stations."""
    zone = zone_of(one.stations)
    named = [f"{each.name} ({each.station})" for each in one.stations[:_NAMED]]
    text = say("list.and").join(named)
    if len(one.stations) > _NAMED:
        text = say("duty.and_more", names=text, n=len(one.stations) - _NAMED)
    begin, until = short(one.begin, zone), short(one.until, zone)
    if begin[:10] == until[:10]:
        until = until[11:]
    return say("duty.hole_first" if one.first else "duty.hole", begin=begin, until=until, stations=text)


def short(moment: datetime, zone: tzinfo | None) -> str:
    """2026-12-12 05:00."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def zone_of(stations: Iterable[Station]) -> tzinfo:
    """The clock of these stations: the offset that most of their windows are written in; UTC where there is none."""
    found = Counter(window.begin.tzinfo for one in stations for window in windows_of(one))
    return found.most_common(1)[0][0] or UTC if found else UTC


def local(text: str, zone: tzinfo) -> datetime:
    """A moment as a form's `datetime-local` has it, in the stations' clock. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def phone_lines(stations: Sequence[Station], phones: dict[str, str]) -> str:
    """The form of the stations' telephones: a line each, its site and number."""
    return "\n".join(f"{one.site} {phones.get(one.site, '')}".strip() for one in stations)


def phones_in(text: str) -> dict[str, str]:
    """What such a form says: numbers by site, empty where none is given."""
    told = (line.strip().partition(" ") for line in text.replace(",", " ").replace("\t", " ").splitlines())
    return {site: phone.strip() for site, _, phone in told if site}


__all__ = ["Card", "ShiftLine", "card", "hole", "line", "local", "phone_lines", "phones_in", "short", "what", "zone_of"]
