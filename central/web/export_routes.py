"""Hand over: approved cases for the police system, what stands in the way of the others, and archives once made."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from central.accounts import sessions
from central.accounts.permissions import Permission
from central.after import After
from central.approvals import requests
from central.approvals.kinds import Kind
from central.db.database import Database
from central.export import archive, service
from central.marks import needs
from central.media.store import MediaStore
from central.web import forms
from central.web.front import render, user_asking
from central.web.sign_in_routes import to

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_SEES, _DECIDES = [needs(Permission.CASES_SEE)], [needs(Permission.CASES_DECIDE)]
#: The page looks at so many approved cases, nearest deadline first; an export takes more.
SHOWN = 100


def add(pages: APIRouter, db: Database, media: MediaStore, after: After) -> None:
    """Add the pages under /exports to `pages`."""

    @pages.get("/exports", dependencies=_SEES)
    def to_hand_over(request: Request, made: str | None = None) -> Response:
        user = user_asking(request)
        found = service.plan(db, media, after.map, SHOWN, user.areas)
        with db.read() as session:
            rows = service.exports(session, areas=user.areas)
            just = next((one for one in rows if one.number == made), None)
            asked = [one for one in requests.listed(session, user)[0] if one.kind is Kind.EXPORT and one.mine]
        return render(
            request, "exports.html", user, section="after", tab="exports", plan=found, exports=rows, just=just,
            map=after.map.map, shown=SHOWN, asked=asked,
        )  # fmt: skip

    @pages.post("/exports/ask", dependencies=_DECIDES)
    def ask(request: Request, form: Form) -> Response:
        user = user_asking(request)
        sessions.check_csrf(user, form.get("csrf"))
        service.ask(db, media, after.map, user, form.get("reason", ""))
        return to("/exports")

    @pages.post("/exports", dependencies=_DECIDES)
    def hand_over(request: Request, form: Form) -> Response:
        user = user_asking(request)
        sessions.check_csrf(user, form.get("csrf"))
        number = service.make(db, media, after.map, user, form.get("request", ""))
        return to(f"/exports?made={number}")

    @pages.get("/exports/{number}/archive", dependencies=_DECIDES)
    def fetch(request: Request, number: str) -> Response:
        user = user_asking(request)
        with db.read() as session:
            export = service.export_of(session, number)
        # A machine without jobs has no round that does it.
        archive.clear(after.exports)
        path = archive.build(db, media, export, after.exports)
        with db.write() as session:
            service.note_fetch(session, export, user)
        return FileResponse(
            path,
            media_type="application/zip",
            filename=f"{export.number}.zip",
            background=BackgroundTask(path.unlink, missing_ok=True),
            headers={"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"},
        )


__all__ = ["add"]
