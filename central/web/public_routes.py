"""The public page /q: a notice by its number and the end of its plate, without signing in, and what the party says."""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, RedirectResponse

from central.after import After
from central.db.cases import Case
from central.db.database import Database
from central.db.notices import Notice
from central.marks import public
from central.notices import letter, service
from central.notices import public as open_page
from central.notices.errors import Closed, PassEnded, TooOften, WrongKey
from central.notices.stills import PublicStills
from central.notices.text import words
from central.tickets.reasons import GROUNDS
from central.web import forms
from central.web.front import language_of, render
from central.web.notice_routes import as_pdf

Form = Annotated[dict[str, str], Depends(forms.read_form)]
COOKIE: Final = "sightline_notice"
#: Every try is answered after this, whatever it was: how long it took tells nothing (s).
ANSWER_S: Final = 0.4
HIDDEN: Final = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Referrer-Policy": "no-referrer"}
_Look = Callable[[Session, Notice], Response]
_ANYBODY = [public("the party has no account: a number and the end of the plate open it, and tries are counted")]


def add(pages: APIRouter, db: Database, stills: PublicStills, after: After, secure: bool) -> None:
    """Add /q and what lies below it to `pages`."""
    _add_entry(pages, db, after, secure)
    _add_notice(pages, db, stills)
    _add_statement(pages, db, after)


def _add_entry(pages: APIRouter, db: Database, after: After, secure: bool) -> None:
    @pages.get("/q", dependencies=_ANYBODY)
    def ask(request: Request) -> Response:
        return _form(request, after)

    @pages.post("/q", dependencies=_ANYBODY)
    async def show(request: Request, form: Form) -> Response:
        begun = time.monotonic()
        try:
            token = await asyncio.to_thread(
                open_page.enter, db, form.get("number", ""), form.get("plate", ""), address_of(request), after.notices
            )
        except (WrongKey, TooOften) as refusal:
            await _until(begun)
            return _form(request, after, refusal.status, form.get("number", "")[:40])
        await _until(begun)
        answer = RedirectResponse("/q/notice", 303, HIDDEN | {"Cache-Control": "no-store"})
        answer.set_cookie(
            COOKIE, token, max_age=int(open_page.PASS_LIFE.total_seconds()), path="/q", httponly=True, secure=secure,
            samesite="strict",
        )  # fmt: skip
        return answer

    @pages.post("/q/leave", dependencies=[*_ANYBODY, Depends(forms.read_form)])
    def leave(request: Request) -> Response:
        with db.write() as session:
            open_page.leave(session, request.cookies.get(COOKIE))
        answer = RedirectResponse("/q", 303, HIDDEN)
        answer.delete_cookie(COOKIE, path="/q")
        return answer


def _add_notice(pages: APIRouter, db: Database, stills: PublicStills) -> None:
    @pages.get("/q/notice", dependencies=_ANYBODY)
    def shown(request: Request) -> Response:
        return _opened(request, db, lambda session, notice: _page(request, session, notice, stills))

    @pages.get("/q/still/{sha256}", dependencies=_ANYBODY)
    def still(request: Request, sha256: str) -> Response:
        def look(session: Session, notice: Notice) -> Response:
            found = stills.one(session, notice, sha256)
            if found is None:
                return Response("not here", 404, HIDDEN, "text/plain")
            headers = HIDDEN | {"Cache-Control": "private, no-store"}
            return FileResponse(found.path, media_type="image/jpeg", headers=headers)

        return _opened(request, db, look, "still", sha256)

    @pages.get("/q/letters/{number}", dependencies=_ANYBODY)
    def as_letter(request: Request, number: str) -> Response:
        def look(session: Session, notice: Notice) -> Response:
            asked = next((one for one in service.of_case(session, notice.case_id) if one.number == number), None)
            if asked is None:
                return Response("not here", 404, HIDDEN, "text/plain")
            return as_pdf(letter.pdf(asked, stills.of(session, asked)), asked.number)

        return _opened(request, db, look, "letter")


def _add_statement(pages: APIRouter, db: Database, after: After) -> None:
    @pages.post("/q/statement", dependencies=_ANYBODY)
    def say_it(request: Request, form: Form) -> Response:
        token = request.cookies.get(COOKIE, "")
        if form.get("csrf") != open_page.token_for_form(token):
            return _form(request, after, 401)
        try:
            open_page.say(db, token, form.get("text", ""), form.get("ground") or None, address_of(request))
        except PassEnded:
            return _form(request, after, 401)
        except (Closed, TooOften) as refusal:
            return RedirectResponse(f"/q/notice?refused={refusal.status}#say", 303, HIDDEN)
        return RedirectResponse("/q/notice?said=1#answer", 303, HIDDEN)


def address_of(request: Request) -> str:
    """Where the request comes from, behind the proxies of the settings."""
    return request.client.host if request.client else "unknown"


def _opened(request: Request, db: Database, look: _Look, what: str = "page", sha256: str | None = None) -> Response:
    """What `look` shows of the notice that this browser may see, put on record; else the way back to the form."""
    with db.read() as session:
        try:
            notice = open_page.notice_of(session, request.cookies.get(COOKIE))
        except PassEnded:
            return RedirectResponse("/q?again=1", 303, HIDDEN)
        answer = look(session, notice)
    if answer.status_code < 400:
        with db.write() as session:
            open_page.note(session, notice, address_of(request), what, sha256[:64] if sha256 else None)
    for name, value in HIDDEN.items():
        answer.headers[name] = value
    return answer


def _page(request: Request, session: Session, notice: Notice, stills: PublicStills) -> Response:
    case = session.get_one(Case, notice.case_id)
    said = service.statements(session, case.id)
    say = language_of(request)
    return render(
        request, "q_notice.html", None, notice=notice, case=case, statements=said, stills=stills.of(session, notice),
        letters=[one for one in service.of_case(session, case.id) if one.id != notice.id],
        state=say.known(f"q.state.{case.state}", say("q.state.other")), open=open_page.open_to(case, notice),
        csrf=open_page.token_for_form(request.cookies.get(COOKIE, "")), grounds=list(GROUNDS),
        ground_words=words("zh-CN" if say.tag == "zh-CN" else "en"), thanks="said" in request.query_params,
        refused="refused" in request.query_params, public=True,
    )  # fmt: skip


def _form(request: Request, after: After, status: int = 200, number: str = "") -> Response:
    say = language_of(request)
    key = f"q.refused.{status}"
    problem = say(key) if key in say.sentences else None
    if status == 200 and request.query_params.get("again") is not None:
        problem = say("q.refused.401")
    answer = render(
        request, "q.html", None, status=status, problem=problem, number=number, suffix=after.notices.suffix,
        office=after.notices.office, public=True,
    )  # fmt: skip
    for name, value in HIDDEN.items():
        answer.headers[name] = value
    return answer


async def _until(begun: float) -> None:
    await asyncio.sleep(max(0.0, begun + ANSWER_S - time.monotonic()))


__all__ = ["ANSWER_S", "COOKIE", "add", "address_of"]
