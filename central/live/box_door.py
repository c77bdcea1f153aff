"""The door for boxes: a box brings pictures of its own cameras, and of no other's, because its token says who it is."""

import asyncio
import json
from contextlib import suppress
from typing import Final

import structlog
from fastapi import APIRouter, HTTPException, WebSocket
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from central.live.closing import closed
from central.live.hub import Hub
from central.live.place import Place
from central.live.replicas import Replicas
from central.marks import AskingBox
from contract.topics import IDENTIFIER

_log = structlog.get_logger("live")
#: A reason in a text message is cut here.
_LONGEST: Final = 300
#: WebSocket: what came cannot be taken (RFC 6455, 7.4.1); another connection has taken the place of this one.
_POLICY, _REPLACED, _LATER = 1008, 4001, 1013


class Bringing:
    """A box's connection as a source."""

    def __init__(self, line: WebSocket, connection: str) -> None:
        self.connection = connection
        self._line = line
        self._closing: asyncio.Task[None] | None = None

    def close(self, reason: str) -> None:
        """See `Source`."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(closed(self._line, _REPLACED, reason))


def router(hub: Hub, replicas: Replicas) -> APIRouter:
    """The route."""
    boxes = APIRouter(prefix="/edge/v1")

    @boxes.websocket("/live/{camera}")
    async def bring(line: WebSocket, camera: str, edge_id: AskingBox, stream: str | None = None) -> None:
        """A box brings the pictures of a camera, as contract.livestream has them, for as long as it is asked to."""
        if not IDENTIFIER.fullmatch(camera) or not (stream is None or IDENTIFIER.fullmatch(stream)):
            raise HTTPException(404, "no camera or stream can be called so")
        place = Place(edge_id, camera, stream)
        await line.accept()
        try:
            source = Bringing(line, await run_in_threadpool(replicas.enter, place))
        except SQLAlchemyError as error:
            _log.warning("no stream is taken", edge=edge_id, camera=camera, fault=type(error).__name__)
            await closed(line, _LATER, "the database cannot be reached")
            return
        try:
            if not hub.brings(place, source):
                await closed(line, _LATER, "the box brings too many streams at once")
                return
            await _take(line, hub, place, source)
        finally:
            hub.gone(place, source)
            with suppress(SQLAlchemyError):  # it leads nowhere, and is taken over by the next
                await run_in_threadpool(replicas.strike, place, source.connection)

    return boxes


async def _take(line: WebSocket, hub: Hub, place: Place, source: Bringing) -> None:
    while (message := await line.receive())["type"] != "websocket.disconnect":
        raw, text = message.get("bytes"), message.get("text")
        try:
            if raw is not None:
                hub.take(place, source, raw)
            elif text is not None:
                hub.told(place, source, *_said(text))
        except ValueError as error:
            _log.warning("a box brings what is no picture", edge=place.edge_id, camera=place.camera_id, why=str(error))
            await closed(line, _POLICY, "that is no picture")
            return


def _said(text: str) -> tuple[str, str]:
    """State and reason of a text message. Raises ValueError."""
    said = json.loads(text)
    if not isinstance(said, dict) or not isinstance(said.get("state"), str):
        raise ValueError("a text message has no state")
    return said["state"], str(said.get("reason", ""))[:_LONGEST]


__all__ = ["Bringing", "router"]
