"""What officers do with cases: the queue, one case, approve, reject. Pages and the API call these and nothing else.

Each function works within the transaction of the `session` it is given (`Database.read()` for queue and case,
`Database.write()` for approve and reject) and raises `central.tickets.errors.TicketError` with a sentence and a status.
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from central.accounts.acting import actor_of
from central.accounts.service import SignedInUser
from central.db.cases import Case, CaseMedia
from central.db.media import Media
from central.tickets import opening, showing
from central.tickets.errors import CaseMissing, Conflict, NotAllowed, TicketError, Unfit
from central.tickets.queue import ALL, MAX_PAGE, Among, counts, found, neighbours, queue
from central.tickets.review import WORKFLOW
from central.tickets.views import CaseView, MediaItem, QueuePage
from central.workflow.table import Doing
from contract.events import now

MAX_TEXT = 2000


def case(session: Session, number: str, among: Among = ALL) -> CaseView:
    """Everything that is known of one case; its neighbours are those of the queue of `among`. Raises CaseMissing."""
    row = found(session, number)
    before, behind = neighbours(session, row, among)
    return showing.whole(session, row, before, behind)


def media_of(session: Session, number: str, sha256: str) -> MediaItem:
    """The still or clip `sha256` of case `number`. Raises CaseMissing when it is not named there or not here yet."""
    row = found(session, number)
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
    row = found(session, number, lock=True)
    if not any(actor_of(user).roles & rule.by for rule in WORKFLOW.rows):
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
    step = WORKFLOW.step(row.state, action, facts, Doing(actor_of(user), now()))
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


__all__ = [
    "MAX_PAGE",
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
