"""What the guards of the review table look at, gathered for a batch of cases with a few queries."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseLog
from central.db.events import Event
from central.db.media import Media
from central.db.notices import Notice
from central.tickets import precheck
from central.tickets.deadlines import EXTEND
from central.tickets.guards import CaseFacts, Last
from central.tickets.precheck.profiles import counted_by
from central.tickets.standing import standing
from central.tickets.states import APPEAL, ENTERED, HANDLED, NOTIFIED, UPHELD

_OPEN_TO_OBJECTION = frozenset({ENTERED, NOTIFIED, HANDLED})


def gathered(session: Session, cases: Sequence[Case]) -> list[CaseFacts]:
    """The facts of each that central itself can tell. Cases need not be flushed yet."""
    if not cases:
        return []
    with session.no_autoflush:
        keys = [case.case_key for case in cases]
        unsealed = select(Event.edge_id, Event.case_key).where(Event.case_key.in_(keys), Event.sealed.is_(False))
        open_seals = {(edge_id, key) for edge_id, key in session.execute(unsealed)}
        named = {item.sha256 for case in cases for item in case.media}
        held = select(Media.sha256).where(Media.sha256.in_(named), Media.complete.is_(True))
        there = set(session.execute(held).scalars()) if named else set()
        untold = _untold(session, cases)
        answered = upheld(session, [case.id for case in cases if case.state in _OPEN_TO_OBJECTION])
        extended = _had(session, [case.id for case in cases if case.state == NOTIFIED], EXTEND)
        return [
            CaseFacts(
                manifest=case.manifest,
                missing_media=sum(item.sha256 not in there for item in case.media),
                sealed=(case.edge_id, case.case_key) not in open_seals,
                unanswered=tuple(question.fact for question in case.questions if not question.answer),
                suppressed=precheck.suppressed(case.checks),
                verified=case.ground is not None,
                untold=case.id in untold,
                upheld=case.id in answered,
                extensible=case.state == NOTIFIED and counted_by(case.jurisdiction).review_days.extended is not None,
                extended=case.id in extended,
                first_by=case.first_by_id,
                judges=frozenset(one for one in (case.first_by_id, case.decided_by_id) if one is not None),
                due=case.due_at,
                last=_last(case),
            )
            for case in cases
        ]


def upheld(session: Session, case_ids: Collection[int]) -> set[int]:
    """Those to which an objection was answered, and which stand."""
    return _had(session, case_ids, "uphold")


def _had(session: Session, case_ids: Collection[int], action: str) -> set[int]:
    """Those with a step of that name in their history."""
    if not case_ids:
        return set()
    query = select(CaseLog.case_id).where(CaseLog.case_id.in_(case_ids), CaseLog.action == action)
    return set(session.execute(query).scalars())


def _untold(session: Session, cases: Sequence[Case]) -> set[int]:
    """Which of them are under objection, or upheld, and their parties were sent no notice."""
    asked = {case.id for case in cases if case.plate and case.state in {APPEAL, UPHELD}}
    if not asked:
        return asked
    notices = select(Notice.case_id).where(Notice.case_id.in_(asked), Notice.kind == "notice")
    return asked - set(session.execute(notices).scalars())


def _last(case: Case) -> Last | None:
    """The decision that can still be undone. `final_at` spares the others the reading of their history."""
    return standing(case.history).last if case.final_at is not None else None


__all__ = ["gathered", "upheld"]
