"""The pages: sign in, what next, is it so. Thin: parse, call one service function, render."""

from fastapi import APIRouter

from central.accounts.oidc.provider import Provider
from central.after import After
from central.db.database import Database
from central.duty.webhook import Hooks
from central.learning.floor import DEFAULT, Floor
from central.live.hub import Hub
from central.media.store import MediaStore
from central.notices.letters import FOLDER, Letters
from central.notices.stills import PublicStills
from central.turns import Turns
from central.web import (
    alarm_routes,
    approval_routes,
    bookmark_routes,
    case_routes,
    duty_routes,
    embargo_routes,
    export_routes,
    learning_routes,
    line_routes,
    message_routes,
    notice_routes,
    oidc_routes,
    own_routes,
    people_routes,
    phase_routes,
    phone_routes,
    public_routes,
    queue_routes,
    recording_routes,
    rehearsal_routes,
    report_routes,
    sign_in_routes,
    statement_routes,
    statics,
    station_routes,
    watched_routes,
)
from central.web.front import PageRoute


def router(
    db: Database,
    media: MediaStore,
    after: After,
    *,
    secure: bool = False,
    provider: Provider | None = None,
    floor: Floor = DEFAULT,
    hooks: Hooks | None = None,
    hub: Hub | None = None,
) -> APIRouter:
    """All pages and their static files. `secure` marks cookies for https only; at `provider` people sign in, too."""
    pages = APIRouter(route_class=PageRoute, include_in_schema=False)
    pages.include_router(statics.router())
    called = provider.said.label if provider else None
    sign_in_routes.add(pages, db, secure, called)
    oidc_routes.add(pages, db, provider, secure)
    queue_routes.add(pages, db)
    case_routes.add(pages, db, media)
    alarm_routes.add(pages, db)
    own_routes.add(pages, db, called)
    people_routes.add(pages, db)
    # All that is set as PDF, one at a time: it holds a processor for seconds, and the desk is served beside it.
    turns = Turns()
    report_routes.add(pages, db, turns)
    approval_routes.add(pages, db)
    learning_routes.add(pages, db, media, floor)
    export_routes.add(pages, db, media, after)
    stills = PublicStills(db, media, after.copies, after.redactor)
    letters = Letters(after.copies / FOLDER, stills, turns)
    notice_routes.add(pages, db, stills, letters, after)
    public_routes.add(pages, db, stills, letters, after, secure)
    statement_routes.add(pages, db, stills, after, secure)
    station_routes.add(pages, db)
    embargo_routes.add(pages, db)
    watched_routes.add(pages, db)
    duty_routes.add(pages, db, hooks or Hooks())
    line_routes.add(pages, db)
    bookmark_routes.add(pages, db)
    phase_routes.add(pages, db, hub or Hub())
    message_routes.add(pages, db, hooks or Hooks())
    phone_routes.add(pages, db, secure)
    rehearsal_routes.add(pages, db)
    recording_routes.add(pages, db, after.recordings)
    return pages
