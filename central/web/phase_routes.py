"""What people say on a station's page: which phase has begun, and that a trouble is in their hands. Thin."""

import asyncio
from datetime import datetime, tzinfo
from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from central.accounts.permissions import Permission
from central.accounts.sessions import SESSION_COOKIE, digest
from central.clock import office_now
from central.db.database import Database
from central.db.polling import Station
from central.db.sites import Site
from central.live import embargo
from central.live.hub import Hub
from central.live.still import Looker, still_of
from central.marks import needs
from central.polling import phasing, stills, taking
from central.polling.phases import Phase
from central.polling.phasing import Wanted
from central.tickets.errors import CaseMissing, NotAllowed, Unfit
from central.web import duty, forms
from central.web.front import acting, language_of, user_asking
from central.web.refused import in_words
from central.web.station_page import station_page
from contract.livestream import LiveMessage

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_log = structlog.get_logger("phases")
_MARKS, _ACTS, _LOOKS = (
    [needs(one)] for one in (Permission.STATIONS_MARK, Permission.DUTY_ACT, Permission.LIVE_WATCH)
)  # fmt: skip


def add(pages: APIRouter, db: Database, hub: Hub) -> None:
    """Add the routes to `pages`; stills come by `hub`."""

    @pages.post("/stations/{site}/phases", dependencies=_MARKS)
    def it_has_begun(request: Request, site: str, form: Form) -> Response:
        """Raises CaseMissing for a station or a marker that is not there, or not theirs."""
        user = acting(request, db, form)
        try:
            with db.write() as session:
                station = session.get(Station, site)
                zone = duty.zone_of([station] if station is not None else [])
                row = phasing.mark(session, user, site, _wanted(form, zone), office_now())
                fresh = row.made_at - row.at <= stills.FRESH and row.corrects is None
                cameras = stills.places(session, site) if fresh else []
        except Unfit as error:
            return station_page(request, db, site, in_words(error.said, language_of(request)), form)
        who = Looker(user, digest(request.cookies.get(SESSION_COOKIE, "")))
        # Nobody waits for boxes: a still that comes stands there the next time.
        takes = BackgroundTask(_stills, hub, db, who, row.id, cameras)
        return RedirectResponse(f"/stations/{quote(site, safe='')}#phases", 303, background=takes)

    @pages.get("/stations/{site}/stills/{still}", dependencies=_LOOKS)
    def as_it_was(request: Request, site: str, still: str) -> Response:
        """Raises CaseMissing for a still that is not there, or not of theirs; NotAllowed while an embargo runs."""
        user, now = user_asking(request), office_now()
        with db.write() as session:
            image = stills.seen(session, user, site, forms.number_in(still), now)
            row = session.get(Site, site)
            area = row.area if row is not None else None
            why = embargo.may_watch(now, user.name, site, area, embargo.windows(session, now))
            if why is not None:
                raise NotAllowed(f"nobody may watch there now: {why}", "phase.embargo", why=why)
        return Response(image, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @pages.post("/troubles/{trouble}", dependencies=_ACTS)
    def in_my_hands(request: Request, trouble: str, form: Form) -> Response:
        """Raises CaseMissing for a trouble that is not there, or not in their areas; Unfit."""
        user = acting(request, db, form)
        with db.write() as session:
            said = form.get("action", ""), form.get("note", "")
            row = taking.say(session, user, forms.number_in(trouble), *said, office_now())
        station = f"/stations/{quote(row.site, safe='')}#troubles"
        return RedirectResponse("/duty" if form.get("back") == "duty" else station, 303)


async def _stills(hub: Hub, db: Database, who: Looker, marker: int, cameras: list[tuple[str, str]]) -> None:
    """One of each camera, as far as they come."""

    def keep(place: tuple[str, str], still: LiveMessage) -> None:
        with db.write() as session:
            stills.keep(session, who.user, marker, place, still)

    async def take(place: tuple[str, str]) -> None:
        still = await still_of(hub, db, who, *place)
        if still is not None:
            await run_in_threadpool(keep, place, still)

    try:
        await asyncio.gather(*(take(one) for one in cameras))
    except (SQLAlchemyError, CaseMissing) as error:
        _log.warning("a phase has no still", marker=marker, fault=type(error).__name__)


def _wanted(form: dict[str, str], zone: tzinfo) -> Wanted:
    """What the form says. Raises Unfit."""
    at: datetime | None = None
    corrects = form.get("corrects", "")
    try:
        if form.get("at", ""):
            at = duty.local(form["at"], zone)
        phase = Phase(form["phase"]) if form.get("phase") else None
    except ValueError as error:
        raise Unfit("say which phase it is, and when it began", "phase.which") from error
    number = forms.number_in(corrects) if corrects else None
    return Wanted(phase, at, form.get("note", ""), form.get("reason", ""), number)


__all__ = ["add"]
