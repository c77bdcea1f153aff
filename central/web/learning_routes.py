"""The pages of what decisions teach: precision, cameras in shadow, and what those said there."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from starlette.responses import FileResponse

from central.accounts.permissions import Permission
from central.accounts.sessions import SignedInUser
from central.clock import office_now
from central.db.database import Database
from central.db.learning import CaseFact
from central.learning import floor, log, precision, shadow
from central.learning.floor import Floor
from central.marks import needs
from central.media.store import MediaStore
from central.reports.ask import number_of
from central.reports.facts import as_of
from central.retention import certificates
from central.sites.areas import within
from central.tickets.errors import CaseMissing
from central.tickets.reasons import REASONS
from central.web import forms, learning
from central.web.case_routes import SHOWN
from central.web.front import acting, language_of, render, user_asking
from central.web.sign_in_routes import to

Form = Annotated[dict[str, str], Depends(forms.read_form)]
Name = Annotated[str, Query(max_length=200)]
_SEES = [needs(Permission.REPORTS_SEE)]
_LOOKS, _LABELS = [needs(Permission.CASES_SEE)], [needs(Permission.CASES_DECIDE)]
_PAGE = 50


def add(pages: APIRouter, db: Database, media: MediaStore, held_to: Floor) -> None:
    """Add the pages under /learning to `pages`. Who has areas sees the precision of their sites, and no shadows."""
    _add_figures(pages, db, held_to)
    _add_shadow(pages, db)
    _add_matter(pages, db, media)


def _add_figures(pages: APIRouter, db: Database, held_to: Floor) -> None:
    @pages.get("/learning", dependencies=_SEES)
    def figures(request: Request) -> Response:
        user, say = user_asking(request), language_of(request)
        first = number_of((office_now() - held_to.window).date())
        among = [CaseFact.day >= first, *within(CaseFact.site, user.areas)]
        with db.read() as session:
            parts = [
                learning.cameras(_cameras(session, among), held_to, say),
                learning.hours(precision.tallies(session, precision.HOUR, among), say),
                learning.reasons(precision.reasons(session, among), say),
            ]
            rows = [] if user.areas else [(one, shadow.counted(session, one)) for one in floor.shadows(session)]
            changes = [] if user.areas else [(one, learning.line(one, say)) for one in log.changes(session)]
            made = as_of(session)
        return render(
            request, "learning.html", user, section="learning", parts=parts, shadows=learning.shadows(rows, say),
            changes=changes, floor=held_to, made=made, days=held_to.window // timedelta(days=1),
        )  # fmt: skip

    @pages.post("/learning/lift", dependencies=[needs(Permission.SHADOWS_LIFT)])
    def lift(request: Request, form: Form) -> Response:
        user = acting(request, db, form)
        _everywhere(user)
        camera = (form.get("edge", ""), form.get("camera", ""), form.get("rule", ""))
        with db.write() as session:
            floor.lift(session, camera, user.name, form.get("why", ""))
        return to("/learning")


def _cameras(session: Session, among: list[ColumnElement[bool]]) -> list[precision.Tally]:
    return precision.judged_alone(session, precision.tallies(session, precision.CAMERA, among), among)


def _add_shadow(pages: APIRouter, db: Database) -> None:
    @pages.get("/learning/shadows", dependencies=_LOOKS)
    def said(request: Request, edge: Name = "", camera: Name = "", rule: Name = "", after: str = "") -> Response:
        user, say = user_asking(request), language_of(request)
        _everywhere(user)
        behind = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else None
        with db.read() as session:
            rows = shadow.listed(session, (edge, camera, rule), behind, _PAGE + 1)
            drawn = shadow.sample(session, (edge, camera, rule), 1)
        return render(
            request, "shadows.html", user, section="learning", rows=rows[:_PAGE], drawn=drawn[0] if drawn else None,
            name=learning.camera_name(edge, camera, rule, say), more=rows[_PAGE - 1].id if len(rows) > _PAGE else None,
            query=learning.query_of(rows[0]) if rows else "",
        )  # fmt: skip


def _add_matter(pages: APIRouter, db: Database, media: MediaStore) -> None:
    @pages.get("/learning/shadow/{number}", dependencies=_LOOKS)
    def one(request: Request, number: str) -> Response:
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            seen = shadow.seen(session, _numbered(number))
            gone = certificates.of_objects(session, [one for one in seen.names if one not in seen.ready])
        with db.write() as session:
            shadow.look(session, seen.row.id, user.name, sorted(seen.ready))
        row = seen.row
        return render(
            request, "shadow.html", user, section="learning", seen=seen, gone=gone, reasons=list(REASONS),
            labels=shadow.LABELS, name=learning.camera_name(row.edge_id, row.camera_id, row.rule, say),
            query=learning.query_of(row),
        )  # fmt: skip

    @pages.post("/learning/shadow/{number}/label", dependencies=_LABELS)
    def label(request: Request, number: str, form: Form) -> Response:
        user = acting(request, db, form)
        what, reason = form.get("label", ""), form.get("reason") or None
        with db.write() as session:
            row = shadow.label(session, _numbered(number), what, reason if what == shadow.WRONG else None, user.name)
            drawn = shadow.sample(session, (row.edge_id, row.camera_id, row.rule), 1)
        return to(f"/learning/shadow/{drawn[0]}" if drawn else f"/learning/shadows?{learning.query_of(row)}")

    @pages.get("/learning/shadow/{number}/media/{sha256}", dependencies=_LOOKS)
    def evidence(request: Request, number: str, sha256: str) -> Response:
        """A still or clip that the page, whose look is on record, shows."""
        user = user_asking(request)
        with db.read() as session:
            seen = shadow.seen(session, _numbered(number))
        if sha256 not in seen.ready:
            raise CaseMissing("this decision names no such still or clip, or it has not arrived yet", "shadow.media")
        kinds = {one.sha256: one.media_type for one in seen.images} | (
            {seen.video.sha256: seen.video.media_type} if seen.video else {}
        )
        with db.write() as session:
            shadow.look(session, seen.row.id, user.name, [sha256])
        try:
            path = media.path(sha256)
        except FileNotFoundError as error:
            raise CaseMissing("the store has lost this still or clip", "media.lost") from error
        kind = kinds[sha256] if kinds[sha256] in SHOWN else "application/octet-stream"
        headers = {
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return FileResponse(path, media_type=kind, headers=headers)


def _numbered(number: str) -> int:
    """The number of a decision in shadow. Raises CaseMissing."""
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise CaseMissing(f"there is no decision {number[:20]!r} in shadow", "shadow.none", number=number[:20])
    return int(number)


def _everywhere(user: SignedInUser) -> None:
    if user.areas:
        raise CaseMissing("what cameras say in shadow is for who sees all areas", "shadow.areas")


__all__ = ["add"]
