"""Recordings that are handed out as plain values in the reader's language: the page of a station, and who decides."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.db.accounts import User
from central.db.approvals import Approval
from central.db.polling import RecordingLedger, Station
from central.db.recordings import RecordingExport
from central.polling import continuity
from central.polling.states import moment
from central.recordings import handing
from central.recordings.contents import told_until
from central.recordings.rules import ASKED, FETCHING, OVER, READY
from central.web import words
from central.web.duty import zone_of
from central.web.language import Language
from central.web.station import length
from contract.continuity import Coverage

MOST: Final = 50
_BADGES: Final = {ASKED: "ask", FETCHING: "info", READY: "good", OVER: "info"}
_GB: Final = 1e9


@dataclass(frozen=True, slots=True)
class Card:
    """One recording that was asked for. `share`: how much has come, 0..100, while it comes."""

    number: str
    camera: str
    span: str
    long: str
    state: str
    badge: str
    detail: str
    share: int | None
    reason: str
    asked: str
    decided: str | None
    recorded: str
    sha256: str | None
    size: str
    fetch: bool
    kept_back: str | None
    stop: bool


def cards(session: Session, station: Station, user: SignedInUser, say: Language, now: datetime) -> list[Card]:
    """What was asked for of a station, the newest first."""
    query = select(RecordingExport, Approval).join(Approval, Approval.key == RecordingExport.request)
    query = query.where(RecordingExport.site == station.site).order_by(RecordingExport.id.desc()).limit(MOST)
    rows = session.execute(query).all()
    people = {one for _, asked in rows for one in (asked.asked_by, asked.decided_by) if one is not None}
    names = dict(session.execute(select(User.id, User.name).where(User.id.in_(people))).all())
    back = handing.kept_back(session, station.site, user.name, now)
    return [_card(session, row, asked, station, (user, names, back), say) for row, asked in rows]


def _card(
    session: Session,
    row: RecordingExport,
    asked: Approval,
    station: Station,
    who: tuple[SignedInUser, Mapping[int, str], str | None],
    say: Language,
) -> Card:
    user, names, back = who
    zone = zone_of([station])
    mine = user.id == asked.asked_by
    may = user.may("ask for recordings")
    stops = mine or (row.state == FETCHING and user.may("approve recordings"))
    fetch = may and row.state == READY and handing.may_fetch(user, asked)
    decided = None
    if asked.decided_by is not None and asked.decided_at is not None:
        decided = say("recording.decided", who=names[asked.decided_by], at=_at(asked.decided_at, zone))
    share = None
    if row.state == FETCHING and row.bytes:
        share = int(100 * row.here_bytes / row.bytes)
    return Card(
        number=row.request,
        camera=_camera(station, row.camera_id),
        span=_span(row.from_us, row.until_us, zone),
        long=length((row.until_us - row.from_us) / 1e6),
        state=say(f"recording.state.{row.state}"),
        badge=_BADGES[row.state],
        detail=_detail(session, row, zone, say),
        share=share,
        reason=asked.reason,
        asked=say("recording.asked", who=names[asked.asked_by], at=_at(asked.asked_at, zone)),
        decided=decided,
        recorded=recorded(session, row.edge_id, row.camera_id, row.from_us, row.until_us, say),
        sha256=row.sha256 if row.state == READY else None,
        size=gigabytes(row.size or 0),
        fetch=fetch and back is None,
        kept_back=say("recording.embargo", why=back) if fetch and back is not None else None,
        stop=may and row.state in (ASKED, FETCHING) and stops,
    )  # fmt: skip


def _detail(session: Session, row: RecordingExport, zone: tzinfo, say: Language) -> str:
    """What is waited for, in a sentence."""
    if row.state == OVER:
        return say(f"recording.ended.{row.ended}")
    if row.state == READY:
        return say("recording.ready")
    if row.state == ASKED:
        return say("recording.waits.refused", why=row.why) if row.waits == "refused" else say("recording.waits.person")
    told = told_until(session, row)
    at = words.stamp(moment(told).astimezone(zone)) if told else "-"
    said = say(f"recording.waits.{row.waits or 'box'}", why=row.why, at=at)
    if row.segments is None:
        return said
    progress = say(
        "recording.progress",
        here=row.here,
        all=row.segments,
        done=gigabytes(row.here_bytes),
        size=gigabytes(row.bytes or 0),
    )
    gone = say("recording.absent", n=row.absent) if row.absent else ""
    return " ".join(part for part in (progress, gone, said) if part)


def recorded(session: Session, edge_id: str, camera_id: str, from_us: int, until_us: int, say: Language) -> str:
    """How much of a span is recorded by the ledger, and its gaps by cause: what is decided by."""
    ledger = session.get(RecordingLedger, (edge_id, camera_id))
    if ledger is None:
        return say("recording.no_ledger")
    covered = continuity.coverage(session, ledger, from_us, until_us)
    said = say(
        "recording.covered", recorded=length(covered.recorded_us / 1e6), planned=length(covered.planned_us / 1e6),
        n=len(covered.gaps),
    )  # fmt: skip
    parts = [said, *([_gaps(covered, say)] if covered.gaps else [])]
    if covered.unledgered_us:
        parts.append(say("recording.untold", long=length(covered.unledgered_us / 1e6)))
    return " ".join(parts)


def _gaps(covered: Coverage, say: Language) -> str:
    lost: Counter[str] = Counter()
    for one in covered.gaps:
        lost[one.cause] += one.end_us - one.start_us
    return say("list.and").join(f"{say(f'cause.{cause}')} {length(us / 1e6)}" for cause, us in lost.most_common())


def about(session: Session, what: Mapping[str, Any], say: Language) -> tuple[str, str]:
    """A request before it is decided: the camera and the span, and how much of it there is."""
    station = session.get(Station, str(what["site"]))
    edge_id, camera_id = str(what["edge_id"]), str(what["camera_id"])
    first, last = int(what["from_us"]), int(what["until_us"])
    place = f"{station.name} ({station.station})" if station is not None else str(what["site"])
    camera = _camera(station, camera_id) if station is not None else camera_id
    span = _span(first, last, zone_of([station] if station is not None else []))
    return f"{place} · {camera}", f"{span} ({length((last - first) / 1e6)}). " + recorded(
        session, edge_id, camera_id, first, last, say
    )


def gigabytes(size: int) -> str:
    """`1.2 GB`, `340 MB`."""
    return f"{size / _GB:.1f} GB" if size >= _GB else f"{size / 1e6:.1f} MB"


def chosen(
    ends: Mapping[str, int], given: Mapping[str, str], zone: tzinfo, now: datetime, longest_s: float
) -> dict[str, str]:
    """What the form begins with: what was given, else the last hour that is told. Times are those of the station."""
    last = max(ends.values(), default=0) or continuity.micros(now)
    last = min(last, continuity.micros(now)) // 1_000_000 * 1_000_000
    from_us = _whole(given.get("from_us", ""), last - 3_600_000_000)
    until_us = min(_whole(given.get("until_us", ""), last), from_us + int(longest_s * 1e6), continuity.micros(now))
    said = {"from": _local(from_us, zone), "until": _local(until_us, zone), "camera": "", "reason": ""}
    return said | {name: given[name] for name in ("from", "until", "camera", "reason") if name in given}


def cameras(station: Station, ledgers: Sequence[RecordingLedger]) -> list[tuple[str, str]]:
    """The cameras of a station that a box has told of: where each is, and its name."""
    known = {one.camera_id: one.edge_id for one in ledgers}
    return [
        (f"{known[str(one['id'])]}/{one['id']}", str(one["name"])) for one in station.cameras if str(one["id"]) in known
    ]


def waits(found: Sequence[Card], say: Language) -> bool:
    """Whether something may change without anybody's doing."""
    moving = {say(f"recording.state.{state}") for state in (ASKED, FETCHING)}
    return any(one.state in moving for one in found)


def _camera(station: Station, camera_id: str) -> str:
    return next((str(one["name"]) for one in station.cameras if one["id"] == camera_id), camera_id)


def _span(from_us: int, until_us: int, zone: tzinfo) -> str:
    first, last = (words.stamp(moment(one).astimezone(zone)) for one in (from_us, until_us))
    return f"{first} - {last}"


def _at(when: datetime, zone: tzinfo) -> str:
    return words.stamp(when.astimezone(zone))


def _local(us: int, zone: tzinfo) -> str:
    return f"{moment(us).astimezone(zone):%Y-%m-%dT%H:%M:%S}"


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else otherwise


__all__ = ["Card", "about", "cameras", "cards", "chosen", "gigabytes", "recorded", "waits"]
