"""What keeps streams going while there are any: boxes are asked, who may watch no more is shown out.

It looks into the database in a thread of the front's, once a round for all streams together.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from central.accounts import sessions
from central.accounts.permissions import Permission
from central.accounts.rules import AccountRules
from central.accounts.sessions import SignedInUser
from central.clock import office_now
from central.db.database import Database
from central.db.edges import Edge
from central.db.sites import Site
from central.live import embargo
from central.live.embargo import Window
from central.live.finder import Finder
from central.live.hub import Hub, Watching
from central.live.place import Place
from central.live.stream import EMBARGO, ENDED
from central.polling.asking import Says
from contract.command import LiveOn

_log = structlog.get_logger("live")
#: Between two rounds; who may watch is looked up every `CHECK_S`. Seconds.
TURN_S: Final = 0.5
CHECK_S: Final = 2.0
_SIGN_IN: Final = "your session has ended - sign in again"
_ELSEWHERE: Final = "you may not see this station any more"


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says of those who watch, and of the boxes that bring."""

    users: Mapping[str, SignedInUser]
    areas: Mapping[str, str]
    windows: Sequence[Window]
    shut_out: Collection[str]


class Tender:
    """`run` goes on for as long as the hub has streams."""

    def __init__(self, hub: Hub, db: Database, rules: AccountRules, says: Says | None, finder: Finder) -> None:
        self._hub, self._db, self._rules, self._says, self._finder = hub, db, rules, says, finder
        self._check_at = 0.0

    async def run(self) -> None:
        """Until nobody watches and nothing is brought."""
        hub = self._hub
        while hub.streams:
            hub.news.clear()
            try:
                await self._round()
            except Exception as error:  # whatever it was: those who watch must not be left alone with it
                _log.exception("a round of live view went wrong", fault=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(hub.news.wait(), TURN_S)

    async def _round(self) -> None:
        hub = self._hub
        await self._ask(hub.due())
        hub.silence()
        await self._finder.look()
        if time.monotonic() < self._check_at:
            return
        self._check_at = time.monotonic() + CHECK_S
        try:
            known = await run_in_threadpool(self._look_up, *_asked_of(hub))
        except SQLAlchemyError as error:  # it is asked again; nobody is shown out for it
            _log.warning("who may watch is not looked up", fault=type(error).__name__)
        else:
            self._show_out(known)

    async def _ask(self, due: Sequence[tuple[Place, LiveOn]]) -> None:
        if due and self._says is not None:
            for place in await run_in_threadpool(self._unsaid, due):
                self._hub.unsaid(place)

    def _unsaid(self, due: Sequence[tuple[Place, LiveOn]]) -> list[Place]:
        says = self._says
        return [place for place, command in due if says is not None and not says.say(place.edge_id, command)]

    def _look_up(self, watching: Sequence[Watching], boxes: Collection[str]) -> Known:
        with self._db.read() as session:
            users = sessions.among(session, {one.session for one in watching}, self._rules)
            query = select(Site.site, Site.area).where(Site.site.in_({one.site for one in watching}))
            areas = {site: area for site, area in session.execute(query)}  # noqa: C416 - rows are no pairs to mypy
            out = select(Edge.id).where(Edge.id.in_(boxes), Edge.revoked_at.is_not(None))
            shut_out = set(session.execute(out).scalars())
            return Known(users, areas, embargo.windows(session, office_now()), shut_out)

    def _show_out(self, known: Known) -> None:
        now = office_now()
        for one in list(self._hub.watching):
            user, area = known.users.get(one.session), known.areas.get(one.site)
            if user is None:
                one.end(ENDED, _SIGN_IN)
            elif not user.may(Permission.LIVE_WATCH) or (user.areas and area not in user.areas):
                one.end(ENDED, _ELSEWHERE)
            elif (why := embargo.may_watch(now, user.name, one.site, area, known.windows)) is not None:
                one.end(EMBARGO, why)
        for place, source in list(self._hub.sources.items()):
            if place.edge_id in known.shut_out:
                source.close("the box was shut out")


def _asked_of(hub: Hub) -> tuple[list[Watching], set[str]]:
    """A copy, for a thread."""
    return list(hub.watching), {one.edge_id for one in hub.sources}


__all__ = ["CHECK_S", "TURN_S", "Tender"]
