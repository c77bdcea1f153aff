"""The own account: password, second factor, sessions, and what was done to it."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse

from central.accounts import log, passwords, people, second, sessions, signing_in
from central.accounts.errors import BadAccount, SignInBusy, SignInRefused, TooManyAttempts
from central.accounts.oidc import flow
from central.accounts.permissions import Permission
from central.accounts.sessions import SESSION_COOKIE, SignedInUser
from central.db.accounts import User
from central.db.database import Database
from central.marks import needs, rules_of
from central.web import forms, home, people_words
from central.web.front import language_of, render, user_asking
from central.web.sign_in_routes import address_of, to

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_OWN = [needs(Permission.OWN)]
Done = TypeVar("Done")


def add(pages: APIRouter, db: Database, provider: str | None = None) -> None:
    """Add the pages under /me to `pages`. `provider`: what the office's OpenID provider is called, if there is one."""
    _add_me(pages, db, provider)
    _add_password(pages, db)
    _add_second(pages, db)


def _add_me(pages: APIRouter, db: Database, provider: str | None) -> None:
    @pages.get("/me", dependencies=_OWN)
    def me(request: Request) -> Response:
        user, say, rules = user_asking(request), language_of(request), rules_of(request)
        own = sessions.digest(_token(request))[:16]
        with db.read() as session:
            row = session.get_one(User, user.id)
            return render(
                request, "me.html", user, section="me", person=people.shown(session, row),
                roles=people_words.roles(user.roles, say), codes_left=second.codes_left(session, user.id),
                second_needed=bool(user.roles & rules.second_factor_for),
                open=[(one, one.id == own) for one in sessions.open_of(session, user.id, rules)],
                lines=people_words.lines(log.latest(session, user.id), say),
                provider=provider, linked=flow.linked(session, user.id),
            )  # fmt: skip

    @pages.post("/me/sessions", dependencies=_OWN)
    def end_sessions(request: Request, form: Form) -> Response:
        user = _acting(request, form)
        with db.write() as session:
            sessions.held(session, user.id, _token(request))
            if "id" in form:
                sessions.end_one(session, user.id, form["id"])
            else:
                sessions.end_all(session, user.id, but=_token(request))
            log.note(session, user.id, user.name, "sessions ended")
        return to("/me")


def _add_password(pages: APIRouter, db: Database) -> None:
    def page(request: Request, key: str | None = None, status: int = 200) -> Response:
        user, say = user_asking(request), language_of(request)
        forced = user.first == "/me/password"
        problem = say(key, least=passwords.MIN_PASSWORD, most=passwords.MAX_PASSWORD) if key else None
        return render(
            request, "me_password.html", user, status=status, section="me", forced=forced, problem=problem,
            least=passwords.MIN_PASSWORD,
        )  # fmt: skip

    @pages.get("/me/password", dependencies=_OWN)
    def password_page(request: Request) -> Response:
        return page(request)

    @pages.post("/me/password", dependencies=_OWN)
    def change(request: Request, form: Form) -> Response:
        user = _acting(request, form)
        old, new = form.get("old", ""), form.get("new", "")
        if new != form.get("again", ""):
            return page(request, "password.differ", 422)
        try:
            proved = signing_in.password_is(db, user.id, old, address_of(request))
            with db.write() as session:
                people.change_password(session, user.id, proved, new, _token(request))
        except (SignInRefused, TooManyAttempts, SignInBusy, BadAccount) as error:
            said = {SignInRefused: "password.wrong", TooManyAttempts: "error.429", SignInBusy: "error.sign_in_busy"}
            return page(request, said.get(type(error), "bad.password"), error.status)
        return to(home.begin(user) if user.first else "/me")


def _add_second(pages: APIRouter, db: Database) -> None:
    def page(request: Request, user: SignedInUser, problem: str | None = None, status: int = 200) -> Response:
        with db.write() as session:
            row = sessions.held(session, user.id, _token(request))
            offered = second.offer(session, row, _token(request), rules_of(request))
        forced = user.first == "/me/second"
        return render(
            request, "me_second.html", user, status=status, section="me", offer=offered, forced=forced, problem=problem
        )

    @pages.get("/me/second", dependencies=_OWN)
    def second_page(request: Request) -> Response:
        user = user_asking(request)
        with db.read() as session:
            if second.enrolled(session, user.id):
                return RedirectResponse("/me", 303)
        return page(request, user)

    @pages.post("/me/second", dependencies=_OWN)
    def enrol(request: Request, form: Form) -> Response:
        user = _acting(request, form)
        with db.write() as session:
            row = sessions.held(session, user.id, _token(request))
            codes = second.confirm(session, row, _token(request), form.get("code", ""), rules_of(request))
            if codes is not None:  # what was opened with the password alone has shown no code
                sessions.end_all(session, user.id, but=_token(request))
        if codes is None:
            return page(request, user, language_of(request)("second.wrong"), 422)
        return render(request, "me_codes.html", user, section="me", codes=codes, onward=home.begin(user))

    @pages.post("/me/second/codes", dependencies=_OWN)
    def renew_codes(request: Request, form: Form) -> Response:
        user = _acting(request, form)
        codes = _proved(db, request, user, form, second.renewed_codes)
        return render(request, "me_codes.html", user, section="me", codes=codes, onward="/me")

    @pages.post("/me/second/off", dependencies=_OWN)
    def take_away(request: Request, form: Form) -> Response:
        user = _acting(request, form)
        _proved(db, request, user, form, lambda session, row: second.removed(session, row, user.name))
        return to("/me")


def _proved(
    db: Database, request: Request, user: SignedInUser, form: dict[str, str], then: Callable[[Session, User], Done]
) -> Done:
    """A browser that was left open is not enough for this: the second factor itself must be shown."""

    def do(session: Session) -> Done:
        return then(session, sessions.held(session, user.id, _token(request)))

    return signing_in.code_is(db, user.id, form.get("code", ""), address_of(request), rules_of(request), do)


def _token(request: Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "")


def _acting(request: Request, form: dict[str, str]) -> SignedInUser:
    user = user_asking(request)
    sessions.check_csrf(user, form.get("csrf"))
    return user


__all__ = ["add"]
