"""Style, scripts and icon. With their hash in the address they are kept for good, else asked for again each time."""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from central.marks import public
from central.web.front import STATIC, PageRoute, refusal

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


def router() -> APIRouter:
    """`/static/...`: files of this folder by name, and nothing outside it."""
    files = APIRouter(route_class=PageRoute, include_in_schema=False)

    @files.get("/static/{name:path}", dependencies=[public("style, scripts and icons of this program")])
    def static_file(request: Request, name: str, v: str | None = None) -> Response:
        if not name.isprintable():  # a NUL is no part of any path
            return refusal(request, HTTPException(404))
        path = (STATIC / name).resolve()
        kind = _TYPES.get(path.suffix)
        if kind is None or not path.is_relative_to(STATIC.resolve()) or not path.is_file():
            return refusal(request, HTTPException(404))
        keep = "public, max-age=31536000, immutable" if v else "no-cache"
        return FileResponse(path, media_type=kind, headers={"Cache-Control": keep, "X-Content-Type-Options": "nosniff"})

    return files
