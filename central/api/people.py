"""Who asks over the API: the session cookie, and for whatever changes something the session's CSRF token."""

from typing import Annotated

from fastapi import Cookie, Depends, Header, Request

from central.accounts import service as accounts
from central.accounts.service import CSRF_HEADER, SESSION_COOKIE, SignedInUser
from central.db.database import Database
from central.marks import asking, database_of

Db = Annotated[Database, Depends(database_of)]


def signed_in(request: Request, _token: Annotated[str | None, Cookie(alias=SESSION_COOKIE)] = None) -> SignedInUser:
    """The user of the session. Raises NotSignedIn (401)."""
    return asking(request)


User = Annotated[SignedInUser, Depends(signed_in)]


def acting(user: User, token: Annotated[str | None, Header(alias=CSRF_HEADER)] = None) -> SignedInUser:
    """The user, for a request that changes something. Raises CsrfRefused (403)."""
    accounts.check_csrf(user, token)
    return user


ActingUser = Annotated[SignedInUser, Depends(acting)]

__all__ = ["ActingUser", "Db", "User", "acting", "signed_in"]
