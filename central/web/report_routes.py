"""The pages of reports, and the same as files."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from central import printing
from central.accounts.permissions import Permission
from central.clock import office_now
from central.db.database import Database
from central.db.learning import CaseFact
from central.marks import needs
from central.reports import files, report, tables
from central.reports.ask import MOST_STEPS, Ask, Step
from central.sites.areas import EVERYWHERE
from central.tickets.errors import Unfit
from central.turns import Turns
from central.web import reports
from central.web.front import HERE, language_of, render, user_asking
from central.web.language import Language
from contract.events import Rule

_SEES = [needs(Permission.REPORTS_SEE)]
#: Media types of the files that a report can be saved as.
FILE_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
_DAYS = 30
#: The page that a PDF is made of, and how it looks.
_PRINT = Path(report.__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Given:
    """What stands in the address, as text: a person may have written it."""

    first: Annotated[str, Query(alias="from", max_length=40)] = ""
    last: Annotated[str, Query(alias="to", max_length=40)] = ""
    step: Annotated[str, Query(max_length=10)] = ""
    rule: Annotated[str, Query(max_length=200)] = ""
    site: Annotated[str, Query(max_length=200)] = ""
    camera: Annotated[str, Query(max_length=200)] = ""


Asked = Annotated[Given, Depends()]


def add(pages: APIRouter, db: Database, turns: Turns) -> None:
    """Add the pages under /reports to `pages`; a PDF is set in one of `turns`."""

    @pages.get("/reports", dependencies=_SEES)
    def figures(request: Request, given: Asked) -> Response:
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            ask = asked(session, given, user.areas)
        with db.read() as session:
            made = report.report(session, ask, people=user.may(Permission.REPORTS_PEOPLE))
        with db.read() as session:
            sites, cameras = report.choices(session, user.areas)
        return render(
            request, "reports.html", user, section="reports", made=made, parts=reports.parts(made, say),
            about=reports.about(made, say), query=reports.query_of(ask), spans=_spans(ask, say), sites=sites,
            cameras=cameras, rules=list(Rule), steps=list(Step), kinds=list(FILE_TYPES),
        )  # fmt: skip

    @pages.get("/reports/file/{kind}", dependencies=_SEES)
    def file(request: Request, kind: str, given: Asked) -> Response:
        user, say = user_asking(request), language_of(request)
        if kind not in FILE_TYPES:
            raise HTTPException(404)
        with db.read() as session:
            ask = asked(session, given, user.areas)
        with db.read() as session:
            made = report.report(session, ask, people=user.may(Permission.REPORTS_PEOPLE))
        name = f"report-{ask.first}-{ask.last}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        with turns.one() if kind == "pdf" else nullcontext():
            raw = as_file(made, kind, say)
        return Response(raw, media_type=FILE_TYPES[kind], headers=headers)


def as_file(made: report.Report, kind: str, say: Language) -> bytes:
    """The report as `csv`, `xlsx` or `pdf`. Raises CannotPrint."""
    found = tables.tables(made, say)
    if kind == "csv":
        return files.as_csv(found)
    about = reports.about(made, say)
    if kind == "xlsx":
        return files.as_xlsx(found, about)
    shown = _printed().get_template("print.html").render(say=say, about=about, parts=reports.parts(made, say))
    return printing.pdf(shown, (_PRINT / "print.css").read_text(encoding="utf-8"))


@cache
def _printed() -> Environment:
    """What is printed: no page of the web front, with its tables of figures."""
    return Environment(
        loader=FileSystemLoader([_PRINT, HERE / "templates"]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def asked(session: Session, given: Given, areas: frozenset[str] = EVERYWHERE) -> Ask:
    """What the address asks for; without days the last thirty that have captures. Raises Unfit."""
    last = _day(given.last) or _newest(session)
    step = Step(given.step) if given.step in set(Step) else None
    first = _day(given.first) or last - timedelta(days=_DAYS - 1)
    if step is None:
        step = Step.DAY if (last - first).days < MOST_STEPS["day"] // 4 else Step.WEEK
    return Ask(first, last, step, given.rule or None, given.site or None, given.camera or None, areas)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the sites, no moment
    except ValueError:
        raise Unfit(f"{text[:40]!r} is no day - write it as 2026-11-21", "report.day", day=text[:40]) from None


def _newest(session: Session) -> date:
    """The newest day of any site: somewhere it may be tomorrow already."""
    today = office_now().date()
    newest = session.execute(select(func.max(CaseFact.day))).scalar_one()
    if newest is None:
        return today
    return max(today, min(date(newest // 10_000, newest // 100 % 100, newest % 100), today + timedelta(days=1)))


def _spans(ask: Ask, say: Language) -> list[tuple[str, str, bool]]:
    """(words, query, whether it is what is shown) of spans that people ask for."""
    today = office_now().date()
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    given = [
        ("week", today - timedelta(days=6), today, Step.DAY),
        ("month", month, today, Step.DAY),
        ("month_before", before, month - timedelta(days=1), Step.DAY),
        ("year", today.replace(month=1, day=1), today, Step.MONTH),
    ]
    shown = []
    for name, first, last, step in given:
        query = reports.query_of(ask, **{"from": first.isoformat(), "to": last.isoformat(), "step": str(step)})
        shown.append((say(f"report.spans.{name}"), query, (ask.first, ask.last, ask.step) == (first, last, step)))
    return shown


__all__ = ["FILE_TYPES", "add", "as_file", "asked"]
