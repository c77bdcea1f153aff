"""The pages of alarms: their list in the queue, one alarm, take, close. Thin, like those of cases."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from central.accounts import service as accounts
from central.accounts.permissions import Permission
from central.accounts.service import SignedInUser
from central.alarms import service
from central.db.database import Database
from central.marks import needs
from central.tickets import queue as queue_of_cases
from central.tickets import service as tickets
from central.tickets.states import REVIEW1
from central.web import alarms, forms, queue
from central.web.front import language_of, render, user_asking
from central.web.keylist import QUEUE
from contract.events import now

PAGE_SIZE = 50

Form = Annotated[dict[str, str], Depends(forms.read_form)]


def listed(request: Request, db: Database, user: SignedInUser, shown: str, after: str | None) -> Response:
    """The queue page with alarms in it; `shown` is one of `alarms.FILTERS`."""
    say, sees_cases = language_of(request), user.may(Permission.CASES_SEE)
    with db.read() as session:
        found = service.alarms(session, pending=alarms.FILTERS[shown], limit=PAGE_SIZE, after=after, areas=user.areas)
        asking = queue_of_cases.questions(session, user.areas) if sees_cases else 0
        cases = tickets.counts(session, user.areas)
    return render(
        request,
        "queue.html",
        user,
        section="queue",
        keys=QUEUE.listed(say),
        filter_name=shown,
        filters=[
            *(queue.filters(cases, asking, None, say) if sees_cases else []),
            *alarms.filters(found.counts, shown, say),
        ],
        rows=[],
        alarms=alarms.rows(found.items, now(), say),
        waiting=queue.count(cases, REVIEW1) if sees_cases and cases.get(REVIEW1) else None,
        narrowings=[],
        ending=[],
        narrowed={},
        older=f"/?show={shown}&after={found.next}" if found.next else None,
        live=after is None,
    )


def add(pages: APIRouter, db: Database) -> None:
    """Add the pages of one alarm."""
    acts = [needs(Permission.ALARMS_ACT)]

    @pages.get("/alarms/{number}", dependencies=[needs(Permission.ALARMS_SEE)])
    def what_is_it(request: Request, number: str) -> Response:
        user, say = user_asking(request, db), language_of(request)
        with db.read() as session:
            view = service.alarm(session, number)
        with db.write() as session:
            accounts.log_alarm_view(session, user, view.number)
        return render(request, "alarm.html", user, section="queue", page=alarms.AlarmPage(view, user, say))

    @pages.post("/alarms/{number}/take", dependencies=acts)
    def take(request: Request, number: str, form: Form) -> Response:
        user = _acting(request, db, form)
        with db.write() as session:
            service.take(session, number, forms.version_of(form), user)
        return RedirectResponse(f"/alarms/{number}", 303)

    @pages.post("/alarms/{number}/close", dependencies=acts)
    def close(request: Request, number: str, form: Form) -> Response:
        user = _acting(request, db, form)
        finding, note = form.get("finding", ""), form.get("note", "")
        with db.write() as session:
            service.close(session, number, forms.version_of(form), user, finding, note)
        return RedirectResponse(f"/alarms/{number}", 303)


def _acting(request: Request, db: Database, form: dict[str, str]) -> SignedInUser:
    user = user_asking(request, db)
    accounts.check_csrf(user, form.get("csrf"))
    return user


__all__ = ["add", "listed"]
