"""From sealed events of sensors to alarms, a batch at a time: one matter is one alarm, its end ends it.

Nothing here depends on the order of arrival, and running it twice changes nothing. Locks are taken behind those of
cases, alarms by id and then the counters of days, so that replicas wait for each other and never in a circle.
"""

from collections.abc import Mapping
from datetime import UTC

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, object_session

from central.alarms.workflow import OPEN, WORKFLOW, AlarmFacts
from central.db.alarms import Alarm, AlarmLog
from central.db.cases import CaseNumber
from central.db.events import Event
from central.db.ids import take_ahead
from central.tickets.workflow import SYSTEM
from contract.events import EventType, now, parse_data, parse_event
from contract.sensors import SensorAlarm, SensorClosed

#: A box and what it calls one matter.
Matter = tuple[str, str]
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
    alarms = _locked(session, list(begun))
    fresh = {matter: _opened(row, _alarm(row, said)) for matter, row in begun.items() if matter not in alarms}
    with session.no_autoflush:
        session.add_all(fresh.values())
        for matter, alarm in (alarms | fresh).items():
            ending = matters[matter].get(EventType.SENSOR_CLOSED)
            if ending is not None and alarm.at_end is None:
                _end(alarm, ending, _closed(ending, said))
        take_ahead(session)
        _number(session, list(fresh.values()))
    session.flush()


def _locked(session: Session, matters: list[Matter]) -> dict[Matter, Alarm]:
    edges, keys = {edge_id for edge_id, _ in matters}, {key for _, key in matters}
    query = (
        select(Alarm)
        .where(Alarm.edge_id.in_(edges), Alarm.case_key.in_(keys))
        .order_by(Alarm.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {(alarm.edge_id, alarm.case_key): alarm for alarm in session.execute(query).scalars()}
    return {matter: found[matter] for matter in matters if matter in found}


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
    if "end" in WORKFLOW.open_to(alarm.state, SYSTEM):
        target = WORKFLOW.step(alarm.state, "end", SYSTEM, AlarmFacts(over=True)).target
    log(alarm, SYSTEM, "ended", target, event=row.id, how=data.how)
    alarm.state = target or alarm.state


def log(alarm: Alarm, actor: str, action: str, target: str | None, **detail: object) -> None:
    """Add a line to the history of `alarm`, before its state is changed."""
    line = AlarmLog(
        at=now(),
        actor=actor,
        action=action,
        from_state=alarm.state if target else None,
        to_state=target,
        detail=detail,
    )
    session = object_session(alarm)
    if alarm.id is not None and session is not None and "history" in inspect(alarm).unloaded:
        # A whole history need not be read to add a line to it.
        line.alarm_id = alarm.id
        session.add(line)
    else:
        alarm.history.append(line)


def _number(session: Session, alarms: list[Alarm]) -> None:
    """Give each alarm its number, `S20261121-0001`: the day as the site counts it, and a serial in it."""
    by_day: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        by_day.setdefault(alarm.at_trigger.strftime("%Y%m%d"), []).append(alarm)
    for day in sorted(by_day):
        # The counters of cases are named YYYYMMDD; these need eight signs, too.
        name = f"S{day[1:]}"
        counter = session.get(CaseNumber, name, with_for_update=True)
        if counter is None:
            counter = CaseNumber(day=name, last=0)
            session.add(counter)
        for alarm in by_day[day]:
            counter.last += 1
            alarm.number = f"S{day}-{counter.last:04d}"


def _alarm(row: Event, said: Mapping[str, object]) -> SensorAlarm:
    data = _data(row, said)
    if not isinstance(data, SensorAlarm):
        raise TypeError(f"event {row.id} is no alarm of a sensor")
    return data


def _closed(row: Event, said: Mapping[str, object]) -> SensorClosed:
    data = _data(row, said)
    if not isinstance(data, SensorClosed):
        raise TypeError(f"event {row.id} is no end of an alarm")
    return data


def _data(row: Event, said: Mapping[str, object]) -> object:
    return said[row.id] if row.id in said else parse_data(parse_event(row.raw))


__all__ = ["BEGINNINGS", "Matter", "log", "settle"]
