"""What officers do with cases: the queue, one case, approve, reject. Pages and the API call these and nothing else.

Each function works within the transaction of the `session` it is given (`Database.read()` for queue and case,
`Database.write()` for approve and reject) and raises `central.tickets.errors.TicketError` with a sentence and a status.
"""

import re
from collections.abc import Mapping

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from central.accounts.service import SignedInUser
from central.db.cases import Case, CaseMedia
from central.db.media import Media
from central.tickets import opening, showing
from central.tickets.errors import CaseMissing, Conflict, NotAllowed, TicketError, Unfit
from central.tickets.review import APPROVED, REJECTED, REVIEW, WORKFLOW
from central.tickets.views import CaseView, MediaItem, QueuePage
from contract.events import now

MAX_PAGE = 200
MAX_TEXT = 2000
_NUMBER = re.compile(r"\d{8}-\d{4,9}")
#: Decided cases are read newest first; what waits, oldest first: it is nearest to its deadline.
_NEWEST_FIRST = frozenset({APPROVED, REJECTED})


def queue(session: Session, *, state: str = REVIEW, limit: int = 50, after: str | None = None) -> QueuePage:
    """Cases in `state`, `limit` of them behind the case numbered `after`. Raises Unfit for a state there is not."""
    if state not in WORKFLOW.states:
        raise Unfit(f"there is no state {state[:40]!r} - choose one of {', '.join(WORKFLOW.states)}")
    size = max(1, min(limit, MAX_PAGE))
    query = _ordered(state).limit(size + 1)
    if after is not None:
        query = _behind(query, state, _found(session, after))
    cases = list(session.execute(query).scalars())
    page = cases[:size]
    return QueuePage(
        state=state,
        items=showing.lines(session, page),
        next=page[-1].number if len(cases) > size else None,
        counts=counts(session),
    )


def counts(session: Session) -> dict[str, int]:
    """How many cases are in each state."""
    found = dict(session.execute(select(Case.state, func.count()).group_by(Case.state)).all())
    return {state: found.get(state, 0) for state in WORKFLOW.states}


def case(session: Session, number: str) -> CaseView:
    """Everything that is known of one case. Raises CaseMissing."""
    row = _found(session, number)
    before, behind = neighbours(session, row)
    return showing.whole(session, row, before, behind)


def neighbours(session: Session, row: Case) -> tuple[str | None, str | None]:
    """Numbers of the cases before and behind `row` in the queue of its state."""
    behind = session.execute(_behind(_ordered(row.state), row.state, row).limit(1)).scalar_one_or_none()
    before = session.execute(_behind(_ordered(row.state, back=True), row.state, row, back=True).limit(1))
    first = before.scalar_one_or_none()
    return first.number if first else None, behind.number if behind else None


def media_of(session: Session, number: str, sha256: str) -> MediaItem:
    """The still or clip `sha256` of case `number`. Raises CaseMissing when it is not named there or not here yet."""
    row = _found(session, number)
    query = select(CaseMedia).where(CaseMedia.case_id == row.id, CaseMedia.sha256 == sha256[:64]).limit(1)
    named = session.execute(query).scalar_one_or_none()
    if named is None:
        raise CaseMissing(f"case {row.number} names no such still or clip")
    stored = session.get(Media, named.sha256)
    if stored is None or not stored.complete:
        raise CaseMissing(f"this still or clip of case {row.number} has not arrived yet")
    return showing.item(named, ready=True)


def approve(session: Session, number: str, version: int, user: SignedInUser, answers: Mapping[str, str]) -> CaseView:
    """An officer says it is so. `version` is the one the officer saw, `answers` go by fact.

    Raises CaseMissing, Conflict, NotAllowed, or Unfit while a question is open or the state is another.
    """
    row = _opened(session, number, version, user)
    _answer(row, user, answers)
    return _decided(session, row, user, "approve", None, "")


def reject(session: Session, number: str, version: int, user: SignedInUser, code: str, note: str = "") -> CaseView:
    """An officer says it is not so, with a reason code R01..R16 and, for R16, a note. Raises as `approve` does."""
    row = _opened(session, number, version, user)
    return _decided(session, row, user, "reject", code, text_of(note, "the note"))


def _opened(session: Session, number: str, version: int, user: SignedInUser) -> Case:
    row = _found(session, number, lock=True)
    if not any(user.role in rule.by for rule in WORKFLOW.rows):
        raise NotAllowed(f"{user.role}s look at cases and do not decide them - ask an officer")
    if row.version != version:
        who = f" by {row.decided_by}" if row.decided_by else ""
        raise Conflict(f"case {row.number} was changed{who} since you opened it: it is {row.state} now - reload it")
    return row


def _answer(row: Case, user: SignedInUser, answers: Mapping[str, str]) -> None:
    asked = {question.fact: question for question in row.questions}
    for fact, answer in answers.items():
        question = asked.get(fact)
        if question is None:
            raise Unfit(f"case {row.number} does not ask about {fact[:80]!r}")
        said = text_of(answer, f"the answer to {fact}").strip()
        if said:
            question.answer, question.answered_by, question.answered_at = said, user.name, now()


def _decided(session: Session, row: Case, user: SignedInUser, action: str, code: str | None, note: str) -> CaseView:
    facts = opening.facts_of(session, row, reason=code, note=note)
    step = WORKFLOW.step(row.state, action, user.role, facts)
    answers = {question.fact: question.answer for question in row.questions if question.answer}
    opening.log(row, user.name, action, step.target, reason=code, note=note, answers=answers)
    row.state, row.reason_code, row.note = step.target, code, note or None
    row.decided_by, row.decided_at = user.name, now()
    try:
        session.flush()
    except StaleDataError as error:
        raise Conflict(f"somebody decided case {row.number} in the same moment - reload it") from error
    return case(session, row.number)


def text_of(value: str, what: str) -> str:
    """Text of a person, kept as text. Raises Unfit when it is too long or has characters no database keeps."""
    if len(value) > MAX_TEXT:
        raise Unfit(f"{what} has {len(value)} characters, at most {MAX_TEXT} are kept - shorten it")
    if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise Unfit(f"{what} has characters that are no text - remove them")
    return value


def _found(session: Session, number: str, lock: bool = False) -> Case:
    row = None
    if _NUMBER.fullmatch(number):
        query = select(Case).where(Case.number == number)
        row = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if row is None:
        raise CaseMissing(f"there is no case {number[:20]!r}")
    return row


def _ordered(state: str, back: bool = False) -> Select[Case]:
    query = select(Case).where(Case.state == state)
    if (state in _NEWEST_FIRST) != back:
        return query.order_by(Case.at_trigger.desc(), Case.number.desc())
    return query.order_by(Case.at_trigger, Case.number)


def _behind(query: Select[Case], state: str, row: Case, back: bool = False) -> Select[Case]:
    same = Case.at_trigger == row.at_trigger
    if (state in _NEWEST_FIRST) != back:
        return query.where((Case.at_trigger < row.at_trigger) | (same & (Case.number < row.number)))
    return query.where((Case.at_trigger > row.at_trigger) | (same & (Case.number > row.number)))


__all__ = [
    "CaseView",
    "QueuePage",
    "TicketError",
    "approve",
    "case",
    "counts",
    "media_of",
    "neighbours",
    "queue",
    "reject",
    "text_of",
]
