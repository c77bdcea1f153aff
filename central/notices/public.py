"""The public page behind its HTTP: who shows a notice's number and the end of its plate may see it and object.

Nobody signs in. A try is counted before it is judged, by the address (an IPv6 network of 64 bits) and by the number
that was named, and taken off again only when it was right: a crowd of tries at once is no way past the limit. A number
that is not there and a plate that is not right are told in the same words, after the same work.
"""

import hmac
import secrets
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from central.accounts import limits
from central.accounts.sessions import digest
from central.clock import office_now
from central.db.accounts import Attempt
from central.db.cases import Case
from central.db.database import Database
from central.db.notices import Notice, NoticePass, NoticeView
from central.notices import appeals
from central.notices.errors import Closed, PassEnded, TooOften, WrongKey
from central.notices.rules import NoticeRules
from central.notices.service import NOTICE
from central.tickets.facts import upheld
from central.workflow.said import Said
from contract.events import now
from contract.exempt import plain

TRIES_BY_ADDRESS: Final = 20
TRIES_BY_NUMBER: Final = 10
#: Statements that one address may send in the window of the limits, whatever they are about.
STATEMENTS_BY_ADDRESS: Final = 10
#: Letters that one address may fetch in that window: each may have to be set first.
LETTERS_BY_ADDRESS: Final = 30
#: For so long number and plate need not be shown again.
PASS_LIFE: Final = timedelta(minutes=30)


def network(address: str) -> str:
    """What of an address is counted and kept: an IPv4 address, the first 64 bits of IPv6."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found) if found.version == 4 else str(ip_network(f"{found}/64", strict=False))


def enter(db: Database, number: str, suffix: str, address: str, rules: NoticeRules) -> str:
    """A token for who shows the number of a notice and the last characters of its plate. Raises WrongKey, TooOften."""
    named, shown, at = _number(number), plain(suffix[:40])[-rules.suffix :], network(address)
    keys = ((f"q-address:{at}", TRIES_BY_ADDRESS), (f"q-number:{digest(named)}", TRIES_BY_NUMBER))
    _count(db, keys)
    with db.write() as session:
        if any(limits.failures(session, key, now()) > most for key, most in keys):
            raise TooOften.because(_often())
        notice, plate = _found(session, named)
        right = hmac.compare_digest(shown.encode(), plate[-rules.suffix :].encode()) and len(shown) == rules.suffix
        if notice is None or not right:
            raise WrongKey("no notice has this number and this plate", "public.wrong")
        for key, _ in keys:
            _take_off(session, key)
        token = secrets.token_urlsafe(32)
        session.add(NoticePass(token_hash=digest(token), notice_id=notice.id, until=now() + PASS_LIFE))
    return token


def notice_of(session: Session, token: str | None) -> Notice:
    """The notice that the browser's token opens. Raises PassEnded."""
    held = session.get(NoticePass, digest(token[:100])) if token else None
    if held is None or held.until <= now():
        raise PassEnded("show the number and the plate again", "public.again")
    return session.get_one(Notice, held.notice_id)


def leave(session: Session, token: str | None) -> None:
    """The browser's token opens nothing any more."""
    if token:
        session.execute(delete(NoticePass).where(NoticePass.token_hash == digest(token[:100])))


def note(session: Session, notice: Notice, address: str, what: str, sha256: str | None = None) -> None:
    """A look, on record."""
    session.add(NoticeView(at=now(), notice_id=notice.id, address=network(address), what=what, sha256=sha256))


def say(db: Database, token: str | None, text: str, ground: str | None, address: str) -> None:
    """Hand in a statement. Raises PassEnded, TooOften, or Closed with what is to be mended."""
    key = f"q-statement:{network(address)}"
    with db.read() as session:
        notice_of(session, token)
        if limits.failures(session, key, now()) >= STATEMENTS_BY_ADDRESS:
            raise TooOften.because(_often())
    with db.write() as session:
        notice = notice_of(session, token)
        row = session.execute(select(Case).where(Case.id == notice.case_id).with_for_update()).scalar_one()
        if notice.answer_by is not None and office_now() >= notice.answer_by:
            raise Closed("the time for a statement here has ended - turn to the office", "public.late")
        appeals.received(session, row, text, ground, network(address))
        limits.failed(session, key, now())
        note(session, notice, address, "statement")


def fetch(db: Database, address: str) -> None:
    """Count that a letter is fetched, before it is set. Raises TooOften."""
    _count(db, ((f"q-letter:{network(address)}", LETTERS_BY_ADDRESS),))


def open_to(session: Session, case: Case, notice: Notice) -> bool:
    """Whether a statement can be handed in now: in time, and none was answered before."""
    in_time = notice.answer_by is None or office_now() < notice.answer_by
    return case.state in appeals.OPEN and in_time and not upheld(session, [case.id])


def sweep(session: Session) -> None:
    """Forget passes that open nothing any more."""
    session.execute(delete(NoticePass).where(NoticePass.until <= now()))


def token_for_form(token: str) -> str:
    """What a form of this pass must carry: nobody else's page knows it."""
    return digest(f"form:{token}")[:32]


def _number(text: str) -> str:
    return "".join(sign for sign in text.upper() if sign.isascii() and (sign.isalnum() or sign == "-"))[:40]


def _found(session: Session, number: str) -> tuple[Notice | None, str]:
    """The notice and its plate. Where there is none, a plate that nobody can show: it is compared all the same."""
    query = select(Notice, Case.plate).join(Case, Case.id == Notice.case_id)
    found = session.execute(query.where(Notice.number == number, Notice.kind == NOTICE)).one_or_none()
    if found is None or not found[1]:
        return None, "\0" * 8
    return found[0], plain(found[1])


def _count(db: Database, keys: tuple[tuple[str, int], ...]) -> None:
    """Count the try before it is judged. Who is over the limit is not counted further: a flood fills no table."""
    with db.write() as session:
        over = any(limits.failures(session, key, now()) >= most for key, most in keys)
        if not over:
            for key, _ in keys:
                limits.failed(session, key, now())
    if over:
        raise TooOften.because(_often())


def _take_off(session: Session, key: str) -> None:
    """One try was right: that one, and none of those before, is not counted any more."""
    newest = select(func.max(Attempt.id)).where(Attempt.key == key[:200]).scalar_subquery()
    session.execute(delete(Attempt).where(Attempt.id == newest))


def _often() -> Said:
    minutes = int(limits.WINDOW.total_seconds() // 60)
    return Said(f"too many tries - wait {minutes} minutes and try again", "public.often", minutes=minutes)


__all__ = [
    "LETTERS_BY_ADDRESS", "PASS_LIFE", "TRIES_BY_ADDRESS", "TRIES_BY_NUMBER", "enter", "fetch", "leave", "network",
    "note", "notice_of", "open_to", "say", "sweep", "token_for_form",
]  # fmt: skip
