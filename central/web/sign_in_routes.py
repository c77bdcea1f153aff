"""Sign in, the code of the second factor, sign out, and which language."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from central.accounts import service as accounts
from central.accounts import sessions, signing_in
from central.accounts.errors import AccountError, SignInBusy, SignInRefused, TooManyAttempts
from central.accounts.permissions import Permission
from central.db.database import Database
from central.marks import needs, public, rules_of
from central.refusals import refusals_of
from central.web import forms, language
from central.web.front import language_of, render, user_asking

YEAR_S = 365 * 24 * 3600
_SIGN_IN_SAYS = {SignInRefused: "error.sign_in", TooManyAttempts: "error.429", SignInBusy: "error.sign_in_busy"}

Form = Annotated[dict[str, str], Depends(forms.read_form)]


def add(pages: APIRouter, db: Database, secure: bool, provider: str | None = None) -> None:
    """Add sign in, sign out and the switch of language to `pages`. `secure` marks cookies for https only.

    `provider`: what the office's OpenID provider is called, where there is one.
    """
    _add_password(pages, db, secure, provider)
    _add_code(pages, db, secure)

    @pages.post("/sign-out", dependencies=[needs(Permission.OWN)])
    def sign_out(request: Request, form: Form) -> Response:
        accounts.check_csrf(user_asking(request), form.get("csrf"))
        accounts.sign_out(db, request.cookies.get(accounts.SESSION_COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(accounts.SESSION_COOKIE)
        return response

    @pages.post("/language", dependencies=[public("a reader's choice, kept in their browser")])
    def switch_language(form: Form) -> Response:
        response = RedirectResponse(forms.local(form.get("next", "/")), 303)
        if form.get("to") in language.LANGUAGES:
            response.set_cookie(language.COOKIE, form["to"], max_age=YEAR_S, samesite="lax", secure=secure)
        return response


def _add_password(pages: APIRouter, db: Database, secure: bool, provider: str | None) -> None:
    anybody = [public("whoever has the password")]

    def page(request: Request, back: str, name: str = "", key: str | None = None, status: int = 200) -> Response:
        problem = language_of(request)(key) if key else None
        return render(
            request, "sign_in.html", None, status=status, next=forms.local(back), name=name, problem=problem,
            provider=provider,
        )  # fmt: skip

    @pages.get("/sign-in", dependencies=anybody)
    def sign_in_page(request: Request, next: str = "/") -> Response:
        return page(request, next)

    @pages.post("/sign-in", dependencies=anybody)
    def sign_in(request: Request, form: Form) -> Response:
        back, name = forms.local(form.get("next", "/")), form.get("name", "")[:64]
        try:
            opened = accounts.sign_in(
                db,
                name,
                form.get("password", ""),
                address_of(request),
                browser=browser_of(request),
                rules=rules_of(request),
            )
        except (SignInRefused, TooManyAttempts, SignInBusy) as error:
            return _again(request, error, page(request, back, name, _SIGN_IN_SAYS[type(error)], error.status))
        response = render(request, "second.html", None, next=back, problem=None) if opened.half else to(back)
        keep(response, opened.token, opened.expires_at, secure)
        return response


def _add_code(pages: APIRouter, db: Database, secure: bool) -> None:
    @pages.post("/sign-in/second", dependencies=[public("whoever gave the password a moment ago")])
    def show_code(request: Request, form: Form) -> Response:
        back, token = forms.local(form.get("next", "/")), request.cookies.get(accounts.SESSION_COOKIE)
        try:
            opened = signing_in.show_code(
                db,
                token,
                form.get("code", ""),
                address_of(request),
                browser=browser_of(request),
                rules=rules_of(request),
            )
        except (SignInRefused, TooManyAttempts) as error:
            key = "second.wrong" if isinstance(error, SignInRefused) else "error.429"
            problem = language_of(request)(key)
            return _again(
                request, error, render(request, "second.html", None, status=error.status, next=back, problem=problem)
            )
        response = to(back)
        keep(response, opened.token, opened.expires_at, secure)
        return response


def address_of(request: Request) -> str:
    """The client's address, as failures are counted by."""
    return request.client.host if request.client else "unknown"


def browser_of(request: Request) -> str:
    """What the browser says of itself, so that its owner knows it again among the sessions."""
    return request.headers.get("user-agent", "")


def to(address: str) -> RedirectResponse:
    """On to a page of this site."""
    return RedirectResponse(forms.local(address), 303)


def keep(response: Response, token: str, expires_at: datetime, secure: bool) -> None:
    response.set_cookie(
        sessions.SESSION_COOKIE, token, expires=expires_at, httponly=True, samesite="lax", secure=secure
    )


def _again(request: Request, error: AccountError, answer: Response) -> Response:
    refusals_of(request).tell(request, error.status, error, str(error))
    if error.status == 503:
        answer.headers["Retry-After"] = "5"
    return answer


__all__ = ["Form", "add", "address_of", "browser_of", "keep", "to"]
