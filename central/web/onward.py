"""From a decided case to the next: a redirect for a browser without scripts, a few words for the page's own script.

The script has fetched the next case before (`/cases/NUMBER/next`) and says in `X-Sightline-Swap` which one it holds, in
which version. It is told whether that one is still to be had; it puts it in place without asking for anything more.
"""

from fastapi import Request, Response
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, RedirectResponse

from central.accounts.service import SignedInUser
from central.db.database import Database
from central.tickets import leases
from central.tickets import queue as cases
from central.tickets.errors import CaseMissing
from central.web.front import language_of
from central.web.trail import trail_of

SWAP_HEADER = "X-Sightline-Swap"


def onward(request: Request, db: Database, user: SignedInUser, number: str, look: str) -> Response:
    """The answer to a decision about case `number`, made a moment ago in the state `look`: on to the next there."""
    held, trail = request.headers.get(SWAP_HEADER), trail_of(request)
    with db.read() as session:
        ahead = _still_there(session, held, user, look)
        following = ahead or cases.next_of(session, look, number, user.id, trail.among)
        state = cases.state_of(session, number)
    target = f"/cases/{following}" if following else "/"
    target += trail.with_(decided=number)
    if held is None:
        return RedirectResponse(target, 303)
    say = language_of(request)
    said = say("queue.decided", number=number, state=say.known(f"state.{state}", state or ""))
    told = {"number": number, "said": said, "onward": target, "ahead": ahead is not None}
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def _still_there(session: Session, held: str | None, user: SignedInUser, look: str) -> str | None:
    """The number of the case that the script holds, unless it was decided, changed or taken meanwhile."""
    number, _, version = (held or "").partition(":")
    try:
        row = cases.found(session, number, areas=user.areas)
    except CaseMissing:
        return None
    same = row.state == look and str(row.version) == version
    return number if same and not leases.holders(session, [row.id], user.id) else None


__all__ = ["SWAP_HEADER", "onward"]
