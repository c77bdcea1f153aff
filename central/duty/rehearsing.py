"""What is known of stations for their rehearsal sheets, from a few queries however many stations there are."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.db.duty import RehearsalWord
from central.db.live import WatchLog
from central.db.polling import CameraState, FeedTrouble, RecordingGap, RecordingLedger, Station
from central.duty import people, rehearsal
from central.duty.planning import holes_of
from central.duty.rehearsal import WORDS, CameraFacts, DiskFacts, Facts, Item, Verdict, Word
from central.polling import stations, told
from central.polling.continuity import micros, windows_of
from central.sites import areas as sites
from central.sites import boxes
from central.tickets.errors import CaseMissing, Unfit
from contract.polling import Window

Place = tuple[str, str]
#: Unix microseconds, from and to before.
_Gap = tuple[int, int]
_NOTE: Final = 500


@dataclass(frozen=True, slots=True)
class Sheet:
    """One station's rehearsal."""

    station: Station
    window: Window | None
    items: Sequence[Item]
    overall: Verdict


@dataclass(frozen=True, slots=True)
class _Rows:
    """By site and camera, by box and camera, by site."""

    ledgers: Mapping[Place, RecordingLedger]
    gaps: Mapping[Place, Sequence[_Gap]]
    states: Mapping[Place, CameraState]
    troubles: Mapping[str, Sequence[str]]
    watched: Mapping[Place, datetime]
    words: Mapping[str, Sequence[Word]]
    disks: Mapping[str, DiskFacts]


def sheets(
    session: Session, now: datetime, areas: Collection[str] = sites.EVERYWHERE, site: str | None = None
) -> list[Sheet]:
    """Of every station in `areas` (only `site`, if given), the worst first."""
    known = [one for one in stations.known(session, areas) if site in (None, one.site)]
    windows = {one.site: rehearsal.rehearsal_of(windows_of(one), now) for one in known}
    begun = [one.begin for one in windows.values() if one is not None and one.begin <= now]
    rows = _rows(session, {one.site for one in known}, min(begun, default=None), now)
    registered = people.areas_of_sites(session, {one.site for one in known})
    shifts = people.shifts(session, now, now + people.AHEAD)
    found = []
    for one in known:
        ahead = [window for window in windows_of(one) if window.until > now and window.phase != "rehearsal"]
        holes = [span for span, first in holes_of(one, registered.get(one.site), shifts, now) if not first]
        facts = _facts(one, windows[one.site], rows, now)
        facts = replace(facts, holes=holes, to_come=len(ahead))
        items = rehearsal.sheet(facts, now)
        found.append(Sheet(one, windows[one.site], items, rehearsal.overall(items)))
    order = list(Verdict)
    return sorted(found, key=lambda one: (order.index(one.overall), -_bad(one), one.station.station))


def say(session: Session, user: SignedInUser, site: str, kind: str, ok: bool, note: str, now: datetime) -> None:
    """Somebody looked and says so. Raises CaseMissing for no station of theirs, or Unfit for a look without a word."""
    if session.get(Station, site) is None or not sites.holds(session, site, user.areas):
        raise CaseMissing("there is no such station", "station.none")
    if kind not in WORDS:
        raise Unfit("nobody is asked that", "rehearsal.kind")
    note = note.strip()[:_NOTE]
    if not note:
        raise Unfit("say what was seen", "rehearsal.note")
    session.add(RehearsalWord(site=site, kind=kind, ok=ok, note=note, user_id=user.id, name=user.name, at=now))
    session.flush()


def _bad(one: Sheet) -> int:
    return sum(item.verdict is Verdict.FAIL for item in one.items) * 100 + sum(
        item.verdict is not Verdict.PASS for item in one.items
    )


def _facts(station: Station, window: Window | None, rows: _Rows, now: datetime) -> Facts:
    """What boxes and people said; who is on duty is the caller's to add."""
    by = {str(said["masked_by"]) for said in station.cameras if "masked_by" in said}
    cameras = [_camera(station.site, said, window, rows, now) for said in station.cameras]
    return Facts(
        rehearsal=window,
        cameras=cameras,
        troubles=rows.troubles.get(station.site, ()),
        masked_by=by.pop() if len(by) == 1 else None,
        words=rows.words.get(station.site, ()),
        disks=[rows.disks[box] for box in sorted({one.box for one in cameras if one.box}) if box in rows.disks],
        last=max((one.until for one in windows_of(station)), default=None),
    )


def _camera(site: str, said: Mapping[str, Any], window: Window | None, rows: _Rows, now: datetime) -> CameraFacts:
    place = (site, str(said["id"]))
    ledger = rows.ledgers.get(place)
    edge = (ledger.edge_id, place[1]) if ledger is not None else ("", "")
    state = rows.states.get(edge)
    watched = rows.watched.get(place)
    learned = told.of_camera(state).learned
    planned, recorded, untold = _share(ledger, window, rows.gaps.get(edge, ()), now)
    return CameraFacts(
        name=str(said["name"]),
        heard=state is not None and state.state == "live",
        planned_us=planned,
        recorded_us=recorded,
        untold_us=untold,
        fault=ledger is not None and ledger.fault is not None,
        offset_ms=state.offset_ms if state is not None else None,
        masks=int(said["masks"]) if "masks" in said else None,
        watched=watched is not None and window is not None and watched >= window.begin,
        learned=None if learned is None else learned.done,
        box=ledger.edge_id if ledger is not None else None,
    )


def _share(
    ledger: RecordingLedger | None, window: Window | None, gaps: Iterable[_Gap], now: datetime
) -> tuple[int, int, int]:
    """Planned so far, recorded, and told by nobody, in microseconds: as `central.polling.continuity` counts them."""
    if window is None or window.begin >= now:
        return 0, 0, 0
    first, last = micros(window.begin), micros(min(window.until, now))
    if ledger is None or ledger.from_us is None or ledger.until_us is None:
        return last - first, 0, last - first
    begin, end = max(first, ledger.from_us), min(last, ledger.until_us)
    told = max(0, end - begin)
    lost = sum(max(0, min(gap_end, end) - max(gap_begin, begin)) for gap_begin, gap_end in gaps) if told else 0
    return last - first, told - lost, last - first - told


def _rows(session: Session, among: set[str], first: datetime | None, now: datetime) -> _Rows:
    ledgers = session.execute(
        select(RecordingLedger)
        .where(RecordingLedger.site.in_(among), boxes.speaks(RecordingLedger.site, RecordingLedger.edge_id))
        .order_by(RecordingLedger.heard_at)
    ).scalars()
    by_place = {(one.site, one.camera_id): one for one in ledgers}
    edges = {one.edge_id for one in by_place.values()}
    states = session.execute(select(CameraState).where(CameraState.edge_id.in_(edges))).scalars()
    troubles: dict[str, list[str]] = defaultdict(list)
    query = select(FeedTrouble.site, FeedTrouble.kind).where(FeedTrouble.at_end.is_(None), FeedTrouble.site.in_(among))
    query = query.where(boxes.speaks(FeedTrouble.site, FeedTrouble.edge_id))
    for site, kind in session.execute(query.order_by(FeedTrouble.at_first)):
        troubles[site].append(kind)
    words: dict[str, list[Word]] = defaultdict(list)
    for one in session.execute(select(RehearsalWord).where(RehearsalWord.site.in_(among))).scalars():
        words[one.site].append(Word(one.kind, one.ok, one.name, one.at, one.note))
    return _Rows(
        by_place,
        _gaps(session, edges, first, now),
        {(one.edge_id, one.camera_id): one for one in states},
        troubles,
        _watched(session, among, first),
        words,
        _disks(session, edges, now),
    )


def _disks(session: Session, edges: set[str], now: datetime) -> dict[str, DiskFacts]:
    """What was told lately, by boxes that know the pace of their cameras."""
    said = told.disks(session, edges, now)
    good = {edge_id: one.disk for edge_id, one in said.items() if one.fresh and one.disk.pace is not None}
    return {edge_id: DiskFacts(edge_id, disk.full_at) for edge_id, disk in good.items()}


def _gaps(session: Session, edges: set[str], first: datetime | None, now: datetime) -> dict[Place, list[_Gap]]:
    found: dict[Place, list[_Gap]] = defaultdict(list)
    if first is None:
        return found
    one = RecordingGap
    query = select(one.edge_id, one.camera_id, one.start_us, one.end_us)
    query = query.where(one.edge_id.in_(edges), one.start_us < micros(now), one.end_us > micros(first))
    for edge_id, camera_id, start_us, end_us in session.execute(query):
        found[edge_id, camera_id].append((start_us, end_us))
    return found


def _watched(session: Session, among: set[str], first: datetime | None) -> dict[Place, datetime]:
    """When somebody last was given live pictures of a camera; a play back is none."""
    if first is None:
        return {}
    query = select(WatchLog.watch, WatchLog.site, WatchLog.camera_id, WatchLog.at, WatchLog.action, WatchLog.detail)
    lines = session.execute(query.where(WatchLog.site.in_(among), WatchLog.at >= first)).all()
    played = {watch for watch, _, _, _, action, detail in lines if action == "begin" and "from_us" in detail}
    found: dict[Place, datetime] = {}
    for watch, site, camera_id, at, action, detail in lines:
        if action == "end" and watch not in played and detail.get("pictures"):
            found[site, camera_id] = max(at, found.get((site, camera_id), at))
    return found


__all__ = ["Sheet", "say", "sheets"]
