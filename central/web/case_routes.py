"""Is it so: one case, what is decided of it, and its evidence."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, RedirectResponse

from central.accounts import service as accounts
from central.accounts.permissions import Permission
from central.accounts.service import SignedInUser
from central.db.database import Database
from central.marks import needs
from central.media.store import MediaStore
from central.tickets import corrections, decisions, looks, queue
from central.tickets import service as tickets
from central.tickets.errors import CaseMissing
from central.tickets.looks import Why
from central.tickets.states import REVIEW1
from central.tickets.views import MediaItem
from central.web import desk_routes, forms
from central.web.case_page import case_page
from central.web.front import acting, user_asking
from central.web.onward import onward
from central.web.trail import trail_of

#: What a browser may show by itself; anything else is handed over as a file.
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4"})
_SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "video/mp4": ".mp4"}

_SEES, _DECIDES = [needs(Permission.CASES_SEE)], [needs(Permission.CASES_DECIDE)]

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_Decide = Callable[[Session, SignedInUser, int], object]
_Noted = Callable[[Session, str, int, SignedInUser, str], object]
#: Steps that need words and nothing else, by their addresses.
_NOTED: Final[dict[str, _Noted]] = {
    "send-back": decisions.send_back,
    "ask": decisions.ask,
    "resume": decisions.resume,
}


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
        return _decided(
            request, db, number, form,
            lambda session, user, version: decisions.approve(
                session, number, version, user, forms.answers_of(form), form.get("note", "")
            ),
        )  # fmt: skip

    @pages.post("/cases/{number}/reject", dependencies=_DECIDES)
    def reject(request: Request, number: str, form: Form) -> Response:
        return _decided(
            request, db, number, form,
            lambda session, user, version: decisions.reject(
                session, number, version, user, form.get("code", ""), form.get("note", "")
            ),
        )  # fmt: skip

    for address, step in _NOTED.items():
        _add_noted(pages, db, address, step)

    @pages.post("/cases/{number}/undo", dependencies=_DECIDES)
    def undo(request: Request, number: str, form: Form) -> Response:
        """Back to the case whose decision was taken back."""
        user = acting(request, db, form)
        with db.write() as session:
            decisions.undo(session, number, user)
        return RedirectResponse(f"/cases/{number}{trail_of(request).query}", 303)

    @pages.post("/cases/{number}/correct", dependencies=_DECIDES)
    def correct(request: Request, number: str, form: Form) -> Response:
        """The case again, with what was corrected."""
        user = acting(request, db, form)
        version, field, said = forms.version_of(form), form.get("field", ""), form.get("said", "")
        with db.write() as session:
            corrections.correct(session, number, version, user, field, said)
        return RedirectResponse(f"/cases/{number}{trail_of(request).query}", 303)


def _add_noted(pages: APIRouter, db: Database, address: str, step: _Noted) -> None:
    @pages.post(f"/cases/{{number}}/{address}", dependencies=_DECIDES, name=address)
    def noted(request: Request, number: str, form: Form) -> Response:
        """A step that says why."""
        return _decided(
            request, db, number, form,
            lambda session, user, version: step(session, number, version, user, form.get("note", "")),
        )  # fmt: skip


def _decided(request: Request, db: Database, number: str, form: dict[str, str], decide: _Decide) -> Response:
    user = acting(request, db, form)
    with db.write() as session:
        look = queue.state_of(session, number)
        decide(session, user, forms.version_of(form))
    return onward(request, db, user, number, look or REVIEW1)


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
            raise CaseMissing(f"the store has lost this still or clip of case {number}", "media.lost") from error
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
