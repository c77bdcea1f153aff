"""The figures of each case, folded from its history: kept by the jobs, safe with N replicas, never the only record.

A fold is pure: from the lines of a history to an outcome, whoever decided, and when. It names states and actions of
the review table by their text and holds for histories of every version of that table.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseLog
from central.db.database import BETWEEN_S, Database
from central.db.events import Event
from central.db.learning import CaseFact, FactsCursor
from central.workflow.table import SYSTEM
from contract.events import now

APPROVED, REJECTED, SET_ASIDE = "approved", "rejected", "set aside"
CANCELLED, EXPIRED, WAITING = "cancelled", "expired", "waiting"
#: Each case has exactly one of these, so that parts are the whole.
OUTCOMES: Final = (APPROVED, REJECTED, SET_ASIDE, CANCELLED, EXPIRED, WAITING)
_OF_STATE: Final[Mapping[str, str]] = dict.fromkeys(
    ("APPROVED", "ENTERED", "NOTIFIED", "HANDLED", "APPEAL", "UPHELD"), APPROVED
) | {"REJECTED": REJECTED, "CANCELLED": CANCELLED, "EXPIRED": EXPIRED}
_DECISIONS = frozenset({APPROVED, REJECTED, SET_ASIDE})
_CURSOR = "facts"
#: Lines of history in one transaction.
BATCH = 2_000
#: No transaction is open for longer: a line of before had been committed, or never will be.
_COMMITTED_BY = timedelta(minutes=10)


@dataclass(slots=True)
class Fold:
    """What a history says. `decided_at` and `decided_by` are of the decision that stands, None while none does."""

    outcome: str = WAITING
    reason: str | None = None
    first_by: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


def fold(lines: Iterable[CaseLog]) -> Fold:
    """The outcome of a history, its lines in their order. What was taken back counts as never done."""
    said, passed = Fold(), None
    for line in lines:
        if line.to_state is None or line.to_state == "ARCHIVED":
            continue
        outcome = _OF_STATE.get(line.to_state, WAITING)
        if outcome == REJECTED and line.actor == SYSTEM:
            outcome = SET_ASIDE
        if line.to_state == "REVIEW2":
            # What leads there and is no first look has taken back a step from there.
            # An earlier version approved with one look: that was the first, and another follows.
            passed = {"approve": line.actor, "two looks": said.decided_by}.get(line.action, passed)
            said.first_by = passed
        elif line.to_state in {"REVIEW", "REVIEW1"}:
            said.first_by = None
        if outcome in _DECISIONS and said.outcome != outcome:
            said.decided_by, said.decided_at = line.actor, line.at
            said.reason = line.detail.get("reason") if outcome != APPROVED else None
        elif outcome == WAITING:
            said.decided_by = said.decided_at = said.reason = None
        said.outcome = outcome
    return said


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
        _row(case, fold(histories[case.id]), hours[case.event_id] if version is None else hour)
        for case, version, hour in stale
    ]
    _put(session, rows)
    return len(rows)


def _row(case: Case, said: Fold, hour: int) -> dict[str, Any]:
    day = int(case.number[:8])
    year, week, _ = date(day // 10_000, day // 100 % 100, day % 100).isocalendar()
    took = (said.decided_at - case.at_trigger).total_seconds() if said.decided_at else None
    return {
        "case_id": case.id, "version": case.version, "day": day, "week": year * 100 + week, "hour": hour,
        "edge_id": case.edge_id, "camera_id": case.camera_id, "site": case.site, "rule": case.rule,
        "verdict": case.verdict, "outcome": said.outcome, "reason": said.reason, "at": case.at_trigger,
        "decided_at": said.decided_at, "decision_s": took, "first_by": said.first_by, "decided_by": said.decided_by,
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
    "APPROVED", "CANCELLED", "EXPIRED", "OUTCOMES", "REJECTED", "SET_ASIDE", "WAITING", "Fold", "as_of", "catch_up",
    "fold",
]  # fmt: skip
