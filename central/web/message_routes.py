"""Messages to stations, for the office: written, acknowledged on the telephone, and the link by which they are read."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from central.accounts.permissions import Permission
from central.clock import office_now
from central.db.database import Database
from central.duty import people
from central.duty.webhook import Hooks
from central.marks import needs
from central.polling import links, messages, stations
from central.polling.messages import SITE
from central.tickets.errors import CaseMissing, Unfit
from central.web import dispatches, forms, words
from central.web.duty import zone_of
from central.web.front import acting, language_of, render, user_asking
from central.web.refused import in_words

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_SEES, _WRITES, _LINKS = (
    [needs(one)] for one in (Permission.STATIONS_SEE, Permission.STATIONS_MARK, Permission.DUTY_KEEP)
)  # fmt: skip


def add(pages: APIRouter, db: Database, hooks: Hooks) -> None:
    """Add /messages and the links of stations to `pages`."""
    _add_messages(pages, db)
    _add_links(pages, db, hooks)


def _add_messages(pages: APIRouter, db: Database) -> None:
    def page(
        request: Request, waiting: bool, problem: str | None = None, given: dict[str, str] | None = None
    ) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            found = messages.listed(session, user.areas, waiting=waiting)
            known = stations.known(session, user.areas)
            areas = sorted(set(people.areas_of_sites(session, {one.site for one in known}).values()))
        return render(
            request, "messages.html", user, status=422 if problem else 200, section="stations", waiting=waiting,
            notes=[dispatches.note(one, now, say) for one in found], areas=areas, problem=problem, given=given or {},
            stations=[(one.site, f"{one.name} ({one.station})") for one in known],
        )  # fmt: skip

    @pages.get("/messages", dependencies=_SEES)
    def what_was_written(request: Request, show: Annotated[str, Query(max_length=20)] = "") -> Response:
        return page(request, show == "waiting")

    @pages.post("/messages", dependencies=_WRITES)
    def write_to_them(request: Request, form: Form) -> Response:
        """Raises CaseMissing for a place where no station of theirs is."""
        user, where = acting(request, db, form), form.get("where", "")
        try:
            with db.write() as session:
                messages.send(session, user, where, form.get("text", ""), office_now())
        except Unfit as error:
            return page(request, False, in_words(error.said, language_of(request)), form)
        if form.get("back") == "station" and where.startswith(SITE):
            return RedirectResponse(f"/stations/{quote(where.removeprefix(SITE), safe='')}#messages", 303)
        return RedirectResponse("/messages", 303)

    @pages.post("/messages/{message}/told", dependencies=_WRITES)
    def they_said_so(request: Request, message: str, form: Form) -> Response:
        """Raises CaseMissing for a message that is not there, or not to a station of theirs; Unfit."""
        user = acting(request, db, form)
        with db.write() as session:
            said = form.get("name", ""), form.get("note", "")
            row = messages.told(session, user, forms.number_in(message), *said, office_now())
        return RedirectResponse(f"/stations/{quote(row.site, safe='')}#messages", 303)


def _add_links(pages: APIRouter, db: Database, hooks: Hooks) -> None:
    @pages.post("/stations/{site}/link", dependencies=_LINKS)
    def they_read_here(request: Request, site: str, form: Form) -> Response:
        """The link is shown in the answer and never again. Raises CaseMissing."""
        user, say = acting(request, db, form), language_of(request)
        with db.write() as session:
            token, row = links.make(session, user, site, office_now())
            named = {one.site: one for one in stations.known(session, user.areas)}
        station = named.get(row.site)
        if station is None:
            raise CaseMissing("there is no such station", "station.none")
        address = f"{(hooks.address or str(request.base_url)).rstrip('/')}/s/{token}"
        until = words.stamp(row.expires_at.astimezone(zone_of([station])))
        return render(
            request, "station_link.html", user, section="stations", station=station, address=address, here="/stations",
            code=dispatches.drawn(address), until=say("link.until", until=until),
        )  # fmt: skip

    @pages.post("/stations/{site}/link/revoke", dependencies=_LINKS)
    def no_more(request: Request, site: str, form: Form) -> Response:
        """Raises CaseMissing."""
        user = acting(request, db, form)
        with db.write() as session:
            links.revoke(session, user, site, office_now())
        return RedirectResponse(f"/stations/{quote(site, safe='')}#messages", 303)


__all__ = ["add"]
