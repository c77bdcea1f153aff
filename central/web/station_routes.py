"""The pages of polling stations: the wall, and one station. Thin: ask, put in words, render."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from central.accounts.permissions import Permission
from central.clock import office_now
from central.db.database import Database
from central.marks import needs
from central.polling import layouts, phasing
from central.polling.glance import Glance
from central.web import dispatches, forms, stations
from central.web.front import acting, language_of, render, user_asking
from central.web.keylist import STATIONS
from central.web.station_page import live_of, sheet_of, station_page

Form = Annotated[dict[str, str], Depends(forms.read_form)]
Name = Annotated[str, Query(max_length=200)]
_SEES = [needs(Permission.STATIONS_SEE)]


def add(pages: APIRouter, db: Database) -> None:
    """Add the pages under /stations to `pages`. Who has areas sees the stations in them and no others."""
    glance = Glance(db)

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
        user, say = user_asking(request), language_of(request)
        asked = stations.asked_of(tiles, township, village, page, show, order)
        found, now = glance.tiles(user.areas)
        with db.read() as session:
            seen = stations.Wall(found, asked, say)
            saved = [stations.saved(one, user.id, asked) for one in layouts.of(session, user)]
            shown = [one.site for one in seen.tiles]
            phase, waiting = phasing.of_sites(session, shown), dispatches.badges(session, seen.zones, now, say)
        at = f"{now:%Y-%m-%d %H:%M}"
        return render(
            request, "stations.html", user, section="stations", keys=STATIONS.listed(say), wall=seen, at=at,
            saved=saved, live=live_of(user, say), sheet=sheet_of(user, say),
            phases=stations.phases_now(phase, now, say), waiting=waiting,
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
        return station_page(request, db, site)


__all__ = ["add"]
