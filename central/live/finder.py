"""Finds what is watched here and brought elsewhere, and gives up what another replica has taken over."""

import time
from collections.abc import Mapping
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from central.db.database import Database
from central.live import replicas
from central.live.hub import Hub
from central.live.place import Place
from central.live.relay import Relay
from central.live.replicas import Replicas, Where
from central.live.stream import CUT

_log = structlog.get_logger("live")
#: How often it is looked who else has what is brought here; what is missing is sought every round. Seconds.
CHECK_S: Final = 2.0
#: After a fetch that came to nothing; seconds.
_AGAIN_S: Final = 1.0
_OUT_OF_REACH: Final = "the box is connected to a replica that cannot be reached from here: set live.address there"


class Finder:
    """Beside one hub."""

    def __init__(self, hub: Hub, db: Database, ours: Replicas) -> None:
        self._hub, self._db, self._ours = hub, db, ours
        self._relays: dict[Place, Relay] = {}
        self._tried: dict[Place, float] = {}
        self._check_at = 0.0

    async def look(self) -> None:
        """Once a round."""
        now, hub = time.monotonic(), self._hub
        missing = [place for place in hub.missing if self._free(place, now)]
        places = set(missing)
        if now >= self._check_at:
            self._check_at = now + CHECK_S
            places |= set(hub.sources)
        if not places:
            return
        try:
            found = await run_in_threadpool(self._whereabouts, places)
        except SQLAlchemyError as error:
            _log.warning("streams at other replicas are not looked up", fault=type(error).__name__)
            return
        self._give_up(found)
        for place in missing:
            where = found.get(place)
            if where is not None and place not in hub.sources and place in hub.streams:
                self._fetch(place, where, now)

    def _free(self, place: Place, now: float) -> bool:
        relay = self._relays.get(place)
        return (relay is None or relay.over) and now - self._tried.get(place, 0.0) >= _AGAIN_S

    def _give_up(self, found: Mapping[Place, Where]) -> None:
        for place, source in list(self._hub.sources.items()):
            where = found.get(place)
            if where is not None and where.connection != source.connection:
                source.close("another connection took its place")

    def _fetch(self, place: Place, where: Where, now: float) -> None:
        if where.address is None:
            if self._hub.streams[place].state == CUT:
                return  # the box comes only to say so, and goes: why there is no picture is known
            self._hub.streams[place].tell("away", _OUT_OF_REACH)
        elif where.address != self._ours.address:  # what a killed process left under our address is nowhere
            self._relays = {one: relay for one, relay in self._relays.items() if not relay.over}
            self._tried = {one: at for one, at in self._tried.items() if now - at < _AGAIN_S} | {place: now}
            self._relays[place] = Relay(self._hub, self._db, place, where)

    def _whereabouts(self, places: set[Place]) -> Mapping[Place, Where]:
        with self._db.read() as session:
            return replicas.whereabouts(session, places)


__all__ = ["Finder"]
