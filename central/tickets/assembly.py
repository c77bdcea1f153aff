"""From sealed events to cases, a batch at a time: whatever has arrived of each matter, its case is brought up to it.

Nothing here depends on the order of arrival: the manifest may come before its violation, the end of a stay before
either. Running it twice changes nothing. A batch costs the same few questions to the database whether it holds one
event or hundreds, and takes its locks in one order (cases by id, then the counters of days), so that replicas that
work on the same matters wait for each other and never in a circle.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from central.db.cases import Case, CaseNumber
from central.db.events import Event
from central.db.ids import take_ahead
from central.tickets import opening
from contract.events import Closed, EventType, Manifest, Violation, parse_data, parse_event

#: A box and what it calls one passage or stay: what makes a case.
Matter = tuple[str, str]
_VIOLATIONS = (EventType.ILLEGAL_PARKING, EventType.FAILURE_TO_YIELD)


def assemble(session: Session, matters: Mapping[Matter, Mapping[str, Event]], said: Mapping[str, object]) -> None:
    """Open or complete the case of each matter.

    `matters` has the stored events of each by type, `said` the parsed data of some of them by event id; the others
    are parsed here. A matter whose violation has not arrived yet waits.
    """
    with session.no_autoflush:
        decided = {
            matter: next(events[kind] for kind in _VIOLATIONS if kind in events)
            for matter, events in matters.items()
            if any(kind in events for kind in _VIOLATIONS)
        }
        cases = _locked(session, list(decided))
        decisions = {matter: _decision(row, said) for matter, row in decided.items()}
        fresh = {
            matter: opening.opened(row, decisions[matter]) for matter, row in decided.items() if matter not in cases
        }
        session.add_all(fresh.values())
        whole = cases | fresh
        for matter, case in whole.items():
            _complete(case, matters[matter], decisions[matter], said)
        opening.advance(session, list(whole.values()))
        take_ahead(session)
        # The counter of a day is locked until the commit: as late as can be, or replicas work one after the other.
        _number(session, [(case, decisions[matter].at_trigger) for matter, case in fresh.items()])
    session.flush()


def _locked(session: Session, matters: Sequence[Matter]) -> dict[Matter, Case]:
    """The cases that are there already, locked in the order of their ids."""
    if not matters:
        return {}
    query = (
        select(Case)
        .where(Case.edge_id.in_({edge_id for edge_id, _ in matters}), Case.case_key.in_({key for _, key in matters}))
        .order_by(Case.id)
        .options(selectinload(Case.questions), selectinload(Case.media))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {(case.edge_id, case.case_key): case for case in session.execute(query).scalars()}
    return {matter: found[matter] for matter in matters if matter in found}


def _number(session: Session, cases: Sequence[tuple[Case, datetime]]) -> None:
    """Give each case its number, `20261121-0001`: the day of the offence as the site counts it, and a serial in it."""
    by_day: dict[str, list[Case]] = {}
    for case, moment in cases:
        by_day.setdefault(moment.strftime("%Y%m%d"), []).append(case)
    for day in sorted(by_day):
        counter = session.get(CaseNumber, day, with_for_update=True)
        if counter is None:
            counter = CaseNumber(day=day, last=0)
            session.add(counter)
        for case in by_day[day]:
            counter.last += 1
            case.number = f"{day}-{counter.last:04d}"


def _complete(case: Case, events: Mapping[str, Event], decision: Violation, said: Mapping[str, object]) -> None:
    row = events.get(EventType.MANIFEST)
    if row is not None and not case.manifest:
        manifest = _data(row, said)
        if not isinstance(manifest, Manifest):
            raise TypeError(f"event {row.id} is no manifest")
        opening.add_evidence(case, row, decision, manifest)
    row = events.get(EventType.CLOSED)
    if row is not None and case.at_end is None:
        end = _data(row, said)
        if not isinstance(end, Closed):
            raise TypeError(f"event {row.id} is no end of a stay")
        opening.add_end(case, row, end)


def _decision(row: Event, said: Mapping[str, object]) -> Violation:
    data = _data(row, said)
    if not isinstance(data, Violation):
        raise TypeError(f"event {row.id} is no violation")
    return data


def _data(row: Event, said: Mapping[str, object]) -> object:
    return said[row.id] if row.id in said else parse_data(parse_event(row.raw))


__all__ = ["Matter", "assemble"]
