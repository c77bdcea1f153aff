"""Every route says who may come: people with a permission, boxes, or anybody. The application wants a mark on each.

A mark is a dependency of the route (or of its router), so that what it says is also what is done: it is looked at
before the route's own code. `require_marks` refuses an application with a route that has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Header
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIWebSocketRoute, iter_route_contexts
from starlette.requests import HTTPConnection

from central.accounts import sessions
from central.accounts.errors import DoFirst, NotPermitted, NotSignedIn
from central.accounts.permissions import Permission
from central.accounts.rules import AccountRules
from central.accounts.sessions import SESSION_COOKIE, SignedInUser
from central.db.database import Database
from central.edges import tokens
from central.live import replicas
from central.live.place import Place
from central.sites import reach
from central.tickets.errors import CaseMissing

#: The method of a route that is a WebSocket.
WEBSOCKET: Final = "WS"
#: Written by a page's script when it asks again by itself: nobody need be there.
BACKGROUND_HEADER: Final = "X-Sightline-Background"
_FIRST: Final = {
    "/me/password": "choose a password of your own first: /me/password",
    "/me/second": "your role wants a second factor: enrol one at /me/second first",
}


@dataclass(frozen=True, slots=True)
class Needs:
    """People whose roles have `permission`, and in whose areas the case or alarm of the route's `{number}` lies.

    Gives who asks. Raises NotSignedIn, DoFirst, NotPermitted or CaseMissing.
    """

    permission: Permission

    def __call__(self, request: HTTPConnection) -> SignedInUser:
        """Look before the route does."""
        user = asking(request)
        if user.first is not None and self.permission is not Permission.OWN:
            raise DoFirst(_FIRST[user.first], user.first)
        if not user.may(self.permission):
            raise NotPermitted(f"none of your roles may {self.permission} - ask an admin")
        if user.areas and "number" in request.path_params:
            _require_areas(request, user)
        return user


@dataclass(frozen=True, slots=True)
class Public:
    """Anybody, because of `why`."""

    why: str

    async def __call__(self) -> None:
        """Nothing is asked."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes that are let in: gives the id of the one that asks. Raises TokenRefused."""

    def __call__(
        self,
        request: HTTPConnection,
        authorization: Annotated[
            str | None, Header(description="Bearer: a JWT (EdDSA) of the key the box was enrolled with")
        ] = None,
    ) -> str:
        """Whose token it is."""
        with database_of(request).read() as session:
            return tokens.edge_of(session, authorization)


@dataclass(frozen=True, slots=True)
class OtherReplicas:
    """Another replica of this central, with a ticket that it wrote into the database: gives the stream it is for.

    Raises TokenRefused.
    """

    def __call__(self, request: HTTPConnection, authorization: Annotated[str | None, Header()] = None) -> Place:
        """Which stream; the ticket is good no more."""
        scheme, _, token = (authorization or "").partition(" ")
        place, db = None, database_of(request)
        if scheme.lower() == "bearer" and token:
            # Looked up first: a stranger's guesses must not take the one lock that SQLite's writers share.
            with db.read() as session:
                known = replicas.holds(session, token)
            if known:
                with db.write() as session:
                    place = replicas.taken(session, token)
        if place is None:
            raise tokens.TokenRefused("that is no ticket, or was used")
        return place


Mark = Needs | Public | Boxes | OtherReplicas


def needs(permission: Permission) -> Any:
    """The mark of a route for people."""
    return Depends(Needs(permission))


def public(why: str) -> Any:
    """The mark of a route for anybody."""
    return Depends(Public(why))


#: The mark of a route for boxes, and which box asks.
AskingBox = Annotated[str, Depends(Boxes())]


#: The mark of a route for other replicas, and which stream is asked for.
AskedByReplica = Annotated[Place, Depends(OtherReplicas())]


def database_of(request: HTTPConnection) -> Database:
    """The application's database."""
    db = request.app.state.db
    if not isinstance(db, Database):
        raise TypeError("the application has no database")
    return db


def rules_of(request: HTTPConnection) -> AccountRules:
    """What the place's settings say of accounts."""
    rules = request.app.state.accounts
    if not isinstance(rules, AccountRules):
        raise TypeError("the application has no rules of accounts")
    return rules


def asking(request: HTTPConnection) -> SignedInUser:
    """Who is signed in here, looked up once a request. Raises NotSignedIn."""
    known = getattr(request.state, "user", None)
    if isinstance(known, SignedInUser):
        return known
    token = request.cookies.get(SESSION_COOKIE)
    user = sessions.asking(database_of(request), token, rules_of(request), active=not _by_itself(request))
    if user is None:
        raise NotSignedIn("sign in first: POST /api/v1/session with name and password")
    # Kept for the error page as well, which shows who is signed in as every page does.
    request.state.user = user
    return user


def _require_areas(request: HTTPConnection, user: SignedInUser) -> None:
    """Who has areas finds nothing outside of them, whatever the route does. Raises CaseMissing as for none."""
    room = str(request.scope["route"].path).partition("/{number}")[0].rpartition("/")[2]
    number = str(request.path_params["number"])
    with database_of(request).read() as session:
        if not reach.within_reach(session, room, number, user.areas):
            raise CaseMissing(f"there is nothing numbered {number[:40]!r}", "number.none", number=number[:40])


def _by_itself(request: HTTPConnection) -> bool:
    """Whether a page asks again without anybody's doing: htmx says so of what is not a link that was followed.

    A player connects again by itself as well, so what opens a WebSocket is never a person for certain.
    """
    given = request.headers
    if request.scope["type"] == "websocket":
        return True
    return BACKGROUND_HEADER in given or ("hx-request" in given and "hx-boosted" not in given)


@dataclass(frozen=True, slots=True)
class Marked:
    """A route and what is asked of who comes."""

    method: str
    path: str
    marks: tuple[Mark, ...]


def routes(app: FastAPI) -> Iterator[Marked]:
    """Every route of `app`, a line for each method, with its marks in the order in which they are looked at.

    The description of the API that FastAPI adds by itself counts as public. FastAPI keeps included routers nested, so
    `app.routes` alone would leave most of them out.
    """
    for context in iter_route_contexts(app.routes):
        path = str(context.path)
        dependant = getattr(context, "dependant", None)
        marks = tuple(dict.fromkeys(_marks(dependant))) if dependant is not None else ()
        if path == app.openapi_url:
            marks = (Public("what the API is, not what is in it"),)
        if isinstance(context.original_route, APIWebSocketRoute):
            yield Marked(WEBSOCKET, path, marks)
            continue
        for method in sorted((context.methods or {"GET"}) - {"HEAD"} or {"HEAD"}):
            yield Marked(method, path, marks)


def _marks(dependant: Dependant) -> Iterator[Mark]:
    for one in dependant.dependencies:
        if isinstance(one.call, Needs | Public | Boxes | OtherReplicas):
            yield one.call
        yield from _marks(one)


def require_marks(app: FastAPI) -> None:
    """Raise RuntimeError for a route that says nothing about who may come, or both that anybody and that few may."""
    for route in routes(app):
        kinds = {type(mark) for mark in route.marks}
        if len(kinds) != 1:
            raise RuntimeError(
                f"route {route.method} {route.path}: who may come? Give it one mark of central.marks - "
                "needs(Permission....), public(why), or a parameter AskingBox or AskedByReplica"
            )


__all__ = [
    "BACKGROUND_HEADER", "WEBSOCKET", "AskedByReplica", "AskingBox", "Boxes", "Mark", "Marked", "Needs",
    "OtherReplicas", "Public", "asking", "database_of", "needs", "public", "require_marks", "routes", "rules_of",
]  # fmt: skip
