"""Tell the party: who waits for a notice, letters as PDF, and objections - verified, then answered."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from central.accounts.permissions import Permission
from central.accounts.service import SignedInUser
from central.after import After
from central.db.accounts import ViewLog
from central.db.database import Database
from central.marks import needs
from central.notices import appeals, service, settling
from central.notices.letters import Letters
from central.notices.stills import PublicStills
from central.tickets import decisions, queue
from central.web import forms
from central.web.front import acting, language_of, render, user_asking
from central.web.sign_in_routes import to
from central.workflow.said import Said
from contract.events import now

Form = Annotated[dict[str, str], Depends(forms.read_form)]
Fields = Mapping[str, str]
_Left = list[tuple[str, Said]]
_Step = Callable[[Session, str, int, SignedInUser, Fields], object]
_SEES, _DECIDES = [needs(Permission.CASES_SEE)], [needs(Permission.CASES_DECIDE)]
_WHY = "letter"


def add(pages: APIRouter, db: Database, stills: PublicStills, letters: Letters, after: After) -> None:
    """Add the pages under /notices, and what is done about objections to a case, to `pages`."""
    _add_list(pages, db, after)
    _add_letters(pages, db, stills, letters)
    _add_steps(pages, db, after)


def _add_list(pages: APIRouter, db: Database, after: After) -> None:
    def page(
        request: Request, left: _Left | None = None, done: int | None = None, settled: int | None = None
    ) -> Response:
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            waits, letters = service.waiting(session, areas=user.areas), service.issued(session, areas=user.areas)
            unsettled = settling.waiting(session, user.areas)
        kinds = {kind: say(f"notice.kind.{kind}") for kind in (service.NOTICE, service.CANCELLED, service.UPHELD)}
        return render(
            request, "notices.html", user, section="after", tab="notices", waiting=waits, letters=letters, kinds=kinds,
            left=left or [], done=done, settled=settled, unsettled=unsettled, most=settling.MOST,
        )  # fmt: skip

    @pages.get("/notices", dependencies=_SEES)
    def to_tell(request: Request) -> Response:
        return page(request)

    @pages.post("/notices", dependencies=_DECIDES)
    def tell(request: Request, form: Form) -> Response:
        user = acting(request, db, form)
        done, left = service.issue_all(db, user, after.notices)
        return page(request, left, len(done))

    @pages.post("/notices/handled", dependencies=_DECIDES)
    def settle(request: Request, form: Form) -> Response:
        user = acting(request, db, form)
        chosen = {name.removeprefix("case-"): forms.number_in(form[name]) for name in form if name.startswith("case-")}
        numbers = settling.numbers_of(" ".join([*chosen, form.get("numbers", "")]))
        done, left = settling.settle(db, user, numbers, chosen, form.get("note", ""))
        return page(request, left, settled=len(done))


def _add_letters(pages: APIRouter, db: Database, stills: PublicStills, letters: Letters) -> None:
    @pages.get("/notices/{number}/letter", dependencies=_SEES)
    def set_letter(request: Request, number: str) -> Response:
        user = user_asking(request)
        with db.read() as session:
            notice = service.named(session, number)
            gathered = stills.of(session, notice)
        raw = letters.pdf(notice, gathered)
        shown = [one["sha256"] for one in notice.said["stills"]]
        with db.write() as session:
            session.add(ViewLog(at=now(), user_id=user.id, case_id=notice.case_id, why=_WHY, media=shown))
        return as_pdf(raw, notice.number)


def _add_steps(pages: APIRouter, db: Database, after: After) -> None:
    rules = after.notices

    def brought(session: Session, number: str, version: int, user: SignedInUser, form: Fields) -> object:
        return appeals.brought(session, number, version, user, form.get("text", ""), form.get("ground") or None)

    def verify(session: Session, number: str, version: int, user: SignedInUser, form: Fields) -> object:
        return appeals.verify(session, number, version, user, form.get("ground", ""), form.get("note", ""))

    def cancel(session: Session, number: str, version: int, user: SignedInUser, form: Fields) -> object:
        return appeals.cancel(session, number, version, user, form.get("note", ""), rules)

    def uphold(session: Session, number: str, version: int, user: SignedInUser, form: Fields) -> object:
        return appeals.uphold(session, number, version, user, form.get("note", ""), rules)

    def handled(session: Session, number: str, version: int, user: SignedInUser, form: Fields) -> object:
        return service.handled(session, number, version, user, form.get("note", ""))

    def extended(session: Session, number: str, version: int, user: SignedInUser, form: Fields) -> object:
        return decisions.step(session, number, version, user, "extend", note=form.get("note", ""))

    steps: dict[str, _Step] = {
        "objection": brought,
        "objection/verify": verify,
        "objection/cancel": cancel,
        "objection/uphold": uphold,
        "handled": handled,
        "extended": extended,
    }
    for address, step in steps.items():
        _add_step(pages, db, address, step)


def _add_step(pages: APIRouter, db: Database, address: str, step: _Step) -> None:
    @pages.post(f"/cases/{{number}}/{address}", dependencies=_DECIDES, name=address)
    def take(request: Request, number: str, form: Form) -> Response:
        """The step, then the case again."""
        user, version = acting(request, db, form), forms.version_of(form)
        with db.write() as session:
            step(session, number, version, user, form)
            # The number as the database has it: nothing else becomes part of an address.
            known = queue.found(session, number).number
        return to(f"/cases/{known}")


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


__all__ = ["add", "as_pdf"]
