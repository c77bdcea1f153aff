"""Cases with decisions of people, made quickly: real rows and histories, without the pictures."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from central_kit import AT, Box, decision, intake_of, violation
from sqlalchemy import select

from central.db.cases import Case, CaseLog
from central.db.database import Database
from contract.events import Rule, now

#: When decisions of these tests were made: long enough ago to be final.
DECIDED = timedelta(hours=5)


def cases(db: Database, box: Box, count: int, first: int = 0, **changes) -> list[str]:
    """Candidates of a box, one an hour; their numbers in the order of their passages."""
    begin = changes.pop("begin", AT)
    rule = changes.pop("rule", Rule.ILLEGAL_PARKING)
    batch, keys = [], []
    for place in range(first, first + count):
        moment = begin + timedelta(hours=place - first)
        data = violation(
            f"p{place}", rule=rule, edge_id=box.edge_id, at_first=moment, at_trigger=moment, at_last=moment, **changes
        )
        batch.append(decision(box, data))
        keys.append(data.case_key)
    assert {one.outcome for one in intake_of(db).take(batch)} == {"stored"}
    with db.read() as session:
        found = dict(session.execute(select(Case.case_key, Case.number).where(Case.edge_id == box.edge_id)).all())
    return [found[key] for key in keys if key in found]


def decide(db: Database, numbers: Sequence[str], steps: Sequence[tuple], at: datetime | None = None) -> None:
    """Write each case's history: (action, from, to, actor, reason) a step, a second apart, as the desk does."""
    with db.write() as session:
        for row in session.execute(select(Case).where(Case.number.in_(numbers))).scalars():
            moment = at or row.at_trigger + DECIDED
            for place, (action, source, target, actor, reason) in enumerate(steps):
                detail = {"ground" if action == "verify" else "reason": reason} if reason else {}
                session.add(
                    CaseLog(
                        case_id=row.id,
                        at=moment + timedelta(seconds=place),
                        actor=actor,
                        action=action,
                        from_state=source,
                        to_state=target,
                        detail=detail,
                    )
                )
            row.state, row.reason_code = steps[-1][2], steps[-1][4]
            row.decided_by, row.decided_at = steps[-1][3], moment


PASSED = ("approve", "REVIEW1", "REVIEW2", "li", None)
APPROVED = (PASSED, ("approve", "REVIEW2", "APPROVED", "wang", None))


def rejected(code: str = "R03", by: str = "li") -> tuple:
    """One look, and no."""
    return (("reject", "REVIEW1", "REJECTED", by, code),)


def refused(db: Database, numbers: Sequence[str], code: str = "R03") -> None:
    """Rejected by two people, half and half."""
    decide(db, numbers[::2], rejected(code))
    decide(db, numbers[1::2], rejected(code, "chen"))


def cancelled(ground: str, by: str = "zhao") -> tuple:
    """Approved by two, and taken back on appeal on a ground."""
    appeal = (("appeal", "NOTIFIED", "APPEAL", "desk", None), ("verify", "APPEAL", "APPEAL", by, ground))
    return (*APPROVED, *appeal, ("cancel", "APPEAL", "CANCELLED", by, None))


__all__ = ["APPROVED", "DECIDED", "PASSED", "cancelled", "cases", "decide", "now", "refused", "rejected"]
