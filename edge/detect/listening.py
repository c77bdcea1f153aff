"""The service's end of the Unix socket: listening, receiving, sending."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from contract.errors import RunError
from edge.detect import wire


async def receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next message. Raises IncompleteReadError at the end, ValueError for nonsense."""
    length = wire.body_length(await reader.readexactly(wire.HEAD.size))
    return wire.parse(await reader.readexactly(length))


async def send(writer: asyncio.StreamWriter, message: BaseModel) -> None:
    """Send a message and wait until the kernel takes more."""
    raw = message.model_dump_json().encode()
    writer.write(wire.HEAD.pack(len(raw)) + raw)
    await writer.drain()


def listen(path: Path) -> socket.socket:
    """A listening socket only this user may open; a socket left by a killed service is taken over.

    Raises RunError when another service answers there, or the path cannot be used.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(1)
                if probe.connect_ex(str(path)) == 0:
                    raise RunError(f"{path}: another inference service answers there - stop it first")
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise RunError(f"{path}: cannot listen there ({error}) - give another --socket") from error
    except RunError:
        listener.close()
        raise
    return listener


__all__ = ["listen", "receive", "send"]
