"""Accounts of others: who has which, and what an admin does to them."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from central.accounts import log, people, sessions
from central.accounts.errors import BadAccount
from central.accounts.permissions import Permission
from central.accounts.roles import Role
from central.accounts.sessions import SignedInUser
from central.approvals import halves, requests, settings
from central.approvals.kinds import Kind
from central.db.database import Database
from central.marks import needs, rules_of
from central.sites import areas as sites
from central.web import forms, people_words, stuck
from central.web.front import language_of, render, user_asking
from central.web.sign_in_routes import to

Form = Annotated[dict[str, str], Depends(forms.read_form)]
#: What an admin does to somebody; true when another admin was asked for it instead.
_Step = Callable[[Session, SignedInUser], bool | None]
_SEES, _KEEPS = [needs(Permission.PEOPLE_SEE)], [needs(Permission.PEOPLE_KEEP)]


def add(pages: APIRouter, db: Database) -> None:
    """Add the pages under /people to `pages`."""
    _add_list(pages, db)
    _add_person(pages, db)


def _add_list(pages: APIRouter, db: Database) -> None:
    def page(request: Request, problem: str | None = None, name: str = "", status: int = 200) -> Response:
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            rows = [(one, people_words.roles(one.roles, say)) for one in people.listed(session)]
            still = stuck.lines(session, user, say)
        choices = people_words.choices((), say)
        return render(
            request, "people.html", user, status=status, section="people", rows=rows, choices=choices, problem=problem,
            name=name, stuck=still,
        )  # fmt: skip

    @pages.get("/people", dependencies=_SEES)
    def everybody(request: Request) -> Response:
        return page(request)

    @pages.post("/people", dependencies=_KEEPS)
    def invite(request: Request, form: Form) -> Response:
        user, name = _acting(request, form), form.get("name", "").strip()[:64]
        try:
            with db.write() as session:
                password, half = _invite(session, user, name, form)
        except BadAccount as error:
            return page(request, language_of(request)(error.key, **error.values), name, 422)
        return _once(request, user, name, password, half)


def _add_person(pages: APIRouter, db: Database) -> None:
    def page(request: Request, name: str, problem: str | None = None, status: int = 200) -> Response:
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            row = people.named(session, name)
            return render(
                request, "person.html", user, status=status, section="people", problem=problem,
                person=people.shown(session, row), counts=settings.counts(sessions.roles_of(session, row.id)),
                choices=people_words.choices(sessions.roles_of(session, row.id), say),
                areas=people_words.areas(sites.known(session), sessions.areas_of(session, row.id)),
                open=sessions.open_of(session, row.id, rules_of(request)),
                lines=people_words.lines(log.latest(session, row.id), say),
            )  # fmt: skip

    @pages.get("/people/{name}", dependencies=_SEES)
    def one(request: Request, name: str) -> Response:
        return page(request, name)

    def tried(request: Request, name: str, form: dict[str, str], step: _Step) -> Response:
        user = _acting_on_another(request, name, form)
        try:
            with db.write() as session:
                asked = step(session, user)
        except BadAccount as error:
            return page(request, name, language_of(request)(error.key, **error.values), 422)
        return to("/approvals" if asked else f"/people/{name}")

    @pages.post("/people/{name}/roles", dependencies=_KEEPS)
    def give(request: Request, name: str, form: Form) -> Response:
        return tried(request, name, form, lambda session, user: _set_roles(session, user, name, form))

    @pages.post("/people/{name}/areas", dependencies=_KEEPS)
    def among(request: Request, name: str, form: Form) -> Response:
        return tried(request, name, form, lambda session, user: _ask_areas(session, user, name, form))

    @pages.post("/people/{name}/reset", dependencies=_KEEPS)
    def reset(request: Request, name: str, form: Form) -> Response:
        user = _acting_on_another(request, name, form)
        try:
            with db.write() as session:
                password, half = _reset(session, user, name, form)
        except BadAccount as error:
            return page(request, name, language_of(request)(error.key, **error.values), 422)
        return _once(request, user, name, password, half)

    @pages.post("/people/{name}/{act}", dependencies=_KEEPS)
    def act(request: Request, name: str, act: people.Act, form: Form) -> Response:
        return tried(request, name, form, lambda session, user: _act(session, user, name, act, form))


def _reset(session: Session, user: SignedInUser, name: str, form: dict[str, str]) -> tuple[str, str]:
    """A one-time password and "", or its "first" half where another admin is asked."""
    wanted = settings.held_now(session, name)
    if settings.counts(wanted["before"]):
        return _ask_halved(session, user, Kind.RESET, wanted, form), "first"
    return people.reset(session, name, user.name), ""


def _invite(session: Session, user: SignedInUser, name: str, form: dict[str, str]) -> tuple[str, str]:
    """As `_reset`, for an account that is made."""
    if settings.counts(_roles(form)):
        wanted = settings.account_wanted(session, name, _roles(form))
        return _ask_halved(session, user, Kind.ACCOUNT, wanted, form), "first"
    return people.invite(session, name, _roles(form), user.name), ""


def _act(session: Session, user: SignedInUser, name: str, act: people.Act, form: dict[str, str]) -> bool:
    """Do it, or ask another admin for it where it would open an account that decides: then True."""
    wanted = settings.held_now(session, name)
    if act is people.Act.SECOND_OFF and settings.counts(wanted["before"]):
        requests.ask(session, user, Kind.FACTOR, wanted, form.get("reason", ""))
        return True
    people.ACTS[act](session, name, user.name)
    return False


def _ask_halved(
    session: Session, user: SignedInUser, kind: Kind, wanted: dict[str, object], form: dict[str, str]
) -> str:
    """Ask another admin; the first half of the one-time password."""
    return halves.first(session, requests.ask(session, user, kind, wanted, form.get("reason", "")))


def _once(request: Request, user: SignedInUser, name: str, password: str, half: str = "") -> Response:
    """The one-time password, shown this once. Never a redirect: an address is kept by browsers and proxies."""
    return render(request, "one_time.html", user, section="people", name=name, password=password, half=half)


def _roles(form: dict[str, str]) -> frozenset[Role]:
    return frozenset(role for role in Role if f"role-{role}" in form)


def _set_roles(session: Session, user: SignedInUser, name: str, form: dict[str, str]) -> bool:
    """Give the roles, or ask another admin for it where it is about who decides: then True."""
    roles = _roles(form)
    wanted = settings.roles_wanted(session, name, roles)
    if not settings.needs_two(wanted["before"], wanted["after"]):
        people.set_roles(session, name, roles, user.name)
        return False
    requests.ask(session, user, Kind.ROLES, wanted, form.get("reason", ""))
    return True


def _ask_areas(session: Session, user: SignedInUser, name: str, form: dict[str, str]) -> bool:
    """Ask another admin for other areas; whether there is anything to ask for."""
    wanted = settings.areas_wanted(session, name, _areas(form))
    if wanted["before"] == wanted["after"]:
        return False
    requests.ask(session, user, Kind.AREAS, wanted, form.get("reason", ""))
    return True


def _areas(form: dict[str, str]) -> list[str]:
    return [name.removeprefix("area-") for name in form if name.startswith("area-")]


def _acting(request: Request, form: dict[str, str]) -> SignedInUser:
    user = user_asking(request)
    sessions.check_csrf(user, form.get("csrf"))
    return user


def _acting_on_another(request: Request, name: str, form: dict[str, str]) -> SignedInUser:
    """Nobody gives rights to themselves, or locks themselves out. Raises BadAccount."""
    user = _acting(request, form)
    if user.name == name:
        raise BadAccount("another admin does this to your account - your own part is on your own page", "bad.own")
    return user


__all__ = ["add"]
