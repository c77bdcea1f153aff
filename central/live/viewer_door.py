"""The door for viewers: who is signed in, may watch, and sees the station, gets its pictures until he goes."""

import secrets
from typing import Annotated, Final, Literal

import structlog
from fastapi import APIRouter, Query, WebSocket
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from central.accounts.errors import NotPermitted
from central.accounts.permissions import Permission
from central.accounts.sessions import SESSION_COOKIE, SignedInUser, digest
from central.clock import office_now
from central.db.database import Database
from central.db.sites import Site
from central.live import cameras, embargo, log
from central.live.closing import closer
from central.live.hub import MOST_OF_PERSON, Hub, Watching, Wish
from central.live.place import Place
from central.live.stream import EMBARGO
from central.live.viewer import Viewer
from central.live.wire import wire_of
from central.marks import asking, needs
from central.origin import socket_from_here
from central.tickets.errors import CaseMissing

_log = structlog.get_logger("live")
#: No recording is older. Unix microseconds of 2020-01-01.
_EARLIEST: Final = 1_577_836_800_000_000
Quality = Literal["main", "sub", "stills"]
From = Annotated[int | None, Query(ge=_EARLIEST, lt=2**53)]
Pace = Annotated[int, Query(ge=1, le=8)]


class TooManyViews(NotPermitted):
    """One account watches too many streams at once: 429."""

    status = 429


def router(hub: Hub, db: Database) -> APIRouter:
    """The route."""
    viewers = APIRouter()

    @viewers.websocket("/live/{edge_id}/{camera_id}", dependencies=[needs(Permission.LIVE_WATCH)])
    async def watch(
        line: WebSocket, edge_id: str, camera_id: str, quality: Quality = "main", from_us: From = None, pace: Pace = 1
    ) -> None:
        """Pictures as contract.livestream has them, and what to say where there are none (docs/polling.md)."""
        user = asking(line)
        if not socket_from_here(line.headers):
            raise NotPermitted("a page of another site may not watch here")
        if sum(one.user_id == user.id for one in hub.watching) >= MOST_OF_PERSON:
            raise TooManyViews(f"you watch {MOST_OF_PERSON} streams already - close some")
        wish = Wish(quality, from_us, pace)
        place = _place(edge_id, camera_id, wish)
        site, why = await run_in_threadpool(may, db, user, place)
        watching = _watching(line, user, site, place, wish)
        if why is None:
            await run_in_threadpool(_begun, db, watching, wish)
        await line.accept()
        if why is not None:
            watching.end(EMBARGO, why)
        else:
            await _shown(line, hub, db, watching, wish)

    return viewers


async def _shown(line: WebSocket, hub: Hub, db: Database, watching: Watching, wish: Wish) -> None:
    hub.join(watching, wish)
    try:
        # Nothing is expected of a viewer; what he says is not looked at.
        while (await line.receive())["type"] != "websocket.disconnect":
            pass
    finally:
        hub.leave(watching)
        await run_in_threadpool(_ended, db, watching)


def _place(edge_id: str, camera_id: str, wish: Wish) -> Place:
    if wish.from_us is not None:
        return Place(edge_id, camera_id, f"p-{secrets.token_hex(12)}")
    return Place(edge_id, camera_id, None if wish.quality == "main" else wish.quality)


def _watching(line: WebSocket, user: SignedInUser, site: str, place: Place, wish: Wish) -> Watching:
    held = digest(line.cookies.get(SESSION_COOKIE, ""))
    viewer = Viewer(wire_of(line), wish.quality)
    return Watching(user.id, user.name, held, site, place, viewer, closer(line))


def may(db: Database, user: SignedInUser, place: Place) -> tuple[str, str | None]:
    """The station's site, and why nobody may watch it now. Raises CaseMissing."""
    with db.read() as session:
        site = cameras.site_of(session, place.edge_id, place.camera_id, user.areas)
        if site is None:
            raise CaseMissing("there is no such station", "station.none")
        row, now = session.get(Site, site), office_now()
        area = row.area if row else None
        return site, embargo.may_watch(now, user.name, site, area, embargo.windows(session, now))


def _begun(db: Database, watching: Watching, wish: Wish) -> None:
    with db.write() as session:
        log.begin(session, watching, wish)


def _ended(db: Database, watching: Watching) -> None:
    try:
        with db.write() as session:
            log.end(session, watching)
    except SQLAlchemyError as error:
        _log.error("the end of a watching is not written", watch=watching.watch, fault=type(error).__name__)


__all__ = ["may", "router"]
