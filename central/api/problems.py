"""Refusals as answers: a sentence under `detail`, a `code` that stays, the right status. Bad input is never a 500."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException

from central.accounts.errors import AccountError
from central.ca.requests import RequestRefused
from central.db.database import AWAY
from central.edges.enrolment import EnrolRefused
from central.edges.tokens import TokenRefused
from central.media.store import UploadError, WrongOffset
from central.refusals import refusals_of
from central.tickets.errors import TicketError
from central.web.front import refusal, wants_page


def add_handlers(app: FastAPI) -> None:
    """Let every refusal of the services become an answer."""
    for said in (TicketError, AccountError, EnrolRefused, RequestRefused, TokenRefused, UploadError):
        app.add_exception_handler(said, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DataError, _no_text)
    for away in AWAY:
        app.add_exception_handler(away, _database_away)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    status = int(getattr(error, "status", 400))
    refusals_of(request).tell(request, status, error, str(error))
    headers = {"Upload-Offset": str(error.have)} if isinstance(error, WrongOffset) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = "5"
    code = {"code": error.said.code} if isinstance(error, TicketError) else {}
    return JSONResponse({"detail": str(error)} | code, status, headers)


async def _unreadable(request: Request, error: Exception) -> JSONResponse:
    """The first complaint, without what was sent: it may be long, or a password."""
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": "cannot be read"}
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, str | int))[:120]
    said = f"{where}: {first['msg']}"[:300]
    refusals_of(request).tell(request, 422, error, said)
    return JSONResponse({"detail": said}, 422)


async def _http(request: Request, error: Exception) -> Response:
    if wants_page(request):
        return refusal(request, error)
    if not isinstance(error, HTTPException):
        return JSONResponse({"detail": "refused"}, 400)
    refusals_of(request).tell(request, error.status_code, error, str(error.detail))
    return JSONResponse({"detail": str(error.detail)}, error.status_code, error.headers)


async def _no_text(request: Request, error: Exception) -> JSONResponse:
    """What the database cannot keep: a NUL character, a number beyond its column."""
    refusals_of(request).tell(request, 422, error, "holds what no database keeps")
    return JSONResponse({"detail": "something in it cannot be kept - remove characters that are no text"}, 422)


async def _database_away(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "the database cannot be reached - try again shortly"}, 503, {"Retry-After": "5"})
