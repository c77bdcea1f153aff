"""Tell the party: who waits for a notice, letters as PDF, and objections - verified, then answered."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from central.accounts import sessions
from central.accounts.permissions import Permission
from central.accounts.service import SignedInUser
from central.after import After
from central.db.accounts import ViewLog
from central.db.database import Database
from central.marks import needs
from central.notices import appeals, letter, service
from central.notices.stills import PublicStills
from central.tickets import queue
from central.web import forms
from central.web.front import language_of, render, user_asking
from central.web.sign_in_routes import to
from contract.events import now

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_SEES, _DECIDES = [needs(Permission.CASES_SEE)], [needs(Permission.CASES_DECIDE)]
_WHY = "letter"


def add(pages: APIRouter, db: Database, stills: PublicStills, after: After) -> None:
    """Add the pages under /notices, and what is done about objections to a case, to `pages`."""
    _add_list(pages, db, after)
    _add_letters(pages, db, stills)
    _add_objections(pages, db, after)


def _add_list(pages: APIRouter, db: Database, after: After) -> None:
    def page(request: Request, left: list[tuple[str, str]] | None = None, done: int | None = None) -> Response:
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            waits, letters = service.waiting(session, areas=user.areas), service.issued(session, areas=user.areas)
        kinds = {kind: say(f"notice.kind.{kind}") for kind in (service.NOTICE, service.CANCELLED, service.UPHELD)}
        return render(
            request, "notices.html", user, section="after", tab="notices", waiting=waits, letters=letters, kinds=kinds,
            left=left or [], done=done,
        )  # fmt: skip

    @pages.get("/notices", dependencies=_SEES)
    def to_tell(request: Request) -> Response:
        return page(request)

    @pages.post("/notices", dependencies=_DECIDES)
    def tell(request: Request, form: Form) -> Response:
        user = _acting(request, form)
        done, left = service.issue_all(db, user, after.notices)
        return page(request, left, len(done))


def _add_letters(pages: APIRouter, db: Database, stills: PublicStills) -> None:
    @pages.get("/notices/{number}/letter", dependencies=_SEES)
    def set_letter(request: Request, number: str) -> Response:
        user = user_asking(request)
        with db.read() as session:
            notice = service.named(session, number)
            raw = letter.pdf(notice, stills.of(session, notice))
        shown = [one["sha256"] for one in notice.said["stills"]]
        with db.write() as session:
            session.add(ViewLog(at=now(), user_id=user.id, case_id=notice.case_id, why=_WHY, media=shown))
        return as_pdf(raw, notice.number)


def _add_objections(pages: APIRouter, db: Database, after: After) -> None:
    @pages.post("/cases/{number}/objection", dependencies=_DECIDES)
    def brought(request: Request, number: str, form: Form) -> Response:
        user, version = _acting(request, form), forms.version_of(form)
        with db.write() as session:
            appeals.brought(session, number, version, user, form.get("text", ""), form.get("ground") or None)
        return to(f"/cases/{queue_number(number)}")

    @pages.post("/cases/{number}/objection/verify", dependencies=_DECIDES)
    def verify(request: Request, number: str, form: Form) -> Response:
        user, version = _acting(request, form), forms.version_of(form)
        with db.write() as session:
            appeals.verify(session, number, version, user, form.get("ground", ""), form.get("note", ""))
        return to(f"/cases/{queue_number(number)}")

    @pages.post("/cases/{number}/objection/cancel", dependencies=_DECIDES)
    def cancel(request: Request, number: str, form: Form) -> Response:
        user, version = _acting(request, form), forms.version_of(form)
        with db.write() as session:
            appeals.cancel(session, number, version, user, form.get("note", ""), after.notices)
        return to(f"/cases/{queue_number(number)}")

    @pages.post("/cases/{number}/objection/uphold", dependencies=_DECIDES)
    def uphold(request: Request, number: str, form: Form) -> Response:
        user, version = _acting(request, form), forms.version_of(form)
        with db.write() as session:
            appeals.uphold(session, number, version, user, form.get("note", ""), after.notices)
        return to(f"/cases/{queue_number(number)}")

    @pages.post("/cases/{number}/handled", dependencies=_DECIDES)
    def handled(request: Request, number: str, form: Form) -> Response:
        user, version = _acting(request, form), forms.version_of(form)
        with db.write() as session:
            service.handled(session, number, version, user, form.get("note", ""))
        return to(f"/cases/{queue_number(number)}")

    def queue_number(number: str) -> str:
        """The number as the database has it: nothing else becomes part of an address."""
        with db.read() as session:
            return queue.found(session, number).number


def as_pdf(raw: bytes, number: str) -> Response:
    """A letter, shown by the browser itself, kept by no cache."""
    return Response(
        raw,
        media_type="application/pdf",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'inline; filename="{number}.pdf"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _acting(request: Request, form: dict[str, str]) -> SignedInUser:
    user = user_asking(request)
    sessions.check_csrf(user, form.get("csrf"))
    return user


__all__ = ["add", "as_pdf"]
