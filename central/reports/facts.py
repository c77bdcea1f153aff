"""The figures of each case, folded from its history: kept by the jobs, safe with N replicas, never the only record.

Where a case stands is told by the one fold of its history, `central.tickets.standing`; here it becomes an outcome,
whoever decided, and when.
"""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseLog
from central.db.database import BETWEEN_S, Database
from central.db.events import Event
from central.db.learning import CaseFact, FactsCursor
from central.tickets import states
from central.tickets.standing import Standing, standing
from central.workflow.table import SYSTEM
from contract.events import now

APPROVED, REJECTED, SET_ASIDE = "approved", "rejected", "set aside"
CANCELLED, EXPIRED, WAITING = "cancelled", "expired", "waiting"
#: Each case has exactly one of these, so that parts are the whole.
OUTCOMES: Final = (APPROVED, REJECTED, SET_ASIDE, CANCELLED, EXPIRED, WAITING)
_OF_STATE: Final[Mapping[str, str]] = dict.fromkeys(states.CONFIRMED, APPROVED) | {
    states.REJECTED: REJECTED, states.CANCELLED: CANCELLED, states.EXPIRED: EXPIRED
}  # fmt: skip
_CURSOR = "facts"
#: Lines of history in one transaction.
BATCH = 2_000
#: No transaction is open for longer: a line of before had been committed, or never will be.
_COMMITTED_BY = timedelta(minutes=10)


def told(stands: Standing) -> dict[str, Any]:
    """What became of a case, by where its history leaves it: outcome, why, and who decided it when."""
    outcome = _OF_STATE.get(stands.rests, WAITING)
    if outcome == REJECTED and stands.decided_by == SYSTEM:
        outcome = SET_ASIDE
    # A first look alone decides nothing, nor does one that ran out of time.
    decided = stands.approved or outcome in {REJECTED, SET_ASIDE}
    return {
        "outcome": outcome, "first_by": stands.first_by, "reason": _why(stands, outcome),
        "cancelled_by": stands.cancelled_by if outcome == CANCELLED else None,
        "decided_by": stands.decided_by if decided else None, "decided_at": stands.decided_at if decided else None,
    }  # fmt: skip


def _why(stands: Standing, outcome: str) -> str | None:
    """Of what was rejected the code, of what was taken back the ground."""
    if outcome == CANCELLED:
        return stands.ground
    return stands.reason if outcome in {REJECTED, SET_ASIDE} else None


def catch_up(db: Database) -> int:
    """Make the figures of every case that has changed; returns how many. Another replica at it is left alone."""
    done, after = 0, None
    while True:
        with db.write() as session:
            step = _batch(session, after)
        if step is None:
            return done
        done, after = done + step[0], step[1]
        # Years of cases after a migration: people decide in between.
        time.sleep(BETWEEN_S)


def as_of(session: Session) -> datetime | None:
    """When the figures were last brought up to the cases; None before the first time."""
    row = session.get(FactsCursor, _CURSOR)
    return row.at if row is not None else None


def _batch(session: Session, after: int | None) -> tuple[int, int] | None:
    """One batch of lines behind `after`, or behind the cursor: cases made and the last line; None at the end."""
    query = select(FactsCursor).where(FactsCursor.name == _CURSOR).with_for_update(skip_locked=True)
    cursor = session.execute(query).scalar_one_or_none()
    if cursor is None:
        return None
    begin = cursor.line if after is None else max(after, cursor.line)
    lines = session.execute(
        select(CaseLog.id, CaseLog.case_id, CaseLog.at).where(CaseLog.id > begin).order_by(CaseLog.id).limit(BATCH)
    ).all()
    moment = now()
    if not lines:
        cursor.at = moment
        return None
    made = _made(session, sorted({line.case_id for line in lines}))
    # Ids are given before their commit: what is young is read again, until no older line can still appear.
    old = next((at for at, line in enumerate(lines) if line.at > moment - _COMMITTED_BY), len(lines))
    if old and (after is None or begin == cursor.line):
        cursor.line = lines[old - 1].id
    return made, lines[-1].id


def _made(session: Session, case_ids: Sequence[int]) -> int:
    """Fold those of `case_ids` whose figures are of another version, or not there."""
    query = (
        select(Case, CaseFact.version, CaseFact.hour)
        .outerjoin(CaseFact, CaseFact.case_id == Case.id)
        .where(Case.id.in_(case_ids), or_(CaseFact.version.is_(None), CaseFact.version != Case.version))
    )
    stale = session.execute(query).all()
    if not stale:
        return 0
    cases = [case for case, _, _ in stale]
    histories: dict[int, list[CaseLog]] = {case.id: [] for case in cases}
    logs = select(CaseLog).where(CaseLog.case_id.in_(histories)).order_by(CaseLog.id)
    for line in session.execute(logs).scalars():
        histories[line.case_id].append(line)
    hours = _hours(session, {case.event_id for case, version, _ in stale if version is None})
    rows = [
        _row(case, standing(histories[case.id]), hours[case.event_id] if version is None else hour)
        for case, version, hour in stale
    ]
    _put(session, rows)
    return len(rows)


def _row(case: Case, stands: Standing, hour: int) -> dict[str, Any]:
    day = int(case.number[:8])
    year, week, _ = date(day // 10_000, day // 100 % 100, day % 100).isocalendar()
    said = told(stands)
    took = (said["decided_at"] - case.at_trigger).total_seconds() if said["decided_at"] else None
    return {
        "case_id": case.id, "version": case.version, "day": day, "week": year * 100 + week, "hour": hour,
        "edge_id": case.edge_id, "camera_id": case.camera_id, "site": case.site, "rule": case.rule,
        "verdict": case.verdict, "at": case.at_trigger, "decision_s": took, **said,
    }  # fmt: skip


def _hours(session: Session, events: set[str]) -> dict[str, int]:
    """The hour of the capture on the site's clock: the sealed bytes have its offset, the row does not."""
    found: dict[str, int] = {}
    for name, raw in session.execute(select(Event.id, Event.raw).where(Event.id.in_(events))):
        found[name] = datetime.fromisoformat(json.loads(bytes(raw))["data"]["at_trigger"]).hour
    return found


def _put(session: Session, rows: list[dict[str, Any]]) -> None:
    """Insert or replace; figures of a later version stay."""
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = kind.insert(CaseFact)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "case_id"}
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["case_id"], set_=changed, where=CaseFact.version <= statement.excluded.version
        ),
        rows,
    )


__all__ = [
    "APPROVED", "CANCELLED", "EXPIRED", "OUTCOMES", "REJECTED", "SET_ASIDE", "WAITING", "as_of", "catch_up",
    "told",
]  # fmt: skip
