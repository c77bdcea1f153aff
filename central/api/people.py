"""Who asks over the API: the session cookie, and for whatever changes something the session's CSRF token."""

from typing import Annotated

from fastapi import Cookie, Depends, Header, Request

from central.accounts import service as accounts
from central.accounts.errors import NotSignedIn
from central.accounts.service import CSRF_HEADER, SESSION_COOKIE, SignedInUser
from central.db.database import Database


def database(request: Request) -> Database:
    """The application's database."""
    db = request.app.state.db
    if not isinstance(db, Database):
        raise TypeError("the application has no database")
    return db


Db = Annotated[Database, Depends(database)]


def signed_in(db: Db, token: Annotated[str | None, Cookie(alias=SESSION_COOKIE)] = None) -> SignedInUser:
    """The user of the session. Raises NotSignedIn (401)."""
    with db.read() as session:
        user = accounts.user_of(session, token)
    if user is None:
        raise NotSignedIn("sign in first: POST /api/v1/session with name and password")
    return user


User = Annotated[SignedInUser, Depends(signed_in)]


def acting(user: User, token: Annotated[str | None, Header(alias=CSRF_HEADER)] = None) -> SignedInUser:
    """The user, for a request that changes something. Raises CsrfRefused (403)."""
    accounts.check_csrf(user, token)
    return user


ActingUser = Annotated[SignedInUser, Depends(acting)]
