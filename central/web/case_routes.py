"""Is it so: one case, what is decided of it, and its evidence."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import FileResponse, RedirectResponse

from central.accounts import service as accounts
from central.accounts.service import SignedInUser
from central.db.database import Database
from central.media.store import MediaStore
from central.tickets import service as tickets
from central.tickets.errors import CaseMissing
from central.tickets.review import REVIEW
from central.web import forms
from central.web.front import language_of, render, user_asking
from central.web.keylist import case_keys
from central.web.page import Page
from central.web.queue_routes import just_decided

#: What a browser may show by itself; anything else is handed over as a file.
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4"})
_SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "video/mp4": ".mp4"}

Form = Annotated[dict[str, str], Depends(forms.read_form)]


def add(pages: APIRouter, db: Database, media: MediaStore) -> None:
    """Add the page of a case, its decisions and its media to `pages`."""
    _add_page(pages, db)
    _add_decisions(pages, db)
    _add_media(pages, db, media)


def _add_page(pages: APIRouter, db: Database) -> None:
    @pages.get("/cases/{number}")
    def is_it_so(request: Request, number: str, decided: str | None = None) -> Response:
        user, say = user_asking(request, db), language_of(request)
        with db.read() as session:
            view = tickets.case(session, number)
        # A page that refreshes itself while evidence arrives is one look, not one every five seconds.
        if not request.headers.get("hx-request"):
            with db.write() as session:
                accounts.log_view(session, user, view.number)
        page, done = Page(view, user, say), just_decided(db, decided, request)
        return render(request, "case.html", user, section="queue", keys=case_keys(say), page=page, decided=done)


def _add_decisions(pages: APIRouter, db: Database) -> None:
    @pages.post("/cases/{number}/approve")
    def approve(request: Request, number: str, form: Form) -> Response:
        user = _officer(request, db, form)
        with db.write() as session:
            tickets.approve(session, number, forms.version_of(form), user, forms.answers_of(form))
        return _onward(db, number)

    @pages.post("/cases/{number}/reject")
    def reject(request: Request, number: str, form: Form) -> Response:
        user = _officer(request, db, form)
        code, note = form.get("code", ""), form.get("note", "")
        with db.write() as session:
            tickets.reject(session, number, forms.version_of(form), user, code, note)
        return _onward(db, number)


def _officer(request: Request, db: Database, form: dict[str, str]) -> SignedInUser:
    """Who decides, with the token of their own session. Raises NotSignedIn or CsrfRefused."""
    user = user_asking(request, db)
    accounts.check_csrf(user, form.get("csrf"))
    return user


def _onward(db: Database, number: str) -> Response:
    """To the next case that waits: the one behind, else the oldest, else the empty queue."""
    with db.read() as session:
        behind = tickets.queue(session, state=REVIEW, limit=1, after=number).items
        waiting = behind or tickets.queue(session, state=REVIEW, limit=1).items
    target = f"/cases/{waiting[0].number}" if waiting else "/"
    return RedirectResponse(f"{target}?decided={number}", 303)


def _add_media(pages: APIRouter, db: Database, media: MediaStore) -> None:
    @pages.api_route("/cases/{number}/media/{sha256}", methods=["GET", "HEAD"])
    def evidence(request: Request, number: str, sha256: str, download: Annotated[bool, Query()] = False) -> Response:
        user = user_asking(request, db)
        with db.read() as session:
            item = tickets.media_of(session, number, sha256)
        if request.method == "GET" and request.headers.get("range", "bytes=0-").startswith("bytes=0-"):
            with db.write() as session:
                accounts.log_view(session, user, number, item.sha256)
        try:
            path = media.path(item.sha256)
        except FileNotFoundError as error:
            raise CaseMissing(f"the store has lost this still or clip of case {number}") from error
        shown = item.media_type in SHOWN and not download
        return FileResponse(
            path,
            media_type=item.media_type if item.media_type in SHOWN else "application/octet-stream",
            filename=f"{number}-{item.sha256[:12]}{_SUFFIX.get(item.media_type, '.bin')}",
            content_disposition_type="inline" if shown else "attachment",
            headers={
                "Cache-Control": "private, max-age=86400, immutable",
                "Vary": "Cookie",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            },
        )
