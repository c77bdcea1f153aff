"""What the page of a case asks for by itself: the next case ahead of time, that it lies open."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, params
from starlette.responses import JSONResponse, RedirectResponse

from central.accounts.permissions import Permission
from central.db.database import Database
from central.tickets import leases
from central.tickets import queue as cases
from central.tickets.looks import Why
from central.tickets.states import LOOKS, NEEDS_MORE, REVIEW1
from central.web import forms
from central.web.case_page import case_page
from central.web.front import acting, user_asking
from central.web.trail import trail_of

PREFETCH_HEADER = "X-Sightline-Prefetch"

Asked = Sequence[params.Depends]
Form = Annotated[dict[str, str], Depends(forms.read_form)]


def add(pages: APIRouter, db: Database, asked: Asked = ()) -> None:
    """Add them to `pages`. `asked` is looked at before each, as before the page of a case itself."""
    _add_next(pages, db, asked)
    _add_leases(pages, db, asked)


def _add_next(pages: APIRouter, db: Database, asked: Asked) -> None:
    @pages.get("/cases/{number}/next", dependencies=[*asked])
    def following(request: Request, number: str) -> Response:
        """The page of the case to do after this one; nothing (204) when none waits."""
        user, trail = user_asking(request, db), trail_of(request)
        with db.read() as session:
            look = cases.state_of(session, number)
            found = cases.next_of(session, look if look in LOOKS else REVIEW1, number, user.id, trail.among)
        if PREFETCH_HEADER not in request.headers:
            return RedirectResponse(f"/cases/{found}{trail.query}" if found else f"/{trail.query}", 303)
        if found is None:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        return case_page(request, db, user, found, Why.PREFETCHED)


def _add_leases(pages: APIRouter, db: Database, asked: Asked) -> None:
    @pages.post("/cases/{number}/lease", dependencies=[*asked])
    def open_still(request: Request, number: str, form: Form) -> Response:
        """The case lies open here; told is who else has it."""
        user, tab = acting(request, db, form), _tab(form)
        with db.read() as session:
            row = cases.found(session, number)
            other = leases.holders(session, [row.id], user.id).get(row.id)
        if other is None and row.state in (*LOOKS, NEEDS_MORE) and user.may(Permission.CASES_DECIDE):
            with db.write() as session:
                leases.take(session, row.id, user.id, tab)
        return JSONResponse({"taken_by": other}, headers={"Cache-Control": "no-store"})

    @pages.post("/cases/{number}/leave", dependencies=[*asked])
    def left(request: Request, number: str, form: Form) -> Response:
        """The tab was closed or shows something else."""
        user = acting(request, db, form)
        with db.write() as session:
            leases.drop(session, cases.found(session, number).id, user.id, _tab(form))
        return Response(status_code=204)


def _tab(form: dict[str, str]) -> str:
    """The tab's own name for itself. PostgreSQL takes no NUL in a text."""
    return form.get("tab", "").replace("\0", "")


__all__ = ["PREFETCH_HEADER", "add"]
