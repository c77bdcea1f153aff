"""What next: the queue."""

from fastapi import APIRouter, Request, Response

from central.alarms import service as alarm_service
from central.db.database import Database
from central.tickets import service as tickets
from central.tickets.errors import TicketError
from central.tickets.review import REVIEW
from central.web import alarm_routes, alarms, queue
from central.web.front import language_of, render, user_asking
from central.web.keylist import queue_keys
from contract.events import now

PAGE_SIZE = 50


def add(pages: APIRouter, db: Database) -> None:
    """Add the queue to `pages`."""

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
            decided=just_decided(db, decided, request),
        )


def just_decided(db: Database, number: str | None, request: Request) -> dict[str, str] | None:
    """The case that was decided a moment ago, for the line at the top of the next page."""
    if number is None:
        return None
    try:
        with db.read() as session:
            view = tickets.case(session, number)
    except TicketError:
        return None
    return {"number": view.number, "state": language_of(request)(f"state.{view.state}")}


__all__ = ["add", "just_decided"]
