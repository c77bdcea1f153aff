"""Objections: a statement comes in, its ground is verified, and somebody who decided nothing before answers it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.service import SignedInUser
from central.clock import office_now
from central.db.cases import Case
from central.db.notices import Notice, Statement
from central.notices import service
from central.notices.errors import Closed
from central.notices.rules import NoticeRules
from central.tickets import decisions
from central.tickets.facts import upheld
from central.tickets.reasons import GROUNDS
from central.tickets.states import APPEAL, ENTERED, HANDLED, NOTIFIED
from central.tickets.words import is_text
from central.workflow.errors import Unfit
from contract.sealing import sha256_hex

#: A statement is a letter, not a book (characters).
MOST_TEXT = 4000
OPEN = (ENTERED, NOTIFIED, HANDLED)


def open_of(session: Session, case_id: int) -> Statement | None:
    """The statement that waits for its answer."""
    query = select(Statement).where(Statement.case_id == case_id, Statement.answered_at.is_(None))
    return session.execute(query.order_by(Statement.id.desc()).limit(1)).scalar_one_or_none()


def checked(text: str, ground: str | None) -> tuple[str, str | None]:
    """A statement as it is kept. Raises Closed with what is to be mended."""
    said = text.strip().replace("\r\n", "\n")
    if not said:
        raise Closed("say in words what you object to", "statement.empty")
    if len(said) > MOST_TEXT:
        english = f"the statement has {len(said)} characters, at most {MOST_TEXT} are taken - shorten it"
        raise Closed(english, "statement.long", n=len(said), most=MOST_TEXT)
    if not is_text(said):
        raise Closed("the statement has characters that are no text - remove them", "statement.no_text")
    if ground and ground not in GROUNDS:
        raise Closed("choose one of the grounds, or none", "statement.ground")
    return said, ground or None


def received(session: Session, row: Case, text: str, ground: str | None, address: str) -> Statement:
    """The party says something on the public page: the locked case `row` goes to APPEAL by the system.

    Raises Closed where nothing more can be said, or for a text that is not taken.
    """
    said, ground = checked(text, ground)
    if row.state not in OPEN:
        if row.state == APPEAL:
            raise Closed("a statement is being looked at already", "statement.another")
        raise Closed("the matter is closed", "statement.closed")
    if upheld(session, [row.id]):
        raise Closed(
            "an objection was answered already - turn to an administrative review, or the court", "appeal.upheld"
        )
    statement = Statement(
        case_id=row.id, received_at=office_now(), via="public", text=said, ground=ground, address=address[:64]
    )
    session.add(statement)
    session.flush()
    # The words stay in their own table: the history, and with it the ledger, hold their hash.
    decisions.system_step(session, row, "appeal", statement=statement.id, sha256=sha256_hex(said.encode()))
    session.flush()
    return statement


def brought(
    session: Session, number: str, version: int, user: SignedInUser, text: str, ground: str | None
) -> Statement:
    """The same, of a statement that came on paper or at the counter and that `user` enters."""
    said, ground = checked(text, ground)
    row = decisions.step(session, number, version, user, "appeal", note=f"statement {sha256_hex(said.encode())}")
    statement = Statement(
        case_id=row.id, received_at=office_now(), via="desk", text=said, ground=ground, received_by=user.name
    )
    session.add(statement)
    session.flush()
    return statement


def verify(session: Session, number: str, version: int, user: SignedInUser, ground: str, note: str) -> Case:
    """The ground is found to be so. Raises as `decisions.step` does."""
    return decisions.step(session, number, version, user, "verify", ground=ground, note=note)


def cancel(session: Session, number: str, version: int, user: SignedInUser, note: str, rules: NoticeRules) -> Notice:
    """Take the record back; the letter says so. Raises as `decisions.step` does."""
    return _answered(session, number, version, user, "cancel", note, rules)


def uphold(session: Session, number: str, version: int, user: SignedInUser, reason: str, rules: NoticeRules) -> Notice:
    """The record stands; the letter gives the reason. Raises as `decisions.step` does."""
    return _answered(session, number, version, user, "uphold", reason, rules)


def _answered(
    session: Session, number: str, version: int, user: SignedInUser, action: str, note: str, rules: NoticeRules
) -> Notice:
    row = decisions.step(session, number, version, user, action, note=note)
    statement = open_of(session, row.id)
    if statement is None:
        raise Unfit(f"case {row.number} has no statement that waits for an answer", "statement.none", number=row.number)
    kind = service.CANCELLED if action == "cancel" else service.UPHELD
    statement.outcome, statement.answer = kind, note.strip()
    statement.answered_by, statement.answered_at = user.name, office_now()
    return service.answer_letter(session, row, user, rules, kind, statement, note)


__all__ = ["MOST_TEXT", "OPEN", "brought", "cancel", "checked", "open_of", "received", "uphold", "verify"]
