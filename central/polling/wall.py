"""The wall: every station in somebody's areas with its state, from six queries however many stations there are."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.polling import BoxState, CameraState, FeedTrouble, RecordingGap, RecordingLedger, Station
from central.polling import states, stations
from central.polling.continuity import micros
from central.polling.states import Facts, Gap, Hours, State
from central.sites.areas import EVERYWHERE, within
from central.sites.boxes import speaks
from contract.polling import Window

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CameraTile:
    """One camera on the wall; `edge_id` None until a box has told of it. `state` is the worst of `states`."""

    id: str
    name: str
    edge_id: str | None
    state: State
    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One station on the wall. `share`: recorded of what the running phase has had so far, 0..1; None outside hours."""

    station: Station
    when: Hours
    state: State
    share: float | None
    cameras: tuple[CameraTile, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the database has of the stations, by site and camera, by box, and by box and camera."""

    ledgers: Mapping[Place, RecordingLedger]
    boxes: Mapping[str, BoxState]
    cameras: Mapping[Place, CameraState]
    troubles: Mapping[Place, Sequence[FeedTrouble]]
    gaps: Mapping[Place, Sequence[Gap]]


def tiles(
    session: Session,
    now: datetime,
    areas: Collection[str] = EVERYWHERE,
    site: str | None = None,
    *,
    shares: bool = True,
) -> list[Tile]:
    """Every station in `areas` (only `site`, if given) by township, village and number.

    Without `shares` nothing is counted and only the gaps of a moment ago are read: a third of the work.
    """
    found = [one for one in stations.known(session, areas) if site in (None, one.site)]
    times = {one.site: states.hours([_window(**said) for said in one.windows], now) for one in found}
    begins = [micros(when.running.begin) for when in times.values() if when.running is not None]
    if begins and not shares:
        begins = [max(min(begins), micros(now - states.GAP_SHOWN))]
    rows = _rows(session, areas, site, min(begins) if begins else None, micros(now))
    return [_tile(one, times[one.site], rows, now, shares) for one in found]


def by_place(found: Sequence[Tile]) -> dict[str, dict[str, list[Tile]]]:
    """Township -> village -> stations, in the order given."""
    placed: dict[str, dict[str, list[Tile]]] = {}
    for one in found:
        placed.setdefault(one.station.township, {}).setdefault(one.station.village, []).append(one)
    return placed


def worst_first(found: Sequence[Tile]) -> list[Tile]:
    """Problems at the front, the worst first; the others stay as they stand."""
    return sorted(found, key=lambda one: one.state.word.rank if one.state.word in states.PROBLEMS else 99)


@lru_cache(4096)
def _window(**said: str) -> Window:
    """A window as the site file says it. Hundreds of stations have the same, and it is read every other second."""
    return Window.model_validate(said)


def _tile(station: Station, when: Hours, rows: _Rows, now: datetime, shares: bool) -> Tile:
    cameras = tuple(_camera(station.site, one, when, rows, now) for one in station.cameras)
    share = None
    if shares and when.running is not None and cameras:
        first, last = micros(when.running.begin), micros(now)
        done = sum(_recorded(rows, (station.site, one.id), first, last) for one in cameras)
        share = done / ((last - first) * len(cameras)) if last > first else 1.0
    return Tile(station, when, states.worst(one.state for one in cameras), share, cameras)


def _camera(site: str, said: Mapping[str, Any], when: Hours, rows: _Rows, now: datetime) -> CameraTile:
    name = str(said["id"])
    ledger, troubles = rows.ledgers.get((site, name)), rows.troubles.get((site, name), ())
    # A box is known by its ledger; before its first block it may have told of a trouble already.
    edge_id = ledger.edge_id if ledger is not None else troubles[-1].edge_id if troubles else None
    place = (edge_id or "", name)
    gaps = rows.gaps.get(place, ())
    facts = Facts(rows.boxes.get(place[0]), rows.cameras.get(place), ledger, gaps[-1] if gaps else None, troubles)
    all_said = tuple(states.every(facts, when, now))
    return CameraTile(name, str(said["name"]), edge_id, states.worst(all_said), all_said)


def _recorded(rows: _Rows, place: Place, first: int, last: int) -> int:
    """Microseconds on record from `first` to `last`, as `central.polling.continuity.coverage` counts them."""
    ledger = rows.ledgers.get(place)
    if ledger is None or ledger.from_us is None or ledger.until_us is None:
        return 0
    told = max(0, min(last, ledger.until_us) - max(first, ledger.from_us))
    gaps = rows.gaps.get((ledger.edge_id, ledger.camera_id), ())
    return told - sum(max(0, min(one.end_us, last) - max(one.start_us, first)) for one in gaps)


def _rows(session: Session, areas: Collection[str], site: str | None, first: int | None, last: int) -> _Rows:
    only = [RecordingLedger.site == site] if site is not None else []
    query = select(RecordingLedger).where(
        *within(RecordingLedger.site, areas), speaks(RecordingLedger.site, RecordingLedger.edge_id), *only
    )
    ledgers = session.execute(query.order_by(RecordingLedger.heard_at)).scalars().all()
    troubles: dict[Place, list[FeedTrouble]] = defaultdict(list)
    among = [FeedTrouble.site == site] if site is not None else []
    asked = select(FeedTrouble).where(
        FeedTrouble.at_end.is_(None),
        *within(FeedTrouble.site, areas),
        speaks(FeedTrouble.site, FeedTrouble.edge_id),
        *among,
    )
    for one in session.execute(asked.order_by(FeedTrouble.at_first)).scalars():
        troubles[one.site, one.camera_id].append(one)
    boxes = {one.edge_id for one in ledgers} | {one.edge_id for open_ones in troubles.values() for one in open_ones}
    narrow = site is not None
    return _Rows(
        {(one.site, one.camera_id): one for one in ledgers},
        {one.edge_id: one for one in session.execute(select(BoxState)).scalars() if one.edge_id in boxes},
        {(one.edge_id, one.camera_id): one for one in session.execute(select(CameraState)).scalars()},
        troubles,
        _gaps(session, first, last, boxes if narrow else None),
    )


def _gaps(session: Session, first: int | None, last: int, boxes: Collection[str] | None) -> dict[Place, list[Gap]]:
    """By time. Read as plain columns: they are the many rows of this page."""
    found: dict[Place, list[Gap]] = defaultdict(list)
    if first is None:
        return found
    one = RecordingGap
    query = select(one.edge_id, one.camera_id, one.start_us, one.end_us, one.cause)
    query = query.where(one.start_us < last, one.end_us > first)
    if boxes is not None:
        query = query.where(one.edge_id.in_(boxes))
    for edge_id, camera_id, start_us, end_us, cause in session.execute(query.order_by(one.start_us)):
        found[edge_id, camera_id].append(Gap(start_us, end_us, cause))
    return found


__all__ = ["CameraTile", "Tile", "by_place", "tiles", "worst_first"]
