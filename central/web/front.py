"""What every page needs: who asks, in which language, the templates, and errors that are sentences."""

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from central.accounts import service as accounts
from central.accounts.errors import AccountError, BadAccount, CsrfRefused, DoFirst, NotSignedIn
from central.accounts.service import SignedInUser
from central.db.database import AWAY, Database
from central.marks import asking
from central.printing import CannotPrint
from central.refusals import refusals_of
from central.tickets.errors import Conflict, TicketError
from central.turns import Busy
from central.web import language
from central.web.forms import FormRefused, local
from central.web.language import Language
from central.web.refused import in_words

HERE = Path(__file__).parent
STATIC = HERE / "static"
_OURS = (TicketError, AccountError, FormRefused, StarletteHTTPException)
_REFUSALS = (*_OURS, RequestValidationError, DataError, *AWAY)


@cache
def templates() -> Environment:
    """The pages. Everything is escaped, and a name that is missing is an error, not a blank."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals["asset"] = asset
    pages.globals["in_words"] = in_words
    pages.globals["has_htmx"] = (STATIC / "vendor" / "htmx.min.js").is_file()
    return pages


@cache
def asset(name: str) -> str:
    """The address of a file under static/, with its hash, so that a browser may keep it for good."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def language_of(request: Request) -> Language:
    """The reader's language."""
    return language.choose(request.cookies.get(language.COOKIE), request.headers.get("accept-language"))


def here(request: Request) -> str:
    """Path and query of the page asked for."""
    query = request.url.query
    return local(f"{request.url.path}?{query}" if query else request.url.path)


def render(
    request: Request, template: str, user: SignedInUser | None, *, status: int = 200, **context: object
) -> HTMLResponse:
    """A page. It is never kept by a cache: it shows cases, and going back must ask again."""
    say = language_of(request)
    shown = {
        "say": say,
        "user": user,
        "here": here(request),
        "keys": None,
        "section": "",
        "decided": None,
        "status": status,
        **context,
    }
    page = templates().get_template(template).render(shown)
    return HTMLResponse(page, status, {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language, HX-Request"})


def user_asking(request: Request, _db: Database | None = None) -> SignedInUser:
    """Who is signed in here. Raises NotSignedIn."""
    return asking(request)


def acting(request: Request, db: Database, form: Mapping[str, str]) -> SignedInUser:
    """Who is signed in here and sent a form of their own session. Raises NotSignedIn or CsrfRefused."""
    user = user_asking(request, db)
    accounts.check_csrf(user, form.get("csrf"))
    return user


def refusal(request: Request, error: Exception) -> Response:
    """The page for something refused; for somebody not signed in, the way to sign in and back."""
    if isinstance(error, NotSignedIn):
        return _to_sign_in(request)
    if isinstance(error, DoFirst):
        return _led(request, error.way)
    status = _status(error)
    # The other errors repeat what was sent: a query's values, a statement's.
    said = str(error) if isinstance(error, _OURS) else "cannot be taken as it is"
    refusals_of(request).tell(request, status, error, said)
    say = language_of(request)
    key = error.key if isinstance(error, FormRefused | BadAccount) else f"error.{status}"
    values = error.values if isinstance(error, BadAccount) else {}
    key = "error.csrf" if isinstance(error, CsrfRefused) else key
    key = "error.busy" if isinstance(error, Busy) else key
    key = "error.printing" if isinstance(error, CannotPrint) else key
    if status == 503 and request.method == "POST" and isinstance(error, AWAY):
        # It may have failed on the way back: nobody knows, and nobody is told that they do.
        key = "error.503.sent"
    detail = in_words(error.said, say) if isinstance(error, TicketError) else ""
    number = request.path_params.get("number") if isinstance(error, Conflict) else None
    sentence = say(key, **values) if key in say.sentences else say("error.400")
    user = getattr(request.state, "user", None)
    room = "/alarms" if request.url.path.startswith("/alarms/") else "/cases"
    written = getattr(request.state, "written", "")
    told = {"sentence": sentence, "detail": detail, "number": number, "room": room, "written": written}
    page = render(request, "error.html", user, status=status, here="/", **told)
    if status in {429, 503}:
        page.headers["Retry-After"] = str(getattr(error, "retry_s", 5))
    return page


def wants_page(request: Request) -> bool:
    """Whether who asks is a browser looking for a page, and not a box or a program."""
    machine = request.url.path.startswith(("/api/", "/edge/"))
    return not machine and "text/html" in request.headers.get("accept", "")


def _status(error: Exception) -> int:
    if isinstance(error, StarletteHTTPException):
        return error.status_code
    if isinstance(error, AWAY):
        return 503
    return 422 if isinstance(error, RequestValidationError | DataError) else int(getattr(error, "status", 500))


def _to_sign_in(request: Request) -> Response:
    back = here(request) if request.method == "GET" else "/"
    address = "/sign-in" if back == "/" else f"/sign-in?next={quote(back, safe='')}"
    if "/media/" in request.url.path:
        return Response("sign in first", status_code=401, media_type="text/plain")
    return _led(request, address)


def _led(request: Request, address: str) -> Response:
    """To another page first; htmx follows a redirect by itself and would put that page into this one."""
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


class PageRoute(APIRoute):
    """A route whose refusals are pages in the reader's language, never JSON and never a trace."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with what services refuse turned into pages."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except _REFUSALS as error:
                return refusal(request, error)

        return handled
