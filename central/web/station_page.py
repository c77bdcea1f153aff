"""The page of one station, as its routes and those of the forms on it show it."""

from typing import Any, Final

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.permissions import Permission
from central.accounts.sessions import SignedInUser
from central.clock import office_now
from central.db.database import Database
from central.db.polling import FeedTrouble
from central.duty import people
from central.polling import bookmarked, continuity, links, messages, phasing, stills, taking, told, wall
from central.polling.wall import Tile
from central.sites import boxes
from central.tickets.errors import CaseMissing
from central.web import bookmarks, dispatches, phases, station, stations
from central.web import told as shown
from central.web.duty import zone_of
from central.web.front import language_of, render, user_asking
from central.web.keylist import STATION
from central.web.language import Language
from central.web.live_words import live_words

#: Troubles on the page of a station, open ones first.
_MOST: Final = 200
#: The newest bookmarks that stand there as well; a link leads to the rest.
_MARKS: Final = 10
#: The newest messages, likewise.
_MESSAGES: Final = 10


def station_page(
    request: Request, db: Database, site: str, problem: str | None = None, given: dict[str, str] | None = None
) -> Response:
    """The page; `problem` says why a form on it was refused. Raises CaseMissing for a station out of reach."""
    user, say, now = user_asking(request), language_of(request), office_now()
    with db.read() as session:
        found = wall.tiles(session, now, user.areas, site.replace("\0", ""))
        if not found:
            raise CaseMissing("there is no such station", "station.none")
        here = found[0]
        names = {camera.id: camera.name for camera in here.cameras}
        markers = phasing.of_station(session, here.station.site)
        pictures = stills.of_markers(session, {one.id for one in markers})
        coverage = continuity.of_station(session, here.station, now)
        marked, more = bookmarked.listed(session, user.areas, bookmarked.Filter(site=here.station.site))
        strangers = boxes.strangers(session, here.station.site)
        notes = messages.listed(session, user.areas, here.station.site, most=_MESSAGES)
        link = links.active(session, here.station.site, now)
        phones = people.phones_of(session, {here.station.site})
        troubles = _troubles(session, here, names, say)
        edges = {one.edge_id for one in here.cameras if one.edge_id is not None}
        said_of, disks = told.cameras(session, edges), told.disks(session, edges, now)
    return render(
        request, "station.html", user, status=422 if problem else 200, section="stations",
        tile=stations.tile(here, say),
        phases=[station.phase_view(one, names, say, phases.beside(markers, one.window, say)) for one in coverage],
        day=phases.day(markers, pictures, here.station, now, say),
        troubles=troubles, told=shown.lines(here, said_of, disks, say),
        width=station.WIDTH, strangers=strangers, keys=STATION.listed(say), live=live_of(user, say),
        sheet=sheet_of(user, say), marks=[bookmarks.card(one, say) for one in marked[:_MARKS]],
        more_marks=more or len(marked) > _MARKS, problem=problem, given=given or {},
        notes=[dispatches.note(one, now, say) for one in notes], phone=phones[0].phone if phones else "",
        link=dispatches.link_line(link, zone_of([here.station]), say), linked=link is not None,
    )  # fmt: skip


def live_of(user: SignedInUser, say: Language) -> dict[str, Any] | None:
    """What tiles with pictures say; None for who may not look."""
    return live_words(say) if user.may(Permission.LIVE_WATCH) else None


def sheet_of(user: SignedInUser, say: Language) -> dict[str, Any] | None:
    """What the sheet for marks says; None for who may not mark."""
    if not user.may(Permission.STATIONS_MARK):
        return None
    categories, severities = bookmarks.choices(say)
    return {"words": bookmarks.sheet_words(say), "categories": categories, "severities": severities}


def _troubles(session: Session, here: Tile, names: dict[str, str], say: Language) -> list[station.TroubleLine]:
    query = select(FeedTrouble).where(
        FeedTrouble.site == here.station.site, boxes.speaks(FeedTrouble.site, FeedTrouble.edge_id)
    )
    query = query.order_by(FeedTrouble.at_end.is_not(None), FeedTrouble.at_first.desc()).limit(_MOST)
    wrong = session.execute(query).scalars().all()
    acts = taking.of_troubles(session, {one.id for one in wrong})
    return station.troubles(wrong, acts, names, stations.zone_of(here), say)


__all__ = ["live_of", "sheet_of", "station_page"]
