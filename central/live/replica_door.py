"""The door for other replicas: what a box brings here goes on to where it is watched."""

from fastapi import APIRouter, WebSocket

from central.live.closing import closer
from central.live.hub import Fetching, Hub
from central.live.relay import PATH
from central.live.viewer import Viewer
from central.live.wire import wire_of
from central.marks import AskedByReplica


def router(hub: Hub) -> APIRouter:
    """The route."""
    others = APIRouter()

    @others.websocket(PATH)
    async def fetch(line: WebSocket, place: AskedByReplica) -> None:
        """The messages of one stream, for as long as a box brings it here."""
        await line.accept()
        close = closer(line)
        fetching = Fetching(place, Viewer(wire_of(line), "relay"), close)
        if not hub.fetch(fetching):
            close()
        try:
            while (await line.receive())["type"] != "websocket.disconnect":
                pass
        finally:
            hub.fetched(fetching)

    return others


__all__ = ["router"]
