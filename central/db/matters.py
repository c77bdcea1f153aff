"""What cases and alarms have in common: found by matter under a lock, numbered by the day, told by sealed events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ExecutableOption

from central.db.alarms import Alarm
from central.db.cases import Case, CaseNumber
from central.db.events import Event
from contract.events import parse_data, parse_event

#: A box and what it calls one passage, stay or alarm.
Matter = tuple[str, str]
Ticket = TypeVar("Ticket", Case, Alarm)
Data = TypeVar("Data")


def locked(
    session: Session, kind: type[Ticket], matters: Sequence[Matter], *options: ExecutableOption
) -> dict[Matter, Ticket]:
    """Those that are there already, locked in the order of their ids."""
    if not matters:
        return {}
    query = (
        select(kind)
        .where(kind.edge_id.in_({edge_id for edge_id, _ in matters}), kind.case_key.in_({key for _, key in matters}))
        .order_by(kind.id)
        .options(*options)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {(one.edge_id, one.case_key): one for one in session.execute(query).scalars()}
    return {matter: found[matter] for matter in matters if matter in found}


def number(session: Session, tickets: Sequence[tuple[Ticket, datetime]], letter: str = "") -> None:
    """Give each a number such as `20261121-0001`, after `letter`: the day as the site counts it, and a serial in it.

    The counter of a day is locked until the commit: as late as can be, or replicas work one after the other.
    """
    by_day: dict[str, list[Ticket]] = {}
    for ticket, moment in tickets:
        by_day.setdefault(moment.strftime("%Y%m%d"), []).append(ticket)
    for day in sorted(by_day):
        name = letter + day[len(letter) :]  # a counter's name has eight signs
        counter = session.get(CaseNumber, name, with_for_update=True)
        if counter is None:
            counter = CaseNumber(day=name, last=0)
            session.add(counter)
        for ticket in by_day[day]:
            counter.last += 1
            ticket.number = f"{letter}{day}-{counter.last:04d}"


def data_of(row: Event, said: Mapping[str, object], kind: type[Data], what: str) -> Data:
    """The data of a stored event: from `said` (by event id) or parsed. Raises TypeError when it is not `what`."""
    data = said[row.id] if row.id in said else parse_data(parse_event(row.raw))
    if not isinstance(data, kind):
        raise TypeError(f"event {row.id} is no {what}")
    return data


__all__ = ["Matter", "data_of", "locked", "number"]
