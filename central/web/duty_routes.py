"""The pages of whoever is on duty: what is theirs now, and the roster. Thin, like those of stations."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import JSONResponse, RedirectResponse

from central.accounts import people as accounts
from central.accounts.permissions import Permission, may
from central.accounts.sessions import SignedInUser
from central.clock import office_now
from central.db.database import Database
from central.duty import people, planning, views
from central.duty.webhook import Hooks
from central.marks import needs
from central.polling import stations
from central.sites import areas as sites
from central.tickets.errors import Unfit
from central.web import duty, forms, words
from central.web.front import acting, language_of, render, user_asking
from central.web.refused import in_words

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_SEES, _ACTS, _KEEPS = (
    [needs(one)] for one in (Permission.STATIONS_SEE, Permission.DUTY_ACT, Permission.DUTY_KEEP)
)  # fmt: skip


def add(pages: APIRouter, db: Database, hooks: Hooks) -> None:
    """Add the pages under /duty to `pages`. Who has areas sees the alarms of stations in them and no others."""
    _add_alarms(pages, db)
    _add_roster(pages, db, hooks)


def _add_alarms(pages: APIRouter, db: Database) -> None:
    @pages.get("/duty", dependencies=_SEES)
    def what_is_mine(request: Request) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            found = views.alarms(session, user, now)
            counts = views.counts(session, user, now)
        cards = [duty.card(one, now, say) for one in found]
        return render(request, "duty.html", user, section="stations", cards=cards, counts=counts)

    @pages.get("/duty/state", dependencies=_SEES)
    def how_many(request: Request) -> Response:
        user, now = user_asking(request), office_now()
        with db.read() as session:
            found = views.counts(session, user, now)
        told = {"alarms": found.alarms, "warnings": found.warnings, "mine": found.mine, "awake": found.awake}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    @pages.post("/duty/alarms/{alarm}/acknowledge", dependencies=_ACTS)
    def i_answer_for_it(request: Request, alarm: str, form: Form) -> Response:
        """Raises CaseMissing for an alarm that is not there, or not in their areas."""
        user = acting(request, db, form)
        with db.write() as session:
            views.acknowledge(session, user, forms.number_in(alarm), office_now())
        return RedirectResponse("/duty", 303)


def _add_roster(pages: APIRouter, db: Database, hooks: Hooks) -> None:
    def page(request: Request, problem: str | None = None, given: dict[str, str] | None = None) -> Response:
        user, say, now = user_asking(request), language_of(request), office_now()
        with db.read() as session:
            known = stations.known(session, user.areas)
            zone = duty.zone_of(known)
            areas = people.areas_of_sites(session, {one.site for one in known})
            shifts = people.shifts(session, now, now + people.AHEAD)
            phones = {one.site: one.phone for one in people.phones_of(session, {one.site for one in known})}
            may_go = [
                one.name
                for one in accounts.listed(session)
                if not one.disabled_at and may(one.roles, Permission.STATIONS_SEE)
            ]
            named = {code: names for code, names in sites.known(session).items() if code in set(areas.values())}
        empty = planning.all_holes(known, areas, shifts, now)
        return render(
            request, "roster.html", user, status=422 if problem else 200, section="stations",
            holes=[duty.hole(one, say) for one in empty if not one.first],
            thin=[duty.hole(one, say) for one in empty if one.first],
            lines=[duty.line(one, secret(user, one.webhook), zone, now, say) for one in shifts],
            people=may_go, areas=sorted(named), levels=people.LEVELS,
            zone=words.offset(now.astimezone(zone)), problem=problem, given=given or {},
            phones=duty.phone_lines(known, phones), stations=len(known),
        )  # fmt: skip

    def secret(user: SignedInUser, webhook: str | None) -> str | None:
        shown = webhook and hooks.key_file and user.may(Permission.DUTY_KEEP)
        return hooks.secret_of(webhook) if webhook and shown else None

    @pages.get("/duty/roster", dependencies=_SEES)
    def who_is_on_duty(request: Request) -> Response:
        return page(request)

    @pages.post("/duty/roster", dependencies=_KEEPS)
    def goes_on_duty(request: Request, form: Form) -> Response:
        user, now = acting(request, db, form), office_now()
        try:
            with db.write() as session:
                zone = duty.zone_of(stations.known(session, user.areas))
                begin, until = (duty.local(form.get(name, ""), zone) for name in ("begin", "until"))
                areas = [name.removeprefix("area-") for name in form if name.startswith("area-")]
                people.add(
                    session, form.get("person", ""), forms.number_in(form.get("level", "")), areas, begin, until,
                    phone=form.get("phone", ""), webhook=_hook(hooks, form), by=user.name, now=now,
                )  # fmt: skip
        except ValueError:
            return page(request, language_of(request)("duty.no_time"), form)
        except Unfit as error:
            return page(request, in_words(error.said, language_of(request)), form)
        return RedirectResponse("/duty/roster", 303)

    @pages.post("/duty/roster/{shift}/end", dependencies=_KEEPS)
    def goes_off_duty(request: Request, shift: str, form: Form) -> Response:
        user = acting(request, db, form)
        with db.write() as session:
            people.remove(session, forms.number_in(shift), user.name, office_now())
        return RedirectResponse("/duty/roster", 303)

    @pages.post("/duty/phones", dependencies=_KEEPS)
    def where_stations_are_called(request: Request, form: Form) -> Response:
        user = acting(request, db, form)
        try:
            with db.write() as session:
                known = {one.site for one in stations.known(session, user.areas)}
                told = duty.phones_in(form.get("phones", ""))
                people.call_at(session, {site: told[site] for site in told if site in known}, user.name, office_now())
        except Unfit as error:
            return page(request, in_words(error.said, language_of(request)), form)
        return RedirectResponse("/duty/roster", 303)


def _hook(hooks: Hooks, form: dict[str, str]) -> str | None:
    """The webhook that a form gives; its key is made with the first. Raises Unfit."""
    url = form.get("webhook", "").strip()
    if url:
        hooks.fit(url)
        if hooks.key_file is not None:
            hooks.secret_of(url)
    return url or None


def _who_may(everybody: Iterable[accounts.Person]) -> list[str]:
    return [one.name for one in everybody if not one.disabled_at and may(one.roles, Permission.STATIONS_SEE)]


__all__ = ["add"]
