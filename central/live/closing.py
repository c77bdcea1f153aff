"""How a line is closed from outside of its own task: once, and not when it is closed already."""

import asyncio
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketState


async def closed(line: WebSocket, code: int = 1000, reason: str = "") -> None:
    """Close it, unless it is."""
    if line.application_state == WebSocketState.CONNECTED and line.client_state == WebSocketState.CONNECTED:
        await line.close(code, reason)


def closer(line: WebSocket, code: int = 1000) -> Callable[[], None]:
    """What closes it later."""
    closing: list[asyncio.Task[None]] = []

    def close() -> None:
        if not closing:
            closing.append(asyncio.get_running_loop().create_task(closed(line, code)))

    return close


__all__ = ["closed", "closer"]
