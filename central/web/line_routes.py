"""What time lines show, as JSON for the scripts of the wall. Thin: ask, render."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import JSONResponse

from central.accounts.permissions import Permission
from central.clock import office_now
from central.db.database import Database
from central.marks import needs
from central.polling.continuity import micros
from central.polling.lines import lines
from central.web.front import user_asking

#: As many hours as a time line can show.
_HOURS = 12
Site = Annotated[str, Query(max_length=200)]


def add(pages: APIRouter, db: Database) -> None:
    """Add the route to `pages`. Who has areas gets the stations in them and no others."""

    @pages.get("/lines", dependencies=[needs(Permission.STATIONS_SEE)])
    def lines_of(
        request: Request,
        site: Annotated[list[Site], Query(max_length=32)] = [],  # noqa: B006 - FastAPI's own way
    ) -> Response:
        """Of every camera of these stations, by `box/camera`: told, gaps, troubles and marks in Unix microseconds."""
        user, until = user_asking(request), micros(office_now())
        sites = {one.replace("\0", "") for one in site}
        with db.read() as session:
            found = lines(session, sites, until - _HOURS * 3_600_000_000, until, user.areas)
        cameras = {
            f"{quote(edge, safe='')}/{quote(camera, safe='')}": {
                "told": one.told, "gaps": one.gaps, "troubles": one.troubles,
                "marks": one.marks, "phases": one.phases,
            }
            for (edge, camera), one in found.items()
        }  # fmt: skip
        return JSONResponse({"until": until, "cameras": cameras}, headers={"Cache-Control": "no-store"})


__all__ = ["add"]
