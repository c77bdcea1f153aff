"""What /q shows: the form that opens a notice, the notice, and a statement that is being written."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request, Response
from sqlalchemy.orm import Session

from central.after import After
from central.db.cases import Case
from central.db.notices import Notice, Statement
from central.notices import public as open_page
from central.notices import service
from central.notices.stills import PublicStills, Still
from central.notices.text import words
from central.tickets.reasons import GROUNDS
from central.web.front import language_of, render
from central.web.language import Language

COOKIE: Final = "sightline_notice"
#: Every try is answered after this, whatever it was: how long it took tells nothing (s).
ANSWER_S: Final = 0.4
HIDDEN: Final = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Draft:
    """What the party has written and what was not taken yet, about the notice of that number."""

    number: str = ""
    text: str = ""
    ground: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a notice's page tells, read in one session; its pictures are made after it."""

    notice: Notice
    case: Case
    statements: Sequence[Statement]
    letters: Sequence[Notice]
    stills: Sequence[Still]
    open: bool


def seen(session: Session, notice: Notice, stills: PublicStills) -> Seen:
    """Everything that stands on the page of `notice`."""
    case = session.get_one(Case, notice.case_id)
    letters = [one for one in service.of_case(session, case.id) if one.id != notice.id]
    return Seen(
        notice,
        case,
        service.statements(session, case.id),
        letters,
        stills.of(session, notice),
        open_page.open_to(session, case, notice),
    )


def notice_page(
    request: Request, found: Seen, stills: PublicStills, after: After, token: str, *,
    draft: Draft | None = None, problem: str | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """The notice; with `draft`, a statement that was not taken because of `problem` (a sentence): it is shown again."""
    say, case, notice = language_of(request), found.case, found.notice
    return hidden(render(
        request, "q_notice.html", None, status=status, notice=notice, statements=found.statements,
        stills=stills.nameable(found.stills), letters=found.letters,
        state=say.known(f"q.state.{case.state}", say("q.state.other")), open=found.open,
        csrf=open_page.token_for_form(token), **_writing(say, after),
        thanks="said" in request.query_params, draft=draft or Draft(notice.number),
        problem=problem, public=True,
    ))  # fmt: skip


def statement_page(
    request: Request, after: After, draft: Draft, problem: str, status: int, csrf: str | None = None
) -> Response:
    """A statement that waits for number and plate to be shown again, or with `csrf` only to be sent again."""
    say = language_of(request)
    return hidden(render(
        request, "q_statement.html", None, status=status, draft=draft, problem=say(problem), csrf=csrf,
        suffix=after.notices.suffix, public=True, **_writing(say, after),
    ))  # fmt: skip


def entry_page(request: Request, after: After, status: int = 200, number: str = "") -> Response:
    """The form that opens a notice, with why it did not."""
    say = language_of(request)
    key = f"q.refused.{status}"
    problem = say(key) if key in say.sentences else None
    if status == 200 and request.query_params.get("again") is not None:
        problem = say("q.refused.401")
    return hidden(render(
        request, "q.html", None, status=status, problem=problem, number=number, suffix=after.notices.suffix,
        office=after.notices.office, public=True,
    ))  # fmt: skip


def hidden(answer: Response) -> Response:
    """`answer`, for no search engine and no other site."""
    for name, value in HIDDEN.items():
        answer.headers[name] = value
    return answer


def opened(answer: Response, token: str, secure: bool) -> Response:
    """`answer`, after which this browser may see the notice of `token`."""
    answer.set_cookie(
        COOKIE, token, max_age=int(open_page.PASS_LIFE.total_seconds()), path="/q", httponly=True, secure=secure,
        samesite="strict",
    )  # fmt: skip
    return answer


def address_of(request: Request) -> str:
    """Where the request comes from, behind the proxies of the settings."""
    return request.client.host if request.client else "unknown"


async def until(begun: float) -> None:
    """Wait until a try that began at `begun` (monotonic, s) may be answered."""
    await asyncio.sleep(max(0.0, begun + ANSWER_S - time.monotonic()))


def _writing(say: Language, after: After) -> dict[str, object]:
    return {
        "grounds": list(GROUNDS), "ground_words": words("zh-CN" if say.tag == "zh-CN" else "en"),
        "office": after.notices.office,
    }  # fmt: skip


__all__ = [
    "ANSWER_S", "COOKIE", "HIDDEN", "Draft", "Seen", "address_of", "entry_page", "hidden", "notice_page", "opened",
    "seen", "statement_page", "until",
]  # fmt: skip
