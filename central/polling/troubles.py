"""From sealed events to what is wrong with a picture: begun, ended, each once, in whatever order they arrive."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.events import Event
from central.db.polling import FeedTrouble
from contract.events import EventType, now, parse_data, parse_event
from contract.feedhealth import Cleared, Trouble

Matter = tuple[str, str]


def settle(session: Session, matters: Mapping[Matter, Mapping[str, Event]], said: Mapping[str, object]) -> None:
    """Open or end the trouble of each matter that is one. `matters`: the stored events of each, by type.

    One whose beginning has not arrived yet waits for it.
    """
    begun = {matter: events for matter, events in matters.items() if EventType.TROUBLE in events}
    if not begun:
        return
    query = (
        select(FeedTrouble)
        .where(
            FeedTrouble.edge_id.in_({edge_id for edge_id, _ in begun}),
            FeedTrouble.case_key.in_({case_key for _, case_key in begun}),
        )
        .order_by(FeedTrouble.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {(one.edge_id, one.case_key): one for one in session.execute(query).scalars()}
    for matter, events in begun.items():
        trouble = found.get(matter)
        if trouble is None:
            trouble = _opened(events[EventType.TROUBLE], said)
            session.add(trouble)
        ending = events.get(EventType.TROUBLE_CLEARED)
        if ending is not None and trouble.at_end is None:
            data = _data(ending, said)
            if isinstance(data, Cleared):
                trouble.at_end, trouble.how = data.at_end, data.how
    session.flush()


def _opened(row: Event, said: Mapping[str, object]) -> FeedTrouble:
    data = _data(row, said)
    if not isinstance(data, Trouble):
        raise TypeError(f"event {row.id} is no {EventType.TROUBLE}")
    return FeedTrouble(
        edge_id=row.edge_id,
        case_key=data.case_key,
        event_id=row.id,
        camera_id=data.camera_id,
        site=data.site,
        kind=data.check,
        severity=data.severity,
        reason=data.reason,
        figures=dict(data.figures),
        still=data.still.sha256 if data.still is not None else None,
        at_first=data.at_first,
        at_trigger=data.at_trigger,
        created_at=now(),
    )


def _data(row: Event, said: Mapping[str, object]) -> object:
    return said[row.id] if row.id in said else parse_data(parse_event(row.raw))


__all__ = ["settle"]
