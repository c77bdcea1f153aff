"""The page of one case, and the one line that says who was given it."""

from fastapi import Request, Response

from central.accounts.service import SignedInUser
from central.db.database import Database
from central.learning import warning
from central.retention import certificates
from central.tickets import asking, earlier, leases, looks
from central.tickets import queue as cases
from central.tickets import service as tickets
from central.tickets.looks import Why
from central.tickets.views import CaseView
from central.web import law, plan
from central.web.done import just_decided
from central.web.front import language_of, render
from central.web.keylist import CASE
from central.web.objection import objection
from central.web.page import Page
from central.web.trail import trail_of

#: Names the browser's tab, so that leaving it frees what it had open and not what another tab has.
TAB_HEADER = "X-Sightline-Tab"


def case_page(
    request: Request, db: Database, user: SignedInUser, number: str, why: Why, decided: str | None = None
) -> Response:
    """The case as a page for `user`. Raises CaseMissing."""
    say, trail = language_of(request), trail_of(request)
    asking.ask_of(db, number)
    with db.read() as session:
        view = tickets.case(session, number, user, trail.among)
        done = just_decided(session, decided, user, say)
        row = cases.found(session, number)
        gone = certificates.of_case(session, row.id)
        objected = objection(session, row, user, say)
        warned = warning.of(session, row)
        before = earlier.of_plate(session, row, view.vehicle.plate)
        seen_from_above = plan.drawing(session, view, say)
        taken_by = leases.holders(session, [row.id], user.id).get(row.id)
        # A page that refreshes itself while evidence arrives is one look, not one every five seconds.
        refreshed = bool(request.headers.get("hx-request")) and looks.given_lately(
            session, row.id, user.id, row.state_at
        )
    page = Page(view, user, say, trail.query, taken_by)
    if not refreshed:
        with db.write() as session:
            looks.page(session, row.id, user.id, why, _stills(view))
            if page.can_decide:
                leases.take(session, row.id, user.id, request.headers.get(TAB_HEADER, ""))
    return render(
        request,
        "case.html",
        user,
        section="queue",
        keys=CASE.listed(say),
        page=page,
        decided=done,
        objection=objected,
        gone=gone,
        warned=warned,
        plan=seen_from_above,
        law=law.lines(view, say),
        earlier=law.earlier(before, say),
    )


def _stills(view: CaseView) -> list[str]:
    return [item.sha256 for item in view.media if item.kind == "image" and item.ready]


__all__ = ["TAB_HEADER", "case_page"]
