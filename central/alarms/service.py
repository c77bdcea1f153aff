"""What people do with alarms: the list, one alarm, take, close. Pages and the API call these and nothing else.

Each function works within the transaction of the `session` it is given and raises `central.tickets.errors.TicketError`
with a sentence and a status, as those of cases do.
"""

import re
from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from central.accounts.acting import actor_of
from central.accounts.service import SignedInUser
from central.alarms import opening
from central.alarms.views import AlarmItem, AlarmPage, AlarmView
from central.alarms.workflow import CLOSED, DECIDES, ENDED, OPEN, TAKEN, WORKFLOW, AlarmFacts
from central.db.alarms import Alarm
from central.db.events import Event
from central.sites.areas import EVERYWHERE, within
from central.tickets.errors import CaseMissing, Conflict, NotAllowed
from central.tickets.queue import MAX_PAGE
from central.tickets.showing import seal_of
from central.tickets.views import HistoryLine
from central.tickets.words import text_of
from central.workflow.said import Named
from central.workflow.table import Doing
from contract.events import now, parse_data, parse_event
from contract.sensors import SensorAlarm

#: Alarms that somebody must look after, and those that are over.
PENDING, OVER = (OPEN, TAKEN), (ENDED, CLOSED)
_NUMBER = re.compile(r"S\d{8}-\d{4,9}")


def alarms(
    session: Session,
    *,
    pending: bool = True,
    limit: int = 50,
    after: str | None = None,
    areas: Collection[str] = EVERYWHERE,
) -> AlarmPage:
    """Alarms in `areas` that are pending (oldest first) or over (newest first), `limit` of them behind `after`.

    Raises CaseMissing when there is no `after`.
    """
    size = max(1, min(limit, MAX_PAGE))
    query = _ordered(pending).where(*within(Alarm.site, areas)).limit(size + 1)
    if after is not None:
        query = _behind(query, _found(session, after, areas=areas), pending)
    found: Sequence[Alarm] = session.execute(query).scalars().all()
    page = found[:size]
    return AlarmPage(
        items=[AlarmItem.model_validate(one, from_attributes=True) for one in page],
        next=page[-1].number if len(found) > size else None,
        counts=counts(session, areas),
    )


def counts(session: Session, areas: Collection[str] = EVERYWHERE) -> dict[str, int]:
    """How many alarms in `areas` are in each state."""
    query = select(Alarm.state, func.count()).where(*within(Alarm.site, areas)).group_by(Alarm.state)
    found = dict(session.execute(query).all())
    return {state: found.get(state, 0) for state in WORKFLOW.states}


def alarm(session: Session, number: str) -> AlarmView:
    """Everything that is known of one alarm. Raises CaseMissing."""
    row = _found(session, number)
    event = session.get_one(Event, row.event_id)
    sealed = parse_data(parse_event(event.raw))
    if not isinstance(sealed, SensorAlarm):
        raise TypeError(f"event {event.id} is no alarm of a sensor")
    item = AlarmItem.model_validate(row, from_attributes=True)
    return AlarmView(
        **item.model_dump(),
        version=row.version,
        sealed=sealed,
        seal=seal_of(event),
        note=row.note,
        history=[HistoryLine.model_validate(one, from_attributes=True) for one in row.history],
        actions=list(WORKFLOW.open_to(row.state, DECIDES)),
        created_at=row.created_at,
    )


def take(session: Session, number: str, version: int, user: SignedInUser) -> AlarmView:
    """A person looks after it. Raises CaseMissing, Conflict, NotAllowed, or Unfit in another state."""
    row = _opened(session, number, version, user)
    target = WORKFLOW.step(row.state, "take", AlarmFacts(), Doing(actor_of(user), now())).target
    opening.log(row, user.name, "take", target)
    row.state, row.taken_by = target, user.name
    return _done(session, row)


def close(session: Session, number: str, version: int, user: SignedInUser, finding: str, note: str = "") -> AlarmView:
    """A person says what was found: S01..S05, and for S05 a note. Raises as `take` does."""
    row = _opened(session, number, version, user)
    note = text_of(note, "note").strip()
    facts = AlarmFacts(over=row.at_end is not None, finding=finding, note=note)
    target = WORKFLOW.step(row.state, "close", facts, Doing(actor_of(user), now())).target
    opening.log(row, user.name, "close", target, finding=finding, note=note)
    row.state, row.finding, row.note, row.closed_by = target, finding, note or None, user.name
    return _done(session, row)


def _opened(session: Session, number: str, version: int, user: SignedInUser) -> Alarm:
    row = _found(session, number, lock=True)
    if not actor_of(user).roles & DECIDES:
        english = f"{user.role}s look at alarms and do not take or close them - ask an officer"
        raise NotAllowed(english, "alarm.not_yours", role=Named("role.is", (str(user.role),)))
    if row.version != version:
        english = f"alarm {row.number} was changed since you opened it: it is {row.state} now - reload it"
        raise Conflict(english, "alarm.changed", number=row.number, state=Named("alarm.state", (row.state,)))
    return row


def _done(session: Session, row: Alarm) -> AlarmView:
    try:
        session.flush()
    except StaleDataError as error:
        english = f"somebody changed alarm {row.number} in the same moment - reload it"
        raise Conflict(english, "alarm.same_moment", number=row.number) from error
    session.expire(row, ["history"])
    return alarm(session, row.number)


def _found(session: Session, number: str, lock: bool = False, areas: Collection[str] = EVERYWHERE) -> Alarm:
    row = None
    if _NUMBER.fullmatch(number):
        query = select(Alarm).where(Alarm.number == number, *within(Alarm.site, areas))
        row = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if row is None:
        raise CaseMissing(f"there is no alarm {number[:20]!r}", "alarm.none", number=number[:20])
    return row


def _ordered(pending: bool) -> Select[Alarm]:
    query = select(Alarm).where(Alarm.state.in_(PENDING if pending else OVER))
    if pending:
        return query.order_by(Alarm.at_trigger, Alarm.number)
    return query.order_by(Alarm.at_trigger.desc(), Alarm.number.desc())


def _behind(query: Select[Alarm], row: Alarm, pending: bool) -> Select[Alarm]:
    same = Alarm.at_trigger == row.at_trigger
    if pending:
        return query.where((Alarm.at_trigger > row.at_trigger) | (same & (Alarm.number > row.number)))
    return query.where((Alarm.at_trigger < row.at_trigger) | (same & (Alarm.number < row.number)))


__all__ = ["OVER", "PENDING", "alarm", "alarms", "close", "counts", "take"]
