"""Approvals: what waits for a second person, who asked and why; approve, refuse, take back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from central.accounts.errors import BadAccount
from central.accounts.permissions import Permission
from central.approvals import requests
from central.db.database import Database
from central.marks import needs
from central.web import approval_words, forms
from central.web.front import acting, language_of, render, user_asking
from central.web.sign_in_routes import to

Form = Annotated[dict[str, str], Depends(forms.read_form)]
_SEES, _ACTS = [needs(Permission.APPROVALS_SEE)], [needs(Permission.APPROVALS_ACT)]


def add(pages: APIRouter, db: Database) -> None:
    """Add the pages under /approvals to `pages`."""

    def page(request: Request, problem: str | None = None, status: int = 200) -> Response:
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            waiting, over = (
                [approval_words.item(one, session, say) for one in some] for some in requests.listed(session, user)
            )
        return render(
            request, "approvals.html", user, status=status, section="approvals", problem=problem,
            waiting=waiting, over=over,
        )  # fmt: skip

    @pages.get("/approvals", dependencies=_SEES)
    def what_waits(request: Request) -> Response:
        return page(request)

    @pages.post("/approvals/{key}/approve", dependencies=_ACTS)
    def approve(request: Request, key: str, form: Form) -> Response:
        return decided(request, key, form, approve=True)

    @pages.post("/approvals/{key}/refuse", dependencies=_ACTS)
    def refuse(request: Request, key: str, form: Form) -> Response:
        return decided(request, key, form, approve=False)

    @pages.post("/approvals/{key}/withdraw", dependencies=_ACTS)
    def withdraw(request: Request, key: str, form: Form) -> Response:
        user = acting(request, db, form)
        try:
            with db.write() as session:
                requests.withdraw(session, user, key)
        except BadAccount as error:
            return page(request, language_of(request)(error.key, **error.values), error.status)
        return to("/approvals")

    def decided(request: Request, key: str, form: dict[str, str], *, approve: bool) -> Response:
        user = acting(request, db, form)
        try:
            with db.write() as session:
                made = requests.decide(session, user, key, approve=approve, note=form.get("note", ""))
                name = str(requests.find(session, user, key).what.get("name", ""))
        except BadAccount as error:
            return page(request, language_of(request)(error.key, **error.values), error.status)
        if made.half is not None:
            # Shown this once. Never a redirect: an address is kept by browsers and proxies.
            return render(
                request, "one_time.html", user, section="approvals", name=name, password=made.half, half="second"
            )
        return to("/approvals")


__all__ = ["add"]
