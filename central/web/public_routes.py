"""The public page /q: a notice by its number and the end of its plate, without signing in. Pictures and letters too."""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, RedirectResponse

from central.after import After
from central.db.database import Database
from central.db.notices import Notice
from central.marks import public
from central.notices import public as open_page
from central.notices import service
from central.notices.errors import PassEnded, TooOften, WrongKey
from central.notices.letters import Letters
from central.notices.stills import PublicStills
from central.web import forms
from central.web.notice_routes import as_pdf
from central.web.public_page import (
    COOKIE,
    HIDDEN,
    address_of,
    entry_page,
    hidden,
    notice_page,
    opened,
    seen,
    until,
)

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_Found = TypeVar("_Found")
_ANYBODY = [public("the party has no account: a number and the end of the plate open it, and tries are counted")]


def add(pages: APIRouter, db: Database, stills: PublicStills, letters: Letters, after: After, secure: bool) -> None:
    """Add /q and what is looked at below it to `pages`."""
    _add_entry(pages, db, after, secure)
    _add_notice(pages, db, stills, after)
    _add_still(pages, db, stills)
    _add_letter(pages, db, stills, letters)


def _add_entry(pages: APIRouter, db: Database, after: After, secure: bool) -> None:
    @pages.get("/q", dependencies=_ANYBODY)
    def ask(request: Request) -> Response:
        return entry_page(request, after)

    @pages.post("/q", dependencies=_ANYBODY)
    async def show(request: Request, form: Form) -> Response:
        begun = time.monotonic()
        try:
            token = await asyncio.to_thread(
                open_page.enter, db, form.get("number", ""), form.get("plate", ""), address_of(request), after.notices
            )
        except (WrongKey, TooOften) as refusal:
            await until(begun)
            return entry_page(request, after, refusal.status, form.get("number", "")[:40])
        await until(begun)
        return opened(RedirectResponse("/q/notice", 303, HIDDEN | {"Cache-Control": "no-store"}), token, secure)

    @pages.post("/q/leave", dependencies=[*_ANYBODY, Depends(forms.read_form)])
    def leave(request: Request) -> Response:
        with db.write() as session:
            open_page.leave(session, request.cookies.get(COOKIE))
        answer = RedirectResponse("/q", 303, HIDDEN)
        answer.delete_cookie(COOKIE, path="/q")
        return answer


def _add_notice(pages: APIRouter, db: Database, stills: PublicStills, after: After) -> None:
    @pages.get("/q/notice", dependencies=_ANYBODY)
    def shown(request: Request) -> Response:
        try:
            notice, found = _read(request, db, lambda session, notice: seen(session, notice, stills))
        except PassEnded:
            return _again()
        answer = notice_page(request, found, stills, after, request.cookies.get(COOKIE, ""))
        _note(request, db, notice, "page")
        return answer


def _add_still(pages: APIRouter, db: Database, stills: PublicStills) -> None:
    @pages.get("/q/still/{sha256}", dependencies=_ANYBODY)
    def still(request: Request, sha256: str) -> Response:
        try:
            notice, kept = _read(request, db, stills.of)
        except PassEnded:
            return _again()
        found = next((stills.made(one) for one in kept if one.sha256 == sha256), None)
        if found is None:
            return _nothing()
        _note(request, db, notice, "still", sha256[:64])
        headers = HIDDEN | {"Cache-Control": "private, no-store"}
        return FileResponse(found.path, media_type="image/jpeg", headers=headers)


def _add_letter(pages: APIRouter, db: Database, stills: PublicStills, letters: Letters) -> None:
    @pages.get("/q/letters/{number}", dependencies=_ANYBODY)
    def as_letter(request: Request, number: str) -> Response:
        def look(session: Session, notice: Notice) -> list[Notice]:
            return [one for one in service.of_case(session, notice.case_id) if one.number == number]

        try:
            notice, asked = _read(request, db, look)
        except PassEnded:
            return _again()
        if not asked:
            return _nothing()
        open_page.fetch(db, address_of(request))
        with db.read() as session:
            gathered = stills.of(session, asked[0])
        answer = hidden(as_pdf(letters.pdf(asked[0], gathered), asked[0].number))
        _note(request, db, notice, "letter")
        return answer


def _read(request: Request, db: Database, look: Callable[[Session, Notice], _Found]) -> tuple[Notice, _Found]:
    """The notice that this browser may see, and what `look` reads of it. Raises PassEnded."""
    with db.read() as session:
        notice = open_page.notice_of(session, request.cookies.get(COOKIE))
        return notice, look(session, notice)


def _note(request: Request, db: Database, notice: Notice, what: str, sha256: str | None = None) -> None:
    with db.write() as session:
        open_page.note(session, notice, address_of(request), what, sha256)


def _again() -> Response:
    return RedirectResponse("/q?again=1", 303, HIDDEN)


def _nothing() -> Response:
    return Response("not here", 404, HIDDEN, "text/plain")


__all__ = ["add"]
