"""Letters: who has to be told, the notice that tells them, the answers to objections, and what was sent before."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, selectinload

from central.accounts.service import SignedInUser
from central.clock import office_now
from central.db.cases import Case
from central.db.database import Database
from central.db.notices import Notice, Statement
from central.export.matter import Matter, gathered
from central.notices import rules as numbering
from central.notices import text
from central.notices.errors import NoticeMissing
from central.notices.rules import NoticeRules
from central.sites.areas import EVERYWHERE, within
from central.tickets import deadlines, decisions
from central.tickets.states import APPEAL, ENTERED, NOTIFIED
from central.tickets.states import UPHELD as UPHELD_STATE
from central.workflow.errors import Refused, Unfit
from central.workflow.said import Said

NOTICE, CANCELLED, UPHELD = "notice", "cancelled", "upheld"
#: Most notices that one press of the button issues.
MOST = 200


def waiting(session: Session, most: int = MOST, areas: Collection[str] = EVERYWHERE) -> list[Case]:
    """Cases in `areas` whose party was not told yet - entered, or objected to before - nearest deadline first."""
    told = select(Notice.id).where(Notice.case_id == Case.id, Notice.kind == NOTICE)
    objected = and_(Case.state.in_((APPEAL, UPHELD_STATE)), Case.plate.is_not(None), ~told.exists())
    query = (
        select(Case)
        .where(or_(Case.state == ENTERED, objected), *within(Case.site, areas))
        .order_by(Case.sort_at, Case.number)
        .limit(most)
    )
    return list(session.execute(query).scalars())


def issued(session: Session, most: int = 100, areas: Collection[str] = EVERYWHERE) -> list[tuple[Notice, Case]]:
    """The latest letters with their cases in `areas`, newest first."""
    query = select(Notice, Case).join(Case, Case.id == Notice.case_id).where(*within(Case.site, areas))
    query = query.order_by(Notice.id.desc()).limit(most)
    return [(notice, case) for notice, case in session.execute(query)]


def of_case(session: Session, case_id: int) -> list[Notice]:
    """Every letter of a case, oldest first."""
    return list(session.execute(select(Notice).where(Notice.case_id == case_id).order_by(Notice.id)).scalars())


def named(session: Session, number: str) -> Notice:
    """The letter of that number. Raises NoticeMissing."""
    row = session.execute(select(Notice).where(Notice.number == number[:40])).scalar_one_or_none()
    if row is None:
        raise NoticeMissing("there is no letter of that number - see the list of notices", "notice.none")
    return row


def issue(session: Session, number: str, version: int, user: SignedInUser, rules: NoticeRules) -> Notice:
    """Tell the party of case `number`: it is NOTIFIED (under objection it stays so); the letter stands as it is now.

    Raises as `decisions.step` does, and Unfit for a case without a plate: nobody could be told.
    """
    before = _matter(session, number)
    if not before.vehicle.plate:
        raise Unfit(f"case {number} has no plate: nobody can be told", "notice.no_plate", number=number)
    letter = _numbered(session, rules, before)
    row = decisions.step(session, number, version, user, "notify", note=f"notice {letter}")
    matter = _matter(session, number)
    answer_by = _answer_by(row)
    said = text.notice(matter, rules, letter, office_now(), answer_by)
    notice = Notice(
        number=letter,
        case_id=row.id,
        kind=NOTICE,
        language=text.language_of(matter.profile.language),
        said=said,
        issued_by=user.name,
        issued_at=office_now(),
        answer_by=answer_by,
    )
    session.add(notice)
    session.flush()
    return notice


def issue_all(db: Database, user: SignedInUser, rules: NoticeRules) -> tuple[list[str], list[tuple[str, Said]]]:
    """Tell every party that waits, each in a transaction of its own: numbers of letters, and (case, why not)."""
    with db.read() as session:
        found = [(case.number, case.version) for case in waiting(session, areas=user.areas)]
    done: list[str] = []
    left: list[tuple[str, Said]] = []
    for number, version in found:
        try:
            with db.write() as session:
                done.append(issue(session, number, version, user, rules).number)
        except Refused as refusal:
            left.append((number, refusal.said))
    return done, left


def answer_letter(
    session: Session, row: Case, user: SignedInUser, rules: NoticeRules, kind: str, statement: Statement, reason: str
) -> Notice:
    """The letter that answers `statement`: the record is taken back (CANCELLED) or stands (UPHELD)."""
    matter = _matter(session, row.number)
    first = next((one for one in of_case(session, row.id) if one.kind == NOTICE), None)
    moment = office_now()
    letter = _numbered(session, rules, matter)
    given = text.Answer(
        kind=kind,
        number=letter,
        about=first.number if first else row.number,
        received=statement.received_at,
        issued=moment,
        ground=row.ground if kind == CANCELLED else None,
        reason=reason,
    )
    said = text.answer(matter, rules, given)
    notice = Notice(
        number=letter, case_id=row.id, kind=kind, language=text.language_of(matter.profile.language), said=said,
        issued_by=user.name, issued_at=moment, answer_by=None,
    )  # fmt: skip
    session.add(notice)
    session.flush()
    return notice


def handled(session: Session, number: str, version: int, user: SignedInUser, note: str) -> Case:
    """The party has dealt with it: paid, appeared, or was decided upon. Raises as `decisions.step` does."""
    return decisions.step(session, number, version, user, "handle", note=note)


def statements(session: Session, case_id: int) -> Sequence[Statement]:
    """What was said about a case, oldest first."""
    query = select(Statement).where(Statement.case_id == case_id).order_by(Statement.id)
    return session.execute(query).scalars().all()


def _answer_by(row: Case) -> datetime | None:
    """Until when the party may object to a notice of now: what limits NOTIFIED, on the row unless it is objected to."""
    if row.state == NOTIFIED:
        return row.due_at
    found = deadlines.after(row, ENTERED, "notify", NOTIFIED, office_now())
    return found.due if found else None


def _numbered(session: Session, rules: NoticeRules, matter: Matter) -> str:
    area = matter.site.area if matter.site else None
    return numbering.number(session, rules, area, office_now().astimezone(matter.place_time))


def _matter(session: Session, number: str) -> Matter:
    query = select(Case).where(Case.number == number[:20]).options(selectinload(Case.media))
    case = session.execute(query).scalar_one_or_none()
    if case is None:
        raise NoticeMissing("there is no case of that number", "case.none", number=number[:20])
    (matter,) = gathered(session, [case])
    return matter


__all__ = [
    "CANCELLED", "MOST", "NOTICE", "UPHELD", "answer_letter", "handled", "issue", "issue_all", "issued", "named",
    "of_case", "statements", "waiting",
]  # fmt: skip
