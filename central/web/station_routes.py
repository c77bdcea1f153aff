"""The pages of polling stations: the wall, and one station. Thin: ask, put in words, render."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select
from starlette.responses import RedirectResponse

from central.accounts.permissions import Permission
from central.accounts.sessions import SignedInUser
from central.clock import office_now
from central.db.database import Database
from central.db.polling import FeedTrouble
from central.marks import needs
from central.polling import bookmarked, continuity, layouts, wall
from central.sites import boxes
from central.tickets.errors import CaseMissing
from central.web import bookmarks, forms, station, stations
from central.web.front import acting, language_of, render, user_asking
from central.web.keylist import STATION, STATIONS
from central.web.language import Language
from central.web.live_words import live_words

Form = Annotated[dict[str, str], Depends(forms.read_form)]
Name = Annotated[str, Query(max_length=200)]
#: Troubles on the page of a station, open ones first.
_MOST = 200
#: The newest bookmarks that stand there as well; a link leads to the rest.
_MARKS = 10
_SEES = [needs(Permission.STATIONS_SEE)]


def add(pages: APIRouter, db: Database) -> None:
    """Add the pages under /stations to `pages`. Who has areas sees the stations in them and no others."""

    @pages.get("/stations", dependencies=_SEES)
    def what_is_dark(
        request: Request,
        tiles: int = stations.LAYOUTS[0],
        township: Name = "",
        village: Name = "",
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
        show: Name = "",
        order: Name = "",
    ) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        asked = stations.asked_of(tiles, township, village, page, show, order)
        with db.read() as session:
            seen = stations.Wall(wall.tiles(session, now, user.areas), asked, say)
            saved = [stations.saved(one, user.id, asked) for one in layouts.of(session, user)]
        at = f"{now:%Y-%m-%d %H:%M}"
        return render(
            request, "stations.html", user, section="stations", keys=STATIONS.listed(say), wall=seen, at=at,
            saved=saved, live=_live(user, say), sheet=_sheet(user, say),
        )  # fmt: skip

    @pages.post("/stations/layouts", dependencies=_SEES)
    def see_it_so_again(request: Request, form: Form) -> Response:
        """Save a layout. Raises Unfit, or NotAllowed to share."""
        user = acting(request, db, form)
        asked = stations.asked_in(form.get("query", ""))
        with db.write() as session:
            shared = form.get("shared") == "yes"
            layouts.keep(session, user, form.get("name", ""), asked.query, shared, office_now())
        return RedirectResponse(asked.address(page=1), 303)

    @pages.post("/stations/layouts/{layout}/remove", dependencies=_SEES)
    def never_again(request: Request, layout: str, form: Form) -> Response:
        user = acting(request, db, form)
        with db.write() as session:
            layouts.remove(session, user, forms.number_in(layout))
        return RedirectResponse("/stations", 303)

    @pages.get("/stations/{site}", dependencies=_SEES)
    def how_is_it(request: Request, site: str) -> Response:
        """Raises CaseMissing for a station that is not there, or not in their areas."""
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            found = wall.tiles(session, now, user.areas, site.replace("\0", ""))
            if not found:
                raise CaseMissing("there is no such station", "station.none")
            here = found[0]
            names = {camera.id: camera.name for camera in here.cameras}
            phases = [station.phase_view(one, names, say) for one in continuity.of_station(session, here.station, now)]
            query = select(FeedTrouble).where(
                FeedTrouble.site == here.station.site, boxes.speaks(FeedTrouble.site, FeedTrouble.edge_id)
            )
            query = query.order_by(FeedTrouble.at_end.is_not(None), FeedTrouble.at_first.desc()).limit(_MOST)
            wrong = session.execute(query).scalars().all()
            marked, more = bookmarked.listed(session, user.areas, bookmarked.Filter(site=here.station.site))
            strangers = boxes.strangers(session, here.station.site)
            troubles = station.troubles(wrong, names, stations.zone_of(here), say)
        tile = stations.tile(here, say)
        return render(
            request, "station.html", user, section="stations", tile=tile, phases=phases, troubles=troubles,
            width=station.WIDTH, strangers=strangers, keys=STATION.listed(say), live=_live(user, say),
            sheet=_sheet(user, say), marks=[bookmarks.card(one, say) for one in marked[:_MARKS]],
            more_marks=more or len(marked) > _MARKS,
        )  # fmt: skip


def _live(user: SignedInUser, say: Language) -> dict[str, Any] | None:
    """What tiles with pictures say; None for who may not look."""
    return live_words(say) if user.may(Permission.LIVE_WATCH) else None


def _sheet(user: SignedInUser, say: Language) -> dict[str, Any] | None:
    """What the sheet for marks says; None for who may not mark."""
    if not user.may(Permission.STATIONS_MARK):
        return None
    categories, severities = bookmarks.choices(say)
    return {"words": bookmarks.sheet_words(say), "categories": categories, "severities": severities}


__all__ = ["add"]
