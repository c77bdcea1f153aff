"""Sign in, sign out, and which language."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from central.accounts import service as accounts
from central.accounts.errors import SignInBusy, SignInRefused, TooManyAttempts
from central.db.database import Database
from central.refusals import refusals_of
from central.web import forms, language
from central.web.front import language_of, render, user_asking

YEAR_S = 365 * 24 * 3600
_SIGN_IN_SAYS = {SignInRefused: "error.sign_in", TooManyAttempts: "error.429", SignInBusy: "error.sign_in_busy"}

Form = Annotated[dict[str, str], Depends(forms.read_form)]


def add(pages: APIRouter, db: Database, secure: bool) -> None:
    """Add sign in, sign out and the switch of language to `pages`. `secure` marks cookies for https only."""

    def page(request: Request, back: str, name: str = "", key: str | None = None, status: int = 200) -> Response:
        problem = language_of(request)(key) if key else None
        return render(request, "sign_in.html", None, status=status, next=forms.local(back), name=name, problem=problem)

    @pages.get("/sign-in")
    def sign_in_page(request: Request, next: str = "/") -> Response:
        return page(request, next)

    @pages.post("/sign-in")
    def sign_in(request: Request, form: Form) -> Response:
        back, name = form.get("next", "/"), form.get("name", "")[:64]
        address = request.client.host if request.client else "unknown"
        try:
            opened = accounts.sign_in(db, name, form.get("password", ""), address)
        except (SignInRefused, TooManyAttempts, SignInBusy) as error:
            refusals_of(request).tell(request, error.status, error, str(error))
            answer = page(request, back, name, _SIGN_IN_SAYS[type(error)], error.status)
            if error.status == 503:
                answer.headers["Retry-After"] = "5"
            return answer
        response = RedirectResponse(forms.local(back), 303)
        response.set_cookie(
            accounts.SESSION_COOKIE,
            opened.token,
            expires=opened.expires_at,
            httponly=True,
            samesite="lax",
            secure=secure,
        )
        return response

    @pages.post("/sign-out")
    def sign_out(request: Request, form: Form) -> Response:
        user = user_asking(request, db)
        accounts.check_csrf(user, form.get("csrf"))
        accounts.sign_out(db, request.cookies.get(accounts.SESSION_COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(accounts.SESSION_COOKIE)
        return response

    @pages.post("/language")
    def switch_language(form: Form) -> Response:
        response = RedirectResponse(forms.local(form.get("next", "/")), 303)
        if form.get("to") in language.LANGUAGES:
            response.set_cookie(language.COOKIE, form["to"], max_age=YEAR_S, samesite="lax", secure=secure)
        return response
