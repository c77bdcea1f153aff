"""A stream that a box brings to another replica, fetched from there for those who watch here."""

import asyncio
import json

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from central.db.database import Database
from central.live import replicas
from central.live.hub import Hub
from central.live.place import Place
from central.live.replicas import Where
from contract.livestream import MOST_BYTES

_log = structlog.get_logger("live")
#: Where a replica gives others what its boxes bring.
PATH = "/replica/v1/live"
_OPEN_S = 3.0
#: A replica whose machine has vanished is given up after twice this. Seconds.
_PING_S = 5.0


class Relay:
    """Fetches from the moment it is made until either end is over."""

    def __init__(self, hub: Hub, db: Database, place: Place, where: Where) -> None:
        self.connection = where.connection
        self._hub, self._db, self._place, self._where = hub, db, place, where
        self._task = asyncio.get_running_loop().create_task(self._run(), name="relay")

    @property
    def over(self) -> bool:
        """Whether nothing comes any more."""
        return self._task.done()

    def close(self, reason: str) -> None:
        """See `Source`."""
        _log.debug("a stream is fetched no more", camera=self._place.camera_id, why=reason)
        self._task.cancel()

    async def _run(self) -> None:
        try:
            token = await run_in_threadpool(self._ticket)
            address = f"{self._where.address}{PATH}".replace("http", "ws", 1)
            async with connect(
                address, additional_headers={"Authorization": f"Bearer {token}"}, compression=None, proxy=None,
                max_size=MOST_BYTES, open_timeout=_OPEN_S, close_timeout=1.0, ping_interval=_PING_S,
                ping_timeout=_PING_S,
            ) as line:  # fmt: skip
                if self._place in self._hub.sources or not self._hub.brings(self._place, self):
                    return
                async for raw in line:
                    self._take(raw)
        except (OSError, WebSocketException, SQLAlchemyError, ValueError) as error:
            _log.warning(
                "a stream cannot be fetched from another replica", address=self._where.address,
                edge=self._place.edge_id, camera=self._place.camera_id, fault=f"{type(error).__name__}: {error}"[:200],
            )  # fmt: skip
        finally:
            self._hub.gone(self._place, self)

    def _take(self, raw: str | bytes) -> None:
        if isinstance(raw, bytes):
            self._hub.take(self._place, self, raw)
        else:
            said = json.loads(raw)
            self._hub.told(self._place, self, str(said["state"]), str(said["reason"]))

    def _ticket(self) -> str:
        with self._db.write() as session:
            return replicas.ticket(session, self._place)


__all__ = ["PATH", "Relay"]
