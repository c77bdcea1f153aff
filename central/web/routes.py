"""The pages: sign in, what next, is it so. Thin: parse, call one service function, render."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import FileResponse, RedirectResponse

from central.accounts import service as accounts
from central.accounts.errors import SignInBusy, SignInRefused, TooManyAttempts
from central.accounts.service import SignedInUser
from central.alarms import service as alarm_service
from central.db.database import Database
from central.media.store import MediaStore
from central.refusals import refusals_of
from central.tickets import service as tickets
from central.tickets.errors import CaseMissing, TicketError
from central.tickets.review import REVIEW
from central.web import alarm_routes, alarms, forms, language, queue, statics
from central.web.front import PageRoute, language_of, render, user_asking
from central.web.keylist import case_keys, queue_keys
from central.web.page import Page
from contract.events import now

PAGE_SIZE = 50
YEAR_S = 365 * 24 * 3600
#: What a browser may show by itself; anything else is handed over as a file.
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4"})
_SIGN_IN_SAYS = {SignInRefused: "error.sign_in", TooManyAttempts: "error.429", SignInBusy: "error.sign_in_busy"}
_SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "video/mp4": ".mp4"}

Form = Annotated[dict[str, str], Depends(forms.read_form)]


def router(db: Database, media: MediaStore, *, secure: bool = False) -> APIRouter:
    """All pages and their static files. `secure` marks cookies for https only."""
    pages = APIRouter(route_class=PageRoute, include_in_schema=False)
    pages.include_router(statics.router())
    _add_sign_in(pages, db, secure)
    _add_queue(pages, db)
    _add_case(pages, db)
    _add_decisions(pages, db)
    _add_media(pages, db, media)
    alarm_routes.add(pages, db)
    return pages


def _add_sign_in(pages: APIRouter, db: Database, secure: bool) -> None:
    def page(request: Request, back: str, name: str = "", key: str | None = None, status: int = 200) -> Response:
        problem = language_of(request)(key) if key else None
        return render(request, "sign_in.html", None, status=status, next=forms.local(back), name=name, problem=problem)

    @pages.get("/sign-in")
    def sign_in_page(request: Request, next: str = "/") -> Response:
        return page(request, next)

    @pages.post("/sign-in")
    def sign_in(request: Request, form: Form) -> Response:
        back, name = form.get("next", "/"), form.get("name", "")[:64]
        address = request.client.host if request.client else "unknown"
        try:
            opened = accounts.sign_in(db, name, form.get("password", ""), address)
        except (SignInRefused, TooManyAttempts, SignInBusy) as error:
            refusals_of(request).tell(request, error.status, type(error).__name__, str(error))
            answer = page(request, back, name, _SIGN_IN_SAYS[type(error)], error.status)
            if error.status == 503:
                answer.headers["Retry-After"] = "5"
            return answer
        response = RedirectResponse(forms.local(back), 303)
        response.set_cookie(
            accounts.SESSION_COOKIE,
            opened.token,
            expires=opened.expires_at,
            httponly=True,
            samesite="lax",
            secure=secure,
        )
        return response

    @pages.post("/sign-out")
    def sign_out(request: Request, form: Form) -> Response:
        user = user_asking(request, db)
        accounts.check_csrf(user, form.get("csrf"))
        accounts.sign_out(db, request.cookies.get(accounts.SESSION_COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(accounts.SESSION_COOKIE)
        return response

    @pages.post("/language")
    def switch_language(form: Form) -> Response:
        response = RedirectResponse(forms.local(form.get("next", "/")), 303)
        if form.get("to") in language.LANGUAGES:
            response.set_cookie(language.COOKIE, form["to"], max_age=YEAR_S, samesite="lax", secure=secure)
        return response


def _add_queue(pages: APIRouter, db: Database) -> None:
    @pages.get("/")
    def what_next(
        request: Request, show: str = "review", after: str | None = None, decided: str | None = None
    ) -> Response:
        user, say = user_asking(request, db), language_of(request)
        if show in alarms.FILTERS:
            return alarm_routes.listed(request, db, user, show, after)
        shown = show if show in queue.FILTERS else "review"
        with db.read() as session:
            found = tickets.queue(session, state=queue.FILTERS[shown], limit=PAGE_SIZE, after=after)
            alarm_counts = alarm_service.counts(session)
        return render(
            request,
            "queue.html",
            user,
            section="queue",
            keys=queue_keys(say),
            filter_name=shown,
            filters=[*queue.filters(found.counts, found.state, say), *alarms.filters(alarm_counts, shown, say)],
            rows=queue.rows(found, now(), say),
            alarms=[],
            waiting=found.counts.get(REVIEW, 0),
            older=f"/?show={shown}&after={found.next}" if found.next else None,
            live=after is None,
            decided=_decided(db, decided, request),
        )


def _decided(db: Database, number: str | None, request: Request) -> dict[str, str] | None:
    """The case that was decided a moment ago, for the line at the top of the next page."""
    if number is None:
        return None
    try:
        with db.read() as session:
            view = tickets.case(session, number)
    except TicketError:
        return None
    return {"number": view.number, "state": language_of(request)(f"state.{view.state}")}


def _add_case(pages: APIRouter, db: Database) -> None:
    @pages.get("/cases/{number}")
    def is_it_so(request: Request, number: str, decided: str | None = None) -> Response:
        user, say = user_asking(request, db), language_of(request)
        with db.read() as session:
            view = tickets.case(session, number)
        # A page that refreshes itself while evidence arrives is one look, not one every five seconds.
        if not request.headers.get("hx-request"):
            with db.write() as session:
                accounts.log_view(session, user, view.number)
        page, done = Page(view, user, say), _decided(db, decided, request)
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
