"""From sealed events of sensors to alarms, a batch at a time: one matter is one alarm, its end ends it.

Nothing here depends on the order of arrival, and running it twice changes nothing. Locks are taken behind those of
cases, alarms by id and then the counters of days, so that replicas wait for each other and never in a circle.
"""

from collections.abc import Mapping
from datetime import UTC

from sqlalchemy.orm import Session

from central.alarms.workflow import OPEN, WORKFLOW, AlarmFacts
from central.db.alarms import Alarm, AlarmLog
from central.db.events import Event
from central.db.history import add_line
from central.db.ids import take_ahead
from central.db.matters import Matter, data_of, locked, number
from central.workflow.table import MACHINE, SYSTEM, Doing
from contract.events import EventType, now
from contract.sensors import SensorAlarm, SensorClosed

BEGINNINGS = (
    EventType.WATER_LEVEL,
    EventType.SMOKE,
    EventType.MANHOLE,
    EventType.PARKING,
    EventType.SENSOR_SILENT,
)


def settle(session: Session, matters: Mapping[Matter, Mapping[str, Event]], said: Mapping[str, object]) -> None:
    """Open or end the alarm of each matter that is one of a sensor.

    `matters` has the stored events of each by type, `said` the parsed data of some of them by event id. A matter whose
    alarm has not arrived yet waits.
    """
    begun = {
        matter: next(events[kind] for kind in BEGINNINGS if kind in events)
        for matter, events in matters.items()
        if any(kind in events for kind in BEGINNINGS)
    }
    if not begun:
        return
    alarms = locked(session, Alarm, list(begun))
    fresh = {
        matter: _opened(row, data_of(row, said, SensorAlarm, "alarm of a sensor"))
        for matter, row in begun.items()
        if matter not in alarms
    }
    with session.no_autoflush:
        session.add_all(fresh.values())
        for matter, alarm in (alarms | fresh).items():
            ending = matters[matter].get(EventType.SENSOR_CLOSED)
            if ending is not None and alarm.at_end is None:
                _end(alarm, ending, data_of(ending, said, SensorClosed, "end of an alarm"))
        take_ahead(session)
        number(session, [(alarm, alarm.at_trigger) for alarm in fresh.values()], "S")
    session.flush()


def _opened(row: Event, data: SensorAlarm) -> Alarm:
    alarm = Alarm(
        edge_id=row.edge_id,
        case_key=data.case_key,
        event_id=row.id,
        matter=data.matter,
        kind=data.kind,
        sensor_id=data.sensor_id,
        state=OPEN,
        site=data.site,
        place=data.place,
        call=data.call,
        unit=data.unit,
        value=data.value,
        peak=data.peak,
        at_first=data.at_first,
        at_trigger=data.at_trigger,
        created_at=now(),
    )
    log(alarm, SYSTEM, "opened", None, event=row.id)
    return alarm


def _end(alarm: Alarm, row: Event, data: SensorClosed) -> None:
    alarm.at_end, alarm.lasted_s, alarm.how = data.at_end.astimezone(UTC), data.lasted_s, data.how
    if data.peak is not None:
        alarm.peak = data.peak
    target = None
    if "end" in WORKFLOW.open_to(alarm.state, MACHINE.roles):
        target = WORKFLOW.step(alarm.state, "end", AlarmFacts(over=True), Doing(MACHINE, now())).target
    log(alarm, SYSTEM, "ended", target, event=row.id, how=data.how)
    alarm.state = target or alarm.state


def log(alarm: Alarm, actor: str, action: str, target: str | None, **detail: object) -> None:
    """Add a line to the history of `alarm`, before its state is changed."""
    source = alarm.state if target else None
    line = AlarmLog(at=now(), actor=actor, action=action, from_state=source, to_state=target, detail=detail)
    add_line(alarm, "alarm_id", line)


__all__ = ["BEGINNINGS", "Matter", "log", "settle"]
