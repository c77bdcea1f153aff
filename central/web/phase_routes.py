"""What people say on a station's page: which phase has begun, and that a trouble is in their hands. Thin."""

from datetime import datetime, tzinfo
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from central.accounts.permissions import Permission
from central.clock import office_now
from central.db.database import Database
from central.db.polling import Station
from central.marks import needs
from central.polling import phasing, taking
from central.polling.phases import Phase
from central.polling.phasing import Wanted
from central.tickets.errors import Unfit
from central.web import duty, forms
from central.web.front import acting, language_of
from central.web.refused import in_words
from central.web.station_page import station_page

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_MARKS, _ACTS = [needs(Permission.STATIONS_MARK)], [needs(Permission.DUTY_ACT)]


def add(pages: APIRouter, db: Database) -> None:
    """Add the routes to `pages`."""

    @pages.post("/stations/{site}/phases", dependencies=_MARKS)
    def it_has_begun(request: Request, site: str, form: Form) -> Response:
        """Raises CaseMissing for a station or a marker that is not there, or not theirs."""
        user = acting(request, db, form)
        try:
            with db.write() as session:
                station = session.get(Station, site)
                zone = duty.zone_of([station] if station is not None else [])
                phasing.mark(session, user, site, _wanted(form, zone), office_now())
        except Unfit as error:
            return station_page(request, db, site, in_words(error.said, language_of(request)), form)
        return RedirectResponse(f"/stations/{quote(site, safe='')}#phases", 303)

    @pages.post("/troubles/{trouble}", dependencies=_ACTS)
    def in_my_hands(request: Request, trouble: str, form: Form) -> Response:
        """Raises CaseMissing for a trouble that is not there, or not in their areas; Unfit."""
        user = acting(request, db, form)
        with db.write() as session:
            said = form.get("action", ""), form.get("note", "")
            row = taking.say(session, user, forms.number_in(trouble), *said, office_now())
        station = f"/stations/{quote(row.site, safe='')}#troubles"
        return RedirectResponse("/duty" if form.get("back") == "duty" else station, 303)


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
