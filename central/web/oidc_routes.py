"""To the office's OpenID provider and back; linking an identity under the own name."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import RedirectResponse

from central.accounts import sessions, signing_in
from central.accounts.errors import AccountError, BadAccount, NotSignedIn, SignInRefused
from central.accounts.oidc import flow
from central.accounts.oidc.provider import Provider
from central.accounts.permissions import Permission
from central.accounts.sessions import SESSION_COOKIE, SignedInUser
from central.db.database import Database
from central.marks import needs, public
from central.refusals import refusals_of
from central.web import forms
from central.web.front import acting, language_of, render
from central.web.sign_in_routes import address_of, browser_of, keep, to

#: What a browser keeps while it is at the provider.
COOKIE: Final = "sightline_oidc"
_PATH: Final = "/sign-in/oidc"
Form = Annotated[dict[str, str], Depends(forms.read_form)]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the routes go by. `secure` marks cookies for https only."""

    db: Database
    provider: Provider | None
    secure: bool

    def known(self) -> Provider:
        """The provider; 404 where the settings name none."""
        if self.provider is None:
            raise StarletteHTTPException(404)
        return self.provider

    def kept(self, answer: Response, way: flow.Way) -> Response:
        """`answer`, with what the browser is known by when it is back."""
        answer.set_cookie(
            COOKIE, way.browser, max_age=int(flow.LIFE.total_seconds()), path=_PATH, httponly=True, samesite="lax",
            secure=self.secure,
        )  # fmt: skip
        return answer


def add(pages: APIRouter, db: Database, provider: Provider | None, secure: bool) -> None:
    """Add them to `pages`; where the settings name no provider they answer that there is nothing here."""
    desk = _Desk(db, provider, secure)

    @pages.get("/sign-in/oidc", dependencies=[public("whoever signs in at the office's provider")])
    def there(request: Request, next: str = "/") -> Response:
        named = desk.known()
        try:
            way = flow.begin(db, named, forms.local(next)[:2000])
        except AccountError as error:
            return _refused(request, error, named.said.label)
        return desk.kept(RedirectResponse(way.address, 303), way)

    @pages.get("/sign-in/oidc/back", dependencies=[public("whoever comes back from the office's provider")])
    def back(request: Request) -> Response:
        named = desk.known()
        try:
            return _opened(request, desk, _finished(request, desk, named))
        except AccountError as error:
            return _refused(request, error, named.said.label)

    @pages.post("/me/identity", dependencies=[needs(Permission.OWN)])
    def link(request: Request, form: Form) -> Response:
        user, named = acting(request, db, form), desk.known()
        _proved(request, db, user, form)
        if "off" in form:
            with db.write() as session:
                flow.unlink(session, sessions.held(session, user.id, request.cookies.get(SESSION_COOKIE)), user.name)
            return to("/me")
        way = flow.begin(db, named, "/me", user.id)
        # A page with a link: a form may lead to pages of this site only (Content-Security-Policy, form-action).
        page = render(request, "identity.html", user, section="me", way=way.address, label=named.said.label)
        return desk.kept(page, way)


def _finished(request: Request, desk: _Desk, named: Provider) -> flow.Back:
    kept, token = request.cookies.get(COOKIE), request.cookies.get(SESSION_COOKIE)
    given = dict(request.query_params)
    return flow.finish(desk.db, named, given, kept, token, address_of(request), browser_of(request))


def _opened(request: Request, desk: _Desk, done: flow.Back) -> Response:
    opened, half = done.signed_in, done.signed_in is not None and done.signed_in.half
    answer: Response = render(request, "second.html", None, next=done.to, problem=None) if half else to(done.to)
    if opened is not None:
        keep(answer, opened.token, opened.expires_at, desk.secure)
    answer.delete_cookie(COOKIE, path=_PATH)
    return answer


def _proved(request: Request, db: Database, user: SignedInUser, form: dict[str, str]) -> None:
    """A browser that was left open is not enough to give somebody else a way in."""
    try:
        signing_in.password_is(db, user.id, form.get("password", ""), address_of(request))
    except SignInRefused as error:
        raise BadAccount("the present password is wrong", "password.wrong") from error


def _refused(request: Request, error: AccountError, label: str) -> Response:
    if isinstance(error, NotSignedIn):
        return to("/sign-in")
    refusals_of(request).tell(request, error.status, error, str(error))
    say = language_of(request)
    key = error.key if isinstance(error, BadAccount) else f"oidc.refused.{error.status}"
    told = {"next": "/", "name": "", "provider": label, "problem": say(key if key in say.sentences else "error.400")}
    return render(request, "sign_in.html", None, status=error.status, **told)


__all__ = ["COOKIE", "add"]
