"""The pages of a rehearsal: one station's sheet, and all of them. Thin: ask, put in words, render."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from central.accounts.permissions import Permission
from central.clock import office_now
from central.db.database import Database
from central.duty import rehearsing
from central.duty.rehearsal import WORDS
from central.marks import needs
from central.tickets.errors import CaseMissing, Unfit
from central.web import forms, rehearsal
from central.web.front import acting, language_of, render, user_asking
from central.web.refused import in_words

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_SEES, _ACTS = [needs(Permission.STATIONS_SEE)], [needs(Permission.DUTY_ACT)]


def add(pages: APIRouter, db: Database) -> None:
    """Add the pages of rehearsals to `pages`. Who has areas sees the stations in them and no others."""
    _add_all(pages, db)
    _add_sheet(pages, db)


def _add_all(pages: APIRouter, db: Database) -> None:
    @pages.get("/rehearsals", dependencies=_SEES)
    def how_far_are_they(request: Request) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            found = rehearsing.sheets(session, now, user.areas)
        views = [rehearsal.view(one, say) for one in found]
        count = rehearsal.counted(found, say)
        return render(request, "rehearsals.html", user, section="stations", sheets=views, count=count, at=now)

    @pages.get("/rehearsals/file", dependencies=_SEES)
    def all_of_them_as_a_file(request: Request) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            views = [rehearsal.view(one, say) for one in rehearsing.sheets(session, now, user.areas)]
        headers = {"Content-Disposition": 'attachment; filename="rehearsals.csv"', "Cache-Control": "no-store"}
        return Response(rehearsal.as_csv(views, say), media_type="text/csv; charset=utf-8", headers=headers)


def _add_sheet(pages: APIRouter, db: Database) -> None:
    def page(request: Request, site: str, problem: str | None = None, given: dict[str, str] | None = None) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            found = rehearsing.sheets(session, now, user.areas, site.replace("\0", ""))
        if not found:
            raise CaseMissing("there is no such station", "station.none")
        return render(
            request, "rehearsal.html", user, status=422 if problem else 200, section="stations",
            sheet=rehearsal.view(found[0], say), kinds=WORDS, problem=problem, given=given or {}, at=now,
        )  # fmt: skip

    @pages.get("/stations/{site}/rehearsal", dependencies=_SEES)
    def is_it_ready(request: Request, site: str) -> Response:
        """Raises CaseMissing for a station that is not there, or not in their areas."""
        return page(request, site)

    @pages.post("/stations/{site}/rehearsal", dependencies=_ACTS)
    def i_have_looked(request: Request, site: str, form: Form) -> Response:
        """Raises CaseMissing for a station that is not there, or not in their areas."""
        user = acting(request, db, form)
        try:
            with db.write() as session:
                kind, note = form.get("kind", ""), form.get("note", "")
                rehearsing.say(session, user, site, kind, form.get("ok") == "yes", note, office_now())
        except Unfit as error:
            return page(request, site, in_words(error.said, language_of(request)), form)
        return RedirectResponse(f"/stations/{quote(site, safe='')}/rehearsal", 303)


__all__ = ["add"]
