"""Bookmarks: marking with one key, saying what it is, taking it back; and the list of them. Thin."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import JSONResponse, RedirectResponse

from central.accounts.permissions import Permission
from central.clock import office_now
from central.db.database import Database
from central.duty import people
from central.marks import needs
from central.polling import bookmarked, stations
from central.polling import bookmarks as marks
from central.polling.bookmarks import Wanted, Words
from central.tickets.errors import Unfit
from central.web import bookmarks, forms
from central.web.front import acting, language_of, render, user_asking
from central.web.refused import in_words

Form = Annotated[dict[str, str], Depends(forms.read_form)]
Name = Annotated[str, Query(max_length=200)]
_SEES, _MARKS, _RELEASES = (
    [needs(one)] for one in (Permission.STATIONS_SEE, Permission.STATIONS_MARK, Permission.HOLDS_RELEASE)
)
_PLAIN = {"Cache-Control": "no-store"}


def add(pages: APIRouter, db: Database) -> None:
    """Add /bookmarks to `pages`. Who has areas sees and marks the stations in them and no others."""
    _add_marking(pages, db)
    _add_list(pages, db)


def _add_marking(pages: APIRouter, db: Database) -> None:
    @pages.post("/bookmarks", dependencies=_MARKS)
    def this_moment(request: Request, form: Form) -> Response:
        """Raises CaseMissing for a camera that is not there, or not in their areas; Unfit."""
        user = acting(request, db, form)
        edge, _, camera = form.get("camera", "").partition("/")
        wanted = Wanted(unquote(edge), unquote(camera), _at(form.get("at_us", "")), form.get("sent", ""))
        with db.write() as session:
            made = marks.mark(session, user, wanted, office_now())
            others = {one.name for one in marks.marks_of(session, [made.bookmark_id])} - {user.name}
        told = {"mark": made.id, "at_us": made.at_us, "others": sorted(others)}
        return JSONResponse(told, headers=_PLAIN)

    @pages.post("/bookmarks/marks/{mark}", dependencies=_MARKS)
    def what_it_is(request: Request, mark: str, form: Form) -> Response:
        """Raises CaseMissing for a mark that is not theirs; Unfit."""
        user = acting(request, db, form)
        said = Words(form.get("category") or None, form.get("severity") or None, form.get("note", ""))
        with db.write() as session:
            marks.say(session, user, forms.number_in(mark), said, office_now())
        return Response(status_code=204, headers=_PLAIN)

    @pages.post("/bookmarks/marks/{mark}/undo", dependencies=_MARKS)
    def not_that(request: Request, mark: str, form: Form) -> Response:
        """Raises CaseMissing for a mark that is not theirs; Unfit when it is too late."""
        user = acting(request, db, form)
        with db.write() as session:
            marks.undo(session, user, forms.number_in(mark), office_now())
        return Response(status_code=204, headers=_PLAIN)


def _add_list(pages: APIRouter, db: Database) -> None:
    def page(request: Request, wanted: bookmarked.Filter, number: int, problem: str | None = None) -> Response:
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            found, more = bookmarked.listed(session, user.areas, wanted, number)
            known = stations.known(session, user.areas)
            areas = sorted(set(people.areas_of_sites(session, {one.site for one in known}).values()))
        categories, severities = bookmarks.choices(say)
        return render(
            request, "bookmarks.html", user, status=422 if problem else 200, section="stations",
            cards=[bookmarks.card(one, say) for one in found], wanted=wanted, areas=areas, problem=problem,
            stations=[(one.site, f"{one.name} ({one.station})") for one in known],
            categories=categories, severities=severities,
            before=bookmarks.address(wanted, number - 1) if number > 1 else None,
            after=bookmarks.address(wanted, number + 1) if more else None,
        )  # fmt: skip

    @pages.get("/bookmarks", dependencies=_SEES)
    def what_was_marked(
        request: Request,
        area: Name = "",
        site: Name = "",
        category: Name = "",
        severity: Name = "",
        kept: Name = "",
        page_: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
    ) -> Response:
        return page(request, bookmarks.asked_of(area, site, category, severity, kept), page_)

    @pages.post("/bookmarks/{bookmark}/release", dependencies=_RELEASES)
    def no_longer(request: Request, bookmark: str, form: Form) -> Response:
        """Raises CaseMissing for a bookmark that is not there, or not in their areas."""
        user = acting(request, db, form)
        wanted = bookmarks.asked_of("", form.get("site", ""), "", "", "")
        try:
            with db.write() as session:
                number = forms.number_in(bookmark)
                marks.release(session, user, number, form.get("reason", ""), office_now())
        except Unfit as error:
            return page(request, replace(wanted, site=""), 1, in_words(error.said, language_of(request)))
        return RedirectResponse(bookmarks.address(wanted, 1), 303)


def _at(text: str) -> int | None:
    """Unix microseconds; None for now, or for what is no time."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else None


__all__ = ["add"]
