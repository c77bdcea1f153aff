"""Whether alarms in the database are what the boxes sealed and what people did: rows against events and histories."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.alarms import Alarm
from central.db.events import Event
from contract.events import parse_data, parse_event
from contract.sensors import SensorAlarm, SensorClosed


def alarms(session: Session) -> Iterator[str]:
    """What does not hold, a sentence each."""
    for alarm in session.execute(select(Alarm).order_by(Alarm.id)).scalars():
        yield from (f"alarm {alarm.number}: {fault}" for fault in _alarm(session, alarm))
        session.expunge(alarm)


def _alarm(session: Session, alarm: Alarm) -> Iterator[str]:
    sealed = _sealed(session, alarm)
    # The ledger holds the history, so its word counts before the row's. A matter may have beginnings of several types.
    opened = next((line.detail.get("event") for line in alarm.history if line.action == "opened"), None)
    if alarm.event_id != opened:
        yield f"its event_id is {alarm.event_id}, and its history says that {opened} opened it: it was changed"
    begun = sealed.get(str(opened))
    if not isinstance(begun, SensorAlarm):
        yield "has no alarm of a box: its event was removed or filed elsewhere"
        return
    ended = next((data for data in sealed.values() if isinstance(data, SensorClosed)), None)
    peak = begun.peak if ended is None or ended.peak is None else ended.peak
    wanted: Mapping[str, object] = {
        "matter": begun.matter, "kind": begun.kind.value, "sensor_id": begun.sensor_id, "site": begun.site,
        "place": begun.place, "call": begun.call, "unit": begun.unit, "value": begun.value,
        "at_first": begun.at_first, "at_trigger": begun.at_trigger, "peak": peak,
        "at_end": ended.at_end if ended else None, "how": ended.how if ended else None,
        "lasted_s": ended.lasted_s if ended else None,
    }  # fmt: skip
    for name, value in wanted.items():
        if getattr(alarm, name) != value:
            yield f"its {name} is {getattr(alarm, name)}, and the box sealed {value}: it was changed"
    yield from _history(alarm)


def _history(alarm: Alarm) -> Iterator[str]:
    steps = [line for line in alarm.history if line.to_state is not None]
    state = steps[-1].to_state if steps else "OPEN"
    if alarm.state != state:
        yield f"is {alarm.state}, and its history ends in {state}: it was changed past it"
    taken = next((line.actor for line in steps if line.action == "take"), None)
    closed = next((line for line in steps if line.action == "close"), None)
    found = (closed.detail.get("finding"), closed.detail.get("note") or None) if closed else (None, None)
    if (taken, closed.actor if closed else None, *found) != (
        alarm.taken_by, alarm.closed_by, alarm.finding, alarm.note
    ):  # fmt: skip
        yield "says of who took and closed it, or what was found, something else than its history"


def _sealed(session: Session, alarm: Alarm) -> dict[str, object]:
    """What the box sealed of this matter, by event id; None for what cannot be read."""
    query = select(Event).where(Event.edge_id == alarm.edge_id, Event.case_key == alarm.case_key)
    found: dict[str, object] = {}
    for row in session.execute(query).scalars():
        try:
            found[row.id] = parse_data(parse_event(bytes(row.raw)))
        except (ValidationError, ValueError):
            found[row.id] = None
    return found


__all__ = ["alarms"]
