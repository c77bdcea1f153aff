"""Is it so: one case, what is decided of it, and its evidence."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import FileResponse

from central.accounts import service as accounts
from central.accounts.permissions import Permission
from central.accounts.service import SignedInUser
from central.db.database import Database
from central.marks import needs
from central.media.store import MediaStore
from central.tickets import looks, queue
from central.tickets import service as tickets
from central.tickets.errors import CaseMissing, Unfit
from central.tickets.looks import Why
from central.tickets.views import MediaItem
from central.web import desk_routes, forms
from central.web.case_page import case_page
from central.web.front import user_asking
from central.web.onward import onward

#: What a browser may show by itself; anything else is handed over as a file.
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4"})
_SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "video/mp4": ".mp4"}

_SEES, _DECIDES = [needs(Permission.CASES_SEE)], [needs(Permission.CASES_DECIDE)]

Form = Annotated[dict[str, str], Depends(forms.read_form)]


def add(pages: APIRouter, db: Database, media: MediaStore) -> None:
    """Add the page of a case, its decisions and its media to `pages`."""
    _add_page(pages, db)
    _add_decisions(pages, db)
    _add_media(pages, db, media)
    desk_routes.add(pages, db, _SEES)


def _add_page(pages: APIRouter, db: Database) -> None:
    @pages.get("/cases/{number}", dependencies=_SEES)
    def is_it_so(request: Request, number: str, decided: str | None = None) -> Response:
        return case_page(request, db, user_asking(request, db), number, Why.OPENED, decided)


def _add_decisions(pages: APIRouter, db: Database) -> None:
    @pages.post("/cases/{number}/approve", dependencies=_DECIDES)
    def approve(request: Request, number: str, form: Form) -> Response:
        user = _officer(request, db, form, number)
        with db.write() as session:
            tickets.approve(session, number, forms.version_of(form), user, forms.answers_of(form))
        return onward(request, db, user, number)

    @pages.post("/cases/{number}/reject", dependencies=_DECIDES)
    def reject(request: Request, number: str, form: Form) -> Response:
        user = _officer(request, db, form, number)
        code, note = form.get("code", ""), form.get("note", "")
        with db.write() as session:
            tickets.reject(session, number, forms.version_of(form), user, code, note)
        return onward(request, db, user, number)


def _officer(request: Request, db: Database, form: dict[str, str], number: str) -> SignedInUser:
    """Who decides, with the token of their own session. Raises NotSignedIn, CsrfRefused, or Unfit for a case unseen."""
    user = user_asking(request, db)
    accounts.check_csrf(user, form.get("csrf"))
    with db.read() as session:
        if not looks.seen(session, queue.found(session, number).id, user.id):
            raise Unfit(f"case {number} was never opened with your account - look at it before you decide it")
    return user


def _add_media(pages: APIRouter, db: Database, media: MediaStore) -> None:
    @pages.api_route("/cases/{number}/media/{sha256}", methods=["GET", "HEAD"], dependencies=_SEES)
    def evidence(request: Request, number: str, sha256: str, download: Annotated[bool, Query()] = False) -> Response:
        user = user_asking(request, db)
        with db.read() as session:
            item = tickets.media_of(session, number, sha256)
        begins = request.headers.get("range", "bytes=0-").startswith("bytes=0-")
        if request.method == "GET" and (begins or not _going_on(db, user, number, item)):
            _noted(db, user, number, item, download)
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


def _going_on(db: Database, user: SignedInUser, number: str, item: MediaItem) -> bool:
    """Whether this is the next part of what the person began a moment ago: one look, however a player asks for it."""
    with db.read() as session:
        return looks.fetched_lately(session, number, user.id, item.sha256)


def _noted(db: Database, user: SignedInUser, number: str, item: MediaItem, download: bool) -> None:
    """A line of its own, but for a still on a page that was given to this person: that page's line names it."""
    if item.kind == "image" and not download:
        with db.read() as session:
            if looks.shown_on_page(session, number, user.id, item.sha256):
                return
    with db.write() as session:
        accounts.log_view(session, user, number, item.sha256)
