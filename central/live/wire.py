"""The line to one viewer, on which a message is put as bytes that were framed once for everybody.

uvicorn frames and copies what an application sends for each connection anew, behind a task switch. A hundred viewers of
25 pictures a second want 2500 messages a second; written straight to the connection that is a third less work, and how
much of it the viewer has not taken yet can be asked.
"""

import logging
import socket
from typing import Any, Final, Protocol

from starlette.requests import HTTPConnection
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from contract.livestream import MOST_BYTES

#: Where a WebSocket's scope has its line, under `extensions`.
EXTENSION: Final = "sightline.wire"
#: The kernel holds little of what cannot be sent, so that a slow viewer is seen here at once. Bytes.
_UNSENT: Final = 65_536


_quiet = logging.getLogger("sightline.websocket")
_quiet.setLevel(logging.WARNING)


class Wire(Protocol):
    """What is written to it is a whole WebSocket frame (`framed`)."""

    @property
    def unsent(self) -> int:
        """Bytes that the viewer has not taken."""
        ...

    def write(self, frame: bytes) -> None:
        """Put it behind all that waits. To a line that is closed nothing is written."""
        ...


def framed(message: bytes | str) -> bytes:
    """A message as a frame of a server (RFC 6455, 5.2): binary, or text."""
    text = isinstance(message, str)
    data = message.encode() if isinstance(message, str) else message
    return Frame(Opcode.TEXT if text else Opcode.BINARY, data).serialize(mask=False)


class WireProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which also lends its line to the application. Extensions that change frames must be off.

    What it says of every line that comes and goes is not for central's log.
    """

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.logger = self.conn.logger = _quiet

    async def run_asgi(self) -> None:
        """See uvicorn."""
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[EXTENSION] = _Line(self)
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        """See uvicorn, which takes a refusal (`websocket.http.response`) for an application that answers nothing."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True


def unframed(frame: bytes) -> bytes | None:
    """The binary message in a frame that `framed` made; None for a text."""
    if frame[0] & 0x0F != Opcode.BINARY:
        return None
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def wire_of(line: HTTPConnection) -> Wire:
    """The line of a WebSocket. Raises RuntimeError under a server that lends none."""
    wire: Wire | None = line.scope.get("extensions", {}).get(EXTENSION)
    if wire is None:
        raise RuntimeError("this server lends no lines: run uvicorn with ws=WireProtocol")
    return wire


class _Line:
    """The line of one connection."""

    def __init__(self, protocol: WireProtocol) -> None:
        self._protocol = protocol
        held = protocol.transport.get_extra_info("socket")
        if held is not None:
            held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)

    @property
    def unsent(self) -> int:
        return self._protocol.transport.get_write_buffer_size()

    def write(self, frame: bytes) -> None:
        protocol = self._protocol
        if protocol.handshake_complete and not protocol.close_sent and not protocol.transport.is_closing():
            protocol.transport.write(frame)


#: How uvicorn is run for live view.
UVICORN: Final[dict[str, Any]] = {"ws": WireProtocol, "ws_max_size": MOST_BYTES, "ws_per_message_deflate": False}

__all__ = ["EXTENSION", "UVICORN", "Wire", "WireProtocol", "framed", "unframed", "wire_of"]
