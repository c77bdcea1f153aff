"""A limit on what anybody may send before it is read into memory. Media have their own limit and are streamed."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Larger than any request of ours by far: an enrolment has 2 kB, a decision with its answers some 10 kB.
MAX_BODY_BYTES: Final = 256_000
_MEDIA: Final = "/edge/v1/media/"
_DETAIL: Final = f"the body is over {MAX_BODY_BYTES} bytes - send less"


class _TooLarge(HTTPException):
    """The sender went over the limit without having said so. FastAPI lets this kind alone through its body parser."""


class BodyLimit:
    """Refuses a body over the limit with 413, in its sender's words: a page for a person, JSON for a program.

    The refusal is raised where the application reads the body - at the first read where the length is announced - so
    that it is answered like any other of its errors. A body that nobody reads is no danger.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or str(scope["path"]).startswith(_MEDIA):
            await self._app(scope, receive, send)
            return
        announced, taken, answered = _announced(scope), 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive() if announced <= MAX_BODY_BYTES else {}
            taken += len(message.get("body", b""))
            if max(announced, taken) > MAX_BODY_BYTES:
                raise _TooLarge(413, _DETAIL, {"Connection": "close"})
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _TooLarge:
            if not answered:
                await _refusal()(scope, receive, send)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


def _refusal() -> JSONResponse:
    return JSONResponse({"detail": _DETAIL}, 413, {"Connection": "close"})


__all__ = ["MAX_BODY_BYTES", "BodyLimit"]
