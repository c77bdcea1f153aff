"""The page of embargoes: which run and come, and for a chief to set and lift them. Thin."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from central.accounts.permissions import Permission
from central.clock import office_now
from central.db.database import Database
from central.db.live import Embargo
from central.duty import people
from central.live import embargoes
from central.marks import needs
from central.polling import stations
from central.tickets.errors import Unfit
from central.web import duty, forms, words
from central.web.front import acting, language_of, render, user_asking
from central.web.language import Language
from central.web.refused import in_words

Form = Annotated[dict[str, str], Depends(forms.read_form)]
#: Running ones first, then those to come.
_ORDER = ("stop", "info", "plain")
_SEES, _KEEPS = [needs(Permission.STATIONS_SEE)], [needs(Permission.EMBARGO_KEEP)]


@dataclass(frozen=True, slots=True)
class Line:
    """One embargo in words; `open` while it can be lifted."""

    id: int
    where: str
    begin: str
    until: str
    reason: str
    but: str
    made_by: str
    state: str
    badge: str
    open: bool


def add(pages: APIRouter, db: Database) -> None:
    """Add /embargoes to `pages`."""

    def page(request: Request, problem: str | None = None, given: dict[str, str] | None = None) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            known = stations.known(session, user.areas)
            zone = duty.zone_of(known)
            names = {one.site: f"{one.name} ({one.station})" for one in known}
            lines = [_line(one, names, zone, now, say) for one in embargoes.listed(session, user)]
            lines.sort(key=lambda one: _ORDER.index(one.badge))
            areas = sorted(set(people.areas_of_sites(session, {one.site for one in known}).values()))
        return render(
            request, "embargoes.html", user, status=422 if problem else 200, section="stations", lines=lines,
            names=names, areas=areas, zone=words.offset(now.astimezone(zone)), problem=problem, given=given or {},
        )  # fmt: skip

    @pages.get("/embargoes", dependencies=_SEES)
    def when_nobody_watches(request: Request) -> Response:
        return page(request)

    @pages.post("/embargoes", dependencies=_KEEPS)
    def nobody_is_to_watch(request: Request, form: Form) -> Response:
        user = acting(request, db, form)
        try:
            with db.write() as session:
                zone = duty.zone_of(stations.known(session, user.areas))
                begins_at, ends_at = (duty.local(form.get(name, ""), zone) for name in ("begin", "until"))
                said = embargoes.Wanted(
                    form.get("where", ""), begins_at, ends_at, form.get("reason", ""), form.get("but", "").split()
                )
                embargoes.begin(session, user, said)
        except ValueError:
            return page(request, language_of(request)("embargo.no_time"), form)
        except Unfit as error:
            return page(request, in_words(error.said, language_of(request)), form)
        return RedirectResponse("/embargoes", 303)

    @pages.post("/embargoes/{embargo}/lift", dependencies=_KEEPS)
    def they_may_watch(request: Request, embargo: str, form: Form) -> Response:
        """Raises CaseMissing for one that is not there, or not theirs."""
        user = acting(request, db, form)
        with db.write() as session:
            embargoes.lift(session, user, forms.number_in(embargo))
        return RedirectResponse("/embargoes", 303)


def _line(one: Embargo, names: dict[str, str], zone: tzinfo, now: datetime, say: Language) -> Line:
    where = say("embargo.everywhere")
    if one.site is not None:
        where = names.get(one.site, one.site)
    elif one.area is not None:
        where = say("embargo.area", area=one.area)
    state, badge = _state(one, now)
    at = duty.short(one.lifted_at, zone) if one.lifted_at is not None else ""
    said = say(f"embargo.state.{state}", who=one.lifted_by or "", at=at)
    return Line(
        one.id, where, duty.short(one.begins_at, zone), duty.short(one.ends_at, zone), one.reason,
        say("list.and").join(one.but), one.made_by, said, badge, state in ("runs", "comes"),
    )  # fmt: skip


def _state(one: Embargo, now: datetime) -> tuple[str, str]:
    if one.lifted_at is not None:
        return "lifted", "plain"
    if now >= one.ends_at:
        return "over", "plain"
    return ("runs", "stop") if now >= one.begins_at else ("comes", "info")


__all__ = ["add"]
