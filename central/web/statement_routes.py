"""What the party says against a notice. Whatever stands in the way, their words are shown to them again."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from central.after import After
from central.db.database import AWAY, Database
from central.marks import public
from central.notices import public as open_page
from central.notices.errors import Closed, PassEnded, TooOften, WrongKey
from central.notices.stills import PublicStills
from central.web import forms
from central.web.front import language_of
from central.web.public_page import (
    COOKIE,
    HIDDEN,
    Draft,
    address_of,
    notice_page,
    opened,
    seen,
    statement_page,
    until,
)
from central.web.refused import in_words

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_ANYBODY = [public("the party has no account: a number and the end of the plate open it, and tries are counted")]


def add(pages: APIRouter, db: Database, stills: PublicStills, after: After, secure: bool) -> None:
    """Add the sending of statements to `pages`."""

    @pages.post("/q/statement", dependencies=_ANYBODY)
    async def say_it(request: Request, form: Form) -> Response:
        draft = Draft(form.get("number", "")[:40], form.get("text", ""), form.get("ground", "")[:2])
        held = request.cookies.get(COOKIE, "")
        if "plate" not in form:
            if form.get("csrf") != open_page.token_for_form(held):
                return statement_page(request, after, draft, "q.statement.pass", 401)
            return await asyncio.to_thread(_sent, request, db, stills, after, draft, held)
        # The pass had ended while they wrote: number and plate came with the words.
        begun = time.monotonic()
        try:
            token = await asyncio.to_thread(
                open_page.enter, db, draft.number, form["plate"], address_of(request), after.notices
            )
        except (WrongKey, TooOften) as refusal:
            await until(begun)
            return statement_page(request, after, draft, f"q.refused.{refusal.status}", refusal.status)
        except AWAY:
            return statement_page(request, after, draft, "q.statement.away", 503)
        await until(begun)
        return opened(await asyncio.to_thread(_sent, request, db, stills, after, draft, token), token, secure)


def _sent(request: Request, db: Database, stills: PublicStills, after: After, draft: Draft, token: str) -> Response:
    """What the party is told after their words were handed in: that they were received, or the words and why not."""
    try:
        open_page.say(db, token, draft.text, draft.ground or None, address_of(request))
    except PassEnded:
        return statement_page(request, after, draft, "q.statement.pass", 401)
    except AWAY:
        csrf = open_page.token_for_form(token)
        return statement_page(request, after, draft, "q.statement.away", 503, csrf)
    except (Closed, TooOften) as refusal:
        say = language_of(request)
        problem = say("q.statement.not_taken", why=in_words(refusal.said, say))
        with db.read() as session:
            found = seen(session, open_page.notice_of(session, token), stills)
        return notice_page(request, found, stills, after, token, draft=draft, problem=problem, status=refusal.status)
    return RedirectResponse("/q/notice?said=1#answer", 303, HIDDEN)


__all__ = ["add"]
