"""Cases over the API: list, detail, decide, and the stills and clips."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from central.accounts import service as accounts
from central.accounts.permissions import Permission
from central.api.people import ActingUser, Db, User
from central.marks import needs
from central.tickets import service as tickets
from central.tickets.errors import CaseMissing
from central.tickets.review import REVIEW
from central.tickets.views import CaseView, QueuePage

#: What a browser may show by itself; anything else is handed over as a file.
_SHOWN = frozenset({"image/jpeg", "image/png", "video/mp4"})


class Approval(BaseModel):
    """`version` is the one that was looked at; `answers` go by fact."""

    version: int = Field(ge=1, lt=2**31)
    answers: dict[str, str] = Field(default={}, max_length=50)


class Rejection(BaseModel):
    """Reason code R01..R16; R16 (other) needs a note."""

    version: int = Field(ge=1, lt=2**31)
    code: str = Field(max_length=10)
    note: str = ""


router = APIRouter(prefix="/api/v1/cases", tags=["cases"], dependencies=[needs(Permission.CASES_SEE)])
_DECIDES = [needs(Permission.CASES_DECIDE)]


@router.get("")
def queue(
    _user: User,
    db: Db,
    state: str = REVIEW,
    limit: Annotated[int, Query(ge=1, le=tickets.MAX_PAGE)] = 50,
    after: str | None = None,
) -> QueuePage:
    """Cases in a state; `next` of the answer goes into `after`."""
    with db.read() as session:
        return tickets.queue(session, state=state, limit=limit, after=after)


@router.get("/{number}")
def case(number: str, user: User, db: Db) -> CaseView:
    """Everything that is known of one case. The look is noted."""
    with db.read() as session:
        view = tickets.case(session, number)
    with db.write() as session:
        accounts.log_view(session, user, view.number)
    return view


@router.post("/{number}/approve", dependencies=_DECIDES)
def approve(number: str, given: Approval, user: ActingUser, db: Db) -> CaseView:
    """An officer says it is so."""
    with db.write() as session:
        return tickets.approve(session, number, given.version, user, given.answers)


@router.post("/{number}/reject", dependencies=_DECIDES)
def reject(number: str, given: Rejection, user: ActingUser, db: Db) -> CaseView:
    """An officer says it is not so."""
    with db.write() as session:
        return tickets.reject(session, number, given.version, user, given.code, given.note)


@router.get("/{number}/media/{sha256}", response_class=FileResponse)
def media(number: str, sha256: str, user: User, db: Db, request: Request) -> FileResponse:
    """A still or clip that the case names, with ranges. The look is noted."""
    with db.read() as session:
        item = tickets.media_of(session, number, sha256)
    try:
        path = request.app.state.media.path(item.sha256)
    except FileNotFoundError as error:
        raise CaseMissing(f"the store has lost this still or clip of case {number}") from error
    with db.write() as session:
        accounts.log_view(session, user, number, item.sha256)
    shown = item.media_type in _SHOWN
    return FileResponse(
        path,
        media_type=item.media_type if shown else "application/octet-stream",
        filename=None if shown else item.sha256,
        headers={"Cache-Control": "private, max-age=86400, immutable", "Content-Security-Policy": "sandbox"},
    )
