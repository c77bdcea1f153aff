"""What time lines under live pictures show: of the last hours what is on record, gaps by cause, and what was wrong."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from central.db.polling import FeedTrouble, RecordingGap, RecordingLedger
from central.polling import bookmarked, phases, phasing
from central.polling.continuity import micros
from central.polling.states import moment
from central.sites.areas import EVERYWHERE, within

#: Of one camera: more gaps or troubles than a line has room for are left out, the oldest first.
MOST = 500

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One camera, in Unix microseconds. `told`: from when to when its ledger tells; a trouble's end is None while it
    lasts. `marks`: when, category, severity, who.
    `phases`: when each began.
    """

    told: tuple[int, int] | None
    gaps: tuple[tuple[int, int, str], ...]
    troubles: tuple[tuple[int, int | None, str, str], ...]
    marks: tuple[tuple[int, str, str, str], ...] = ()
    phases: tuple[tuple[int, str], ...] = ()


def lines(
    session: Session, sites: Collection[str], from_us: int, until_us: int, areas: Collection[str] = EVERYWHERE
) -> Mapping[Place, Line]:
    """By box and camera, for stations in `areas`; five queries."""
    query = select(RecordingLedger).where(RecordingLedger.site.in_(sites), *within(RecordingLedger.site, areas))
    ledgers = {(one.edge_id, one.camera_id): one for one in session.execute(query).scalars()}
    gaps = _gaps(session, ledgers, from_us, until_us)
    troubles = _troubles(session, ledgers, sites, from_us, until_us)
    marks = bookmarked.on_lines(session, ledgers, from_us, until_us)
    begun = {
        site: tuple((micros(each.at), str(each.phase)) for each in phases.standing(some))
        for site, some in phasing.of_sites(session, {one.site for one in ledgers.values()}).items()
    }
    return {
        place: Line(
            _told(one, until_us), gaps.get(place, ()), troubles.get(place, ()), marks.get(place, ())[-MOST:],
            begun.get(one.site, ()),
        )
        for place, one in ledgers.items()
    }  # fmt: skip


def _told(one: RecordingLedger, now_us: int) -> tuple[int, int] | None:
    """From when to when it tells; of what a clock that is ahead says nothing is shown before its time."""
    if one.from_us is None or one.until_us is None or one.from_us > now_us:
        return None
    return one.from_us, min(one.until_us, now_us)


def _gaps(
    session: Session, places: Collection[Place], from_us: int, until_us: int
) -> dict[Place, tuple[tuple[int, int, str], ...]]:
    one = RecordingGap
    query = select(one.edge_id, one.camera_id, one.start_us, one.end_us, one.cause)
    query = query.where(one.edge_id.in_({edge for edge, _ in places}), one.start_us < until_us, one.end_us > from_us)
    found: dict[Place, list[tuple[int, int, str]]] = {}
    for edge, camera, start, end, cause in session.execute(query.order_by(one.start_us)):
        if (edge, camera) in places:
            found.setdefault((edge, camera), []).append((start, end, cause))
    return {place: tuple(some[-MOST:]) for place, some in found.items()}


def _troubles(
    session: Session, places: Collection[Place], sites: Collection[str], from_us: int, until_us: int
) -> dict[Place, tuple[tuple[int, int | None, str, str], ...]]:
    one = FeedTrouble
    query = select(one).where(
        one.site.in_(sites), one.at_first < moment(until_us), or_(one.at_end.is_(None), one.at_end > moment(from_us))
    )
    found: dict[Place, list[tuple[int, int | None, str, str]]] = {}
    for row in session.execute(query.order_by(one.at_first)).scalars():
        place = (row.edge_id, row.camera_id)
        if place in places:
            end = None if row.at_end is None else micros(row.at_end)
            found.setdefault(place, []).append((micros(row.at_first), end, row.kind, row.severity))
    return {place: tuple(some[-MOST:]) for place, some in found.items()}


__all__ = ["MOST", "Line", "lines"]
