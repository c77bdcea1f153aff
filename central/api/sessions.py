"""Signing in and out over the API."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Request, Response
from pydantic import BaseModel, Field

from central.accounts import service as accounts
from central.accounts.service import SESSION_COOKIE
from central.api.people import ActingUser, Db, User


class Credentials(BaseModel):
    """Name and password."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class Who(BaseModel):
    """Who is signed in, and the token that changing requests carry in the header X-CSRF-Token."""

    name: str
    role: str
    csrf: str


def router(*, secure: bool) -> APIRouter:
    """Routes under /api/v1/session. `secure` marks the cookie for https only."""
    routes = APIRouter(prefix="/api/v1/session", tags=["session"])

    @routes.post("", status_code=201)
    def sign_in(given: Credentials, request: Request, response: Response, db: Db) -> Who:
        """Open a session; its token comes as a cookie."""
        address = request.client.host if request.client else "unknown"
        opened = accounts.sign_in(db, given.name, given.password, address)
        response.set_cookie(
            SESSION_COOKIE, opened.token, expires=opened.expires_at, httponly=True, samesite="lax", secure=secure
        )
        return Who(name=opened.user.name, role=opened.user.role, csrf=opened.user.csrf)

    @routes.get("")
    def who(user: User) -> Who:
        """Who is signed in."""
        return Who(name=user.name, role=user.role, csrf=user.csrf)

    @routes.delete("", status_code=204)
    def sign_out(
        _user: ActingUser, response: Response, db: Db, token: Annotated[str, Cookie(alias=SESSION_COOKIE)]
    ) -> None:
        """End the session."""
        accounts.sign_out(db, token)
        response.delete_cookie(SESSION_COOKIE)

    return routes
