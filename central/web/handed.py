"""An archive on its way to a browser, whole or from where a download broke off; cut when an embargo begins."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

_log = structlog.get_logger("recordings")
#: How often a download that goes on is looked at. Seconds.
EVERY_S: Final = 2.0


class _KeptBack(Exception):  # noqa: N818 - how it leaves the middle of a file
    """An embargo has begun."""


class Handed(FileResponse):
    """The file at `path`, named by its SHA-256 so that a download goes on with the same bytes and no others."""

    #: 64 KiB would be a turn of the loop for each, thousands a second to one who is near.
    chunk_size = 1 << 20

    def __init__(self, path: Path, name: str, sha256: str, kept_back: Callable[[], bool]) -> None:
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "ETag": f'"{sha256}"',
        }
        super().__init__(path, media_type="application/zip", filename=name, headers=headers)
        self._kept_back = kept_back
        self._look_at = time.monotonic() + EVERY_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. Where it may not go on it ends in the middle: the server then cuts the line."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.body" and time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + EVERY_S
                if await run_in_threadpool(self._kept_back):
                    raise _KeptBack
            await send(message)

        try:
            await super().__call__(scope, receive, watched)
        except _KeptBack:
            _log.info("an archive is kept back in the middle of its download", path=str(self.path))


__all__ = ["Handed"]
