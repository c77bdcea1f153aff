"""From a decided case to the next: a redirect for a browser without scripts, a few words for the page's own script.

The script has fetched the next case before (`/cases/NUMBER/next`) and says in `X-Sightline-Swap` which one it holds, in
which version. It is told whether that one is still to be had; it puts it in place without asking for anything more.
What is still to be had has lain open before this person ever since: a page whose lease has run out is an old page.
"""

from fastapi import Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, RedirectResponse

from central.accounts.service import SignedInUser
from central.db.cases import Case
from central.db.database import Database
from central.tickets import leases, looks
from central.tickets import queue as cases
from central.tickets.errors import CaseMissing
from central.tickets.states import REVIEW1
from central.web.case_page import TAB_HEADER
from central.web.done import just_decided
from central.web.front import language_of, render
from central.web.page import ROOMS
from central.web.trail import trail_of

SWAP_HEADER = "X-Sightline-Swap"


def onward(request: Request, db: Database, user: SignedInUser, number: str, look: str) -> Response:
    """The answer to a decision about case `number`, made a moment ago in the state `look`: on to the next there.

    The decision is recorded by now. Whatever fails here says so, and not that nothing was decided.
    """
    try:
        return _led_on(request, db, user, number, look)
    except SQLAlchemyError:
        said = language_of(request)("decide.recorded", number=number)
        return render(request, "error.html", user, here="/", sentence=said, detail="", number=None, room="/cases")


def _led_on(request: Request, db: Database, user: SignedInUser, number: str, look: str) -> Response:
    held, trail, say = request.headers.get(SWAP_HEADER), trail_of(request), language_of(request)
    with db.read() as session:
        ahead = _still_there(session, held, user, look)
        following = ahead.number if ahead else cases.next_of(session, look, number, user.id, trail.among)
        done = just_decided(session, number, user, say)
    if ahead is not None:
        # On record with the answer that puts it in sight: a word of the page's own might never come.
        with db.write() as session:
            looks.shown(session, ahead.id, user.id)
            leases.take(session, ahead.id, user.id, request.headers.get(TAB_HEADER, ""))
    room = {} if look == REVIEW1 or following else {"show": ROOMS[look]}
    target = (f"/cases/{following}" if following else "/") + trail.with_(**room, decided=number)
    if held is None or done is None:
        return RedirectResponse(target, 303)
    told = {
        "number": number, "said": done.says, "undo_s": done.undo_s, "onward": target, "ahead": ahead is not None,
    }  # fmt: skip
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def _still_there(session: Session, held: str | None, user: SignedInUser, look: str) -> Case | None:
    """The case that the script holds, unless it was decided, changed or taken meanwhile, or its page is old."""
    number, _, version = (held or "").partition(":")
    try:
        row = cases.found(session, number, areas=user.areas)
    except CaseMissing:
        return None
    same = row.state == look and str(row.version) == version
    return row if same and leases.held(session, row.id, user.id) else None


__all__ = ["SWAP_HEADER", "onward"]
