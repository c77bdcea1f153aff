"""The page of a station's own telephone, /s: no account, one link, the messages of one station, and "I have read it".

The link's token comes once in an address and lives in a cookie of this path alone from then on: no page bears it, and
no list of addresses has it twice. Refusals are answered here and not told in the log with their address.
"""

import hmac
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from central.clock import office_now
from central.db.database import Database
from central.marks import public
from central.polling import links, messages
from central.polling.links import LinkEnded, TooOften
from central.polling.messages import OLD
from central.tickets.errors import CaseMissing, Unfit
from central.web import dispatches, forms
from central.web.front import language_of, render
from central.web.public_page import HIDDEN, hidden
from central.web.refused import in_words

COOKIE: Final = "sightline_station"
Form = Annotated[dict[str, str], Depends(forms.read_form)]
_LINK = [public("a polling station has no account: an unguessable link shows its messages, and nothing else")]
_MOST: Final = 30
#: What is older is of another day.
_SHOWN: Final = 4 * OLD


def add(pages: APIRouter, db: Database, secure: bool) -> None:
    """Add /s to `pages`."""

    def page(
        request: Request, problem: str | None = None, status: int = 200, given: dict[str, str] | None = None
    ) -> Response:
        token, say, now = request.cookies.get(COOKIE, ""), language_of(request), office_now()
        try:
            with db.read() as session:
                link, station = links.opened(session, token, now)
                found = messages.listed(session, (), link.site, most=_MOST)
        except LinkEnded as error:
            return hidden(
                render(request, "phone.html", None, status=404, station=None, problem=in_words(error.said, say))
            )
        notes = [dispatches.note(one, now, say) for one in found if one.row.at > now - _SHOWN]
        return hidden(render(
            request, "phone.html", None, status=status, station=station, notes=notes, problem=problem,
            csrf=links.form_token(token), given=given or {},
        ))  # fmt: skip

    @pages.get("/s", dependencies=_LINK)
    def our_messages(request: Request) -> Response:
        return page(request)

    @pages.get("/s/{token}", dependencies=_LINK)
    def come_in(token: str) -> Response:
        answer = RedirectResponse("/s", 303, HIDDEN | {"Cache-Control": "no-store"})
        now = office_now()
        try:
            with db.read() as session:
                link, _ = links.opened(session, token, now)
        except LinkEnded:
            answer.delete_cookie(COOKIE, path="/s")
            return answer
        left = max(timedelta(0), link.expires_at - now)
        answer.set_cookie(
            COOKIE, token, max_age=int(left.total_seconds()), path="/s", httponly=True, secure=secure, samesite="lax"
        )
        return answer

    @pages.post("/s/answers", dependencies=_LINK)
    def we_have_read_it(request: Request, form: Form) -> Response:
        token, say = request.cookies.get(COOKIE, ""), language_of(request)
        if not hmac.compare_digest(form.get("csrf", "").encode(), links.form_token(token).encode()):
            return page(request, say("error.csrf"), 403, form)
        try:
            number = forms.number_in(form.get("message", ""))
            with db.write() as session:
                links.answer(session, token, number, form.get("name", ""), form.get("note", ""), office_now())
        except (LinkEnded, TooOften, CaseMissing, Unfit) as error:
            return page(request, in_words(error.said, say), error.status, form)
        return RedirectResponse("/s", 303, HIDDEN | {"Cache-Control": "no-store"})


__all__ = ["COOKIE", "add"]
