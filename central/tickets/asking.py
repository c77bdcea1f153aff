"""What the office's lists ask of a case that is open already: a list can come in long after its case.

Asked again when a case is opened, in the step that approves it, and of all that wait once a list has come in. What was
asked stays asked, also where the plate has left the list since: a person has seen the question.
"""

from collections.abc import Sequence
from datetime import timedelta, timezone
from typing import Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, selectinload

from central.db.cases import Case
from central.db.database import Database
from central.db.lists import CURRENT, HandledRecord, ListImport, PlateEntry
from central.lists.kinds import ON_SITE
from central.lists.known import Subject, questions
from central.tickets import opening
from central.tickets.queue import found
from central.tickets.states import CANDIDATE, NEEDS_MORE, PRECHECK, REVIEW1, REVIEW2
from central.workflow.table import SYSTEM
from contract.events import Unknown

#: Nobody has approved these yet: what a list asks can still be answered.
OPEN: Final = (CANDIDATE, PRECHECK, REVIEW1, NEEDS_MORE, REVIEW2)
ASKED: Final = "asked"
#: Cases in one transaction.
_MOST = 200


def ask(session: Session, rows: Sequence[Case]) -> dict[str, list[str]]:
    """Put what the lists ask now and nobody asked before to each of `rows`, which are locked. Number -> new facts."""
    new = _unasked(session, rows)
    for place, asked in new.items():
        opening.ask(rows[place], asked)
        opening.log(rows[place], SYSTEM, ASKED, facts=[one.fact for one in asked])
    return {rows[place].number: [one.fact for one in asked] for place, asked in new.items()}


def ask_of(db: Database, number: str) -> None:
    """Ask of one case that somebody opens; nothing is written when nothing is new. Raises CaseMissing."""
    with db.read() as session:
        if not _unasked(session, [found(session, number)]):
            return
    with db.write() as session:
        ask(session, [found(session, number, lock=True)])


def sweep(db: Database) -> int:
    """Ask of every open case whose plate a list names; returns how many have a new question. Safe with N replicas."""
    asked, last = 0, 0
    while True:
        with db.read() as session:
            ids = list(session.execute(_named(session, last)).scalars())
        if not ids:
            return asked
        query = select(Case).where(Case.id.in_(ids), Case.state.in_(OPEN)).order_by(Case.id).with_for_update()
        with db.write() as session:
            rows = session.execute(query.options(selectinload(Case.questions))).scalars().all()
            asked += len(ask(session, rows))
        last = ids[-1]


def _named(session: Session, behind: int) -> Select[int]:
    """Open cases behind that id whose plate stands on a list that asks."""
    # A few numbers and no join: years of past imports are not walked for each case.
    current = session.execute(select(ListImport.id).where(ListImport.state == CURRENT)).scalars().all()
    listed = select(PlateEntry.plate).where(PlateEntry.import_id.in_(current), PlateEntry.plate == Case.plate_plain)
    settled = select(HandledRecord.id).where(
        HandledRecord.import_id.in_(current), HandledRecord.kind == ON_SITE, HandledRecord.plate == Case.plate_plain
    )
    query = select(Case.id).where(Case.state.in_(OPEN), Case.id > behind, or_(listed.exists(), settled.exists()))
    return query.order_by(Case.id).limit(_MOST)


def _unasked(session: Session, rows: Sequence[Case]) -> dict[int, list[Unknown]]:
    """Place in `rows` -> what is new to it."""
    subjects = {place: _subject(row) for place, row in enumerate(rows) if row.state in OPEN and row.plate}
    found = questions(session, subjects)
    asked = {place: {question.fact for question in rows[place].questions} for place in found}
    new = {place: [one for one in some if one.fact not in asked[place]] for place, some in found.items()}
    return {place: some for place, some in new.items() if some}


def _subject(row: Case) -> Subject:
    # The day of a list is that of the place, which the row has as its distance from UTC.
    place = timezone(timedelta(seconds=row.utc_offset_s))
    return Subject(row.plate or "", row.rule, row.site, row.at_trigger.astimezone(place))


__all__ = ["ASKED", "OPEN", "ask", "ask_of", "sweep"]
