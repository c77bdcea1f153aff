"""Cases over the API: list, detail, decide, and the stills and clips."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from central.accounts import service as accounts
from central.accounts.permissions import Permission
from central.api.people import ActingUser, Db, User
from central.marks import needs
from central.tickets import asking, corrections, decisions
from central.tickets import service as tickets
from central.tickets.errors import CaseMissing
from central.tickets.queue import Among
from central.tickets.states import REVIEW1
from central.tickets.views import CaseView, QueuePage

#: What a browser may show by itself; anything else is handed over as a file.
_SHOWN = frozenset({"image/jpeg", "image/png", "video/mp4"})


class Approval(BaseModel):
    """`version` is the one looked at, `answers` go by fact; a `note` is asked for where the register differs."""

    version: int = Field(ge=1, lt=2**31)
    answers: dict[str, str] = Field(default={}, max_length=50)
    note: str = ""


class Rejection(BaseModel):
    """Reason code R01..R16; R16 (other) needs a note."""

    version: int = Field(ge=1, lt=2**31)
    code: str = Field(max_length=10)
    note: str = ""


class Noted(BaseModel):
    """A step that says why."""

    version: int = Field(ge=1, lt=2**31)
    note: str


class Correction(BaseModel):
    """What a person reads otherwise than the machine."""

    version: int = Field(ge=1, lt=2**31)
    field: Literal["plate", "type", "color"]
    said: str = Field(max_length=100)


router = APIRouter(prefix="/api/v1/cases", tags=["cases"], dependencies=[needs(Permission.CASES_SEE)])
_DECIDES = [needs(Permission.CASES_DECIDE)]


@router.get("")
def queue(
    user: User,
    db: Db,
    state: str = REVIEW1,
    limit: Annotated[int, Query(ge=1, le=tickets.MAX_PAGE)] = 50,
    after: str | None = None,
) -> QueuePage:
    """Cases in a state; `next` of the answer goes into `after`."""
    with db.read() as session:
        return tickets.queue(session, state=state, limit=limit, after=after, among=Among(areas=user.areas))


@router.get("/{number}")
def case(number: str, user: User, db: Db) -> CaseView:
    """Everything that is known of one case. The look is noted."""
    asking.ask_of(db, number)
    with db.read() as session:
        view = tickets.case(session, number, user)
    with db.write() as session:
        accounts.log_view(session, user, view.number)
    return view


@router.post("/{number}/approve", dependencies=_DECIDES)
def approve(number: str, given: Approval, user: ActingUser, db: Db) -> CaseView:
    """It is so: the first look passes the case on to another person, the second approves it."""
    with db.write() as session:
        decisions.approve(session, number, given.version, user, given.answers, given.note)
        return tickets.case(session, number, user)


@router.post("/{number}/reject", dependencies=_DECIDES)
def reject(number: str, given: Rejection, user: ActingUser, db: Db) -> CaseView:
    """It is not so."""
    with db.write() as session:
        decisions.reject(session, number, given.version, user, given.code, given.note)
        return tickets.case(session, number, user)


@router.post("/{number}/send-back", dependencies=_DECIDES)
def send_back(number: str, given: Noted, user: ActingUser, db: Db) -> CaseView:
    """The second look wants the first one taken anew."""
    with db.write() as session:
        decisions.send_back(session, number, given.version, user, given.note)
        return tickets.case(session, number, user)


@router.post("/{number}/ask", dependencies=_DECIDES)
def ask(number: str, given: Noted, user: ActingUser, db: Db) -> CaseView:
    """Something is missing that somebody must bring or explain first."""
    with db.write() as session:
        decisions.ask(session, number, given.version, user, given.note)
        return tickets.case(session, number, user)


@router.post("/{number}/resume", dependencies=_DECIDES)
def resume(number: str, given: Noted, user: ActingUser, db: Db) -> CaseView:
    """What was missing is there, or what held the case is explained."""
    with db.write() as session:
        decisions.resume(session, number, given.version, user, given.note)
        return tickets.case(session, number, user)


@router.post("/{number}/undo", dependencies=_DECIDES)
def undo(number: str, user: ActingUser, db: Db) -> CaseView:
    """Take back one's own decision of the last ten seconds."""
    with db.write() as session:
        decisions.undo(session, number, user)
        return tickets.case(session, number, user)


@router.post("/{number}/correct", dependencies=_DECIDES)
def correct(number: str, given: Correction, user: ActingUser, db: Db) -> CaseView:
    """Plate, type or colour as a person reads it. In the second look the case goes back to the first with it."""
    with db.write() as session:
        corrections.correct(session, number, given.version, user, given.field, given.said)
        return tickets.case(session, number, user)


@router.get("/{number}/media/{sha256}", response_class=FileResponse)
def media(number: str, sha256: str, user: User, db: Db, request: Request) -> FileResponse:
    """A still or clip that the case names, with ranges. The look is noted."""
    with db.read() as session:
        item = tickets.media_of(session, number, sha256)
    try:
        path = request.app.state.media.path(item.sha256)
    except FileNotFoundError as error:
        raise CaseMissing(f"the store has lost this still or clip of case {number}", "media.lost") from error
    with db.write() as session:
        accounts.log_view(session, user, number, item.sha256)
    shown = item.media_type in _SHOWN
    return FileResponse(
        path,
        media_type=item.media_type if shown else "application/octet-stream",
        filename=None if shown else item.sha256,
        headers={"Cache-Control": "private, max-age=86400, immutable", "Content-Security-Policy": "sandbox"},
    )
