"""What next: the queue."""

from fastapi import APIRouter, Request, Response

from central.accounts.permissions import Permission
from central.alarms import service as alarm_service
from central.db.database import Database
from central.marks import needs
from central.tickets import queue as cases
from central.tickets import service as tickets
from central.tickets.horizon import horizons
from central.tickets.queue import sites_of
from central.tickets.states import CLOSED, REVIEW1
from central.web import alarm_routes, alarms, home, queue, stuck
from central.web.done import just_decided
from central.web.front import language_of, render, user_asking
from central.web.keylist import QUEUE
from central.web.trail import trail_of
from contract.events import now

PAGE_SIZE = 50


def add(pages: APIRouter, db: Database) -> None:
    """Add the queue to `pages`."""

    @pages.get("/", dependencies=[needs(Permission.OWN)])
    def what_next(
        request: Request, show: str = "review", after: str | None = None, decided: str | None = None
    ) -> Response:
        user, say = user_asking(request, db), language_of(request)
        if (elsewhere := home.elsewhere(user, show)) is not None:
            return elsewhere
        if show in alarms.FILTERS:
            return alarm_routes.listed(request, db, user, show, after)
        shown, trail = show if show in queue.FILTERS else "review", trail_of(request)
        state = queue.FILTERS[shown]
        with db.read() as session:
            found = tickets.queue(session, state=state, limit=PAGE_SIZE, after=after, among=trail.among, me=user.id)
            sites = [] if state in CLOSED else sites_of(session, state, user.areas)
            asking, areas = cases.questions(session, user.areas), cases.areas_of(session, user.areas)
            alarm_counts = alarm_service.counts(session, user.areas)
            done = just_decided(session, decided, user, say)
            ending = [one for one in horizons(session) if one.soon]
            still = stuck.lines(session, user, say)
        return render(
            request,
            "queue.html",
            user,
            section="queue",
            keys=QUEUE.listed(say),
            filter_name=shown,
            filters=[
                *queue.filters(found.counts, asking, found.state, say, trail),
                *alarms.filters(alarm_counts, shown, say),
            ],
            rows=queue.rows(found, now(), say, trail),
            narrowings=queue.narrowings(trail, sites, areas, say),
            narrowed=trail.parts,
            alarms=[],
            waiting=queue.count(found.counts, REVIEW1) if found.counts.get(REVIEW1) else None,
            older=f"/{trail.with_(show=shown, after=found.next)}" if found.next else None,
            live=after is None,
            decided=done,
            ending=[*still, *queue.ending(ending, say)],
        )


__all__ = ["add"]
