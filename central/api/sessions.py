"""Signing in and out over the API."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Request, Response
from pydantic import BaseModel, Field

from central.accounts import service as accounts
from central.accounts.errors import CsrfRefused
from central.accounts.permissions import Permission
from central.accounts.roles import ordered
from central.accounts.service import SESSION_COOKIE, SignedInUser
from central.api.people import ActingUser, Db, User
from central.marks import needs, public, rules_of
from central.origin import from_here


class Credentials(BaseModel):
    """Name and password, and the code of the second factor where the account has one."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    code: str = Field(default="", max_length=100)


class Who(BaseModel):
    """Who is signed in, and the token that changing requests carry in the header X-CSRF-Token.

    `role` is one word for `roles`, `officer` for who takes a look at cases. `first`: the page of what must be done
    before all else (another password, a second factor).
    """

    name: str
    role: str
    roles: list[str]
    csrf: str
    first: str | None = None


def router(*, secure: bool) -> APIRouter:
    """Routes under /api/v1/session. `secure` marks the cookie for https only."""
    routes = APIRouter(prefix="/api/v1/session", tags=["session"])

    own = [needs(Permission.OWN)]

    @routes.post("", status_code=201, dependencies=[public("whoever has the password")])
    def sign_in(given: Credentials, request: Request, response: Response, db: Db) -> Who:
        """Open a session; its token comes as a cookie."""
        if not from_here(request.headers):
            raise CsrfRefused("this is not from a page of this site")
        address = request.client.host if request.client else "unknown"
        browser = request.headers.get("user-agent", "")
        opened = accounts.sign_in(
            db, given.name, given.password, address, browser=browser, code=given.code, rules=rules_of(request)
        )
        response.set_cookie(
            SESSION_COOKIE, opened.token, expires=opened.expires_at, httponly=True, samesite="lax", secure=secure
        )
        return _who(opened.user)

    @routes.get("", dependencies=own)
    def who(user: User) -> Who:
        """Who is signed in."""
        return _who(user)

    @routes.delete("", status_code=204, dependencies=own)
    def sign_out(
        _user: ActingUser, response: Response, db: Db, token: Annotated[str, Cookie(alias=SESSION_COOKIE)]
    ) -> None:
        """End the session."""
        accounts.sign_out(db, token)
        response.delete_cookie(SESSION_COOKIE)

    return routes


def _who(user: SignedInUser) -> Who:
    return Who(name=user.name, role=user.role, roles=ordered(user.roles), csrf=user.csrf, first=user.first)
