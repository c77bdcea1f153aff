"""One still of a camera, for a person who marks a moment: the box is asked for stills, and the first that comes is it.

Whoever wants it must be allowed to watch just now, and stands in the log of who watched as any viewer does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from central.accounts.sessions import SignedInUser
from central.db.database import Database
from central.live import log
from central.live.hub import Hub, Watching, Wish
from central.live.place import Place
from central.live.viewer import Viewer
from central.live.viewer_door import may
from central.live.wire import unframed
from contract.livestream import STILL, LiveMessage, unpack

#: How long a box is waited for; seconds.
PATIENCE_S: Final = 12.0
#: A box's still is far below this (640 px wide). Bytes.
MOST_BYTES: Final = 400_000


@dataclass(frozen=True, slots=True)
class Looker:
    """Who wants it, and the digest of their session's token."""

    user: SignedInUser
    session: str


async def still_of(
    hub: Hub, db: Database, who: Looker, edge_id: str, camera_id: str, patience_s: float = PATIENCE_S
) -> LiveMessage | None:
    """The first still that comes; None where none does, or an embargo runs. Raises CaseMissing."""
    place = Place(edge_id, camera_id, "stills")
    site, why = await run_in_threadpool(may, db, who.user, place)
    if why is not None:
        return None
    came: asyncio.Future[LiveMessage | None] = asyncio.get_running_loop().create_future()
    viewer = Viewer(_Catch(came), "stills")
    watching = Watching(who.user.id, who.user.name, who.session, site, place, viewer, _ends(came))
    wish = Wish("stills")
    await run_in_threadpool(_write, db, lambda session: log.begin(session, watching, wish))
    hub.join(watching, wish)
    try:
        return await asyncio.wait_for(came, patience_s)
    except TimeoutError:
        return None
    finally:
        hub.leave(watching)
        await run_in_threadpool(_write, db, lambda session: log.end(session, watching))


class _Catch:
    """A line whose other end keeps the first still. It takes all at once."""

    unsent = 0

    def __init__(self, came: "asyncio.Future[LiveMessage | None]") -> None:
        self._came = came

    def write(self, frame: bytes) -> None:
        """See `Wire`."""
        raw = unframed(frame)
        if raw is None or self._came.done():
            return
        message = unpack(raw)
        if message.kind == STILL and len(message.body) <= MOST_BYTES:
            self._came.set_result(message)


def _ends(came: "asyncio.Future[LiveMessage | None]") -> Callable[[], None]:
    """He is shown out: there is none."""

    def close() -> None:
        if not came.done():
            came.set_result(None)

    return close


def _write(db: Database, does: Callable[..., None]) -> None:
    with db.write() as session:
        does(session)


__all__ = ["PATIENCE_S", "Looker", "still_of"]
