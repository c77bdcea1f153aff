"""From sealed events to cases, a batch at a time: whatever has arrived of each matter, its case is brought up to it.

Nothing here depends on the order of arrival: the manifest may come before its violation, the end of a stay before
either. Running it twice changes nothing. A batch costs the same few questions to the database whether it holds one
event or hundreds, and takes its locks in one order (cases by id, then the counters of days), so that replicas that
work on the same matters wait for each other and never in a circle.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session, selectinload

from central.db.cases import Case
from central.db.events import Event
from central.db.ids import take_ahead
from central.db.matters import Matter, data_of, locked, number
from central.learning import shadow
from central.lists.known import Subject, questions
from central.tickets import opening
from central.tickets.states import CANDIDATE
from contract.events import Closed, EventType, Manifest, Violation

_VIOLATIONS = (EventType.ILLEGAL_PARKING, EventType.FAILURE_TO_YIELD)


def assemble(session: Session, matters: Mapping[Matter, Mapping[str, Event]], said: Mapping[str, object]) -> None:
    """Open or complete the case of each matter.

    `matters` has the stored events of each by type, `said` the parsed data of some of them by event id; the others
    are parsed here. A matter whose violation has not arrived yet waits; one of a camera in shadow gets no case.
    """
    with session.no_autoflush:
        decided = {
            matter: next(events[kind] for kind in _VIOLATIONS if kind in events)
            for matter, events in matters.items()
            if any(kind in events for kind in _VIOLATIONS)
        }
        cases = locked(session, Case, list(decided), selectinload(Case.questions), selectinload(Case.media))
        decisions = {matter: data_of(row, said, Violation, "violation") for matter, row in decided.items()}
        new = {matter: (row, decisions[matter]) for matter, row in decided.items() if matter not in cases}
        quiet = shadow.without_case(session, new)
        fresh = {matter: opening.opened(*said_by) for matter, said_by in new.items() if matter not in quiet}
        session.add_all(fresh.values())
        whole = cases | fresh
        for matter, case in whole.items():
            _complete(case, matters[matter], decisions[matter], said)
        _ask_of_lists(session, [(case, decisions[matter]) for matter, case in whole.items()])
        opening.advance(session, list(whole.values()))
        take_ahead(session)
        number(session, [(case, decisions[matter].at_trigger) for matter, case in fresh.items()])
    session.flush()


def _ask_of_lists(session: Session, cases: Sequence[tuple[Case, Violation]]) -> None:
    """What the office's lists say of the plates, put as questions before anybody looks."""
    subjects = {
        place: Subject(case.plate, case.rule, case.site, decided.at_trigger)
        for place, (case, decided) in enumerate(cases)
        if case.plate is not None and case.state == CANDIDATE
    }
    for place, asked in questions(session, subjects).items():
        opening.ask(cases[place][0], asked)


def _complete(case: Case, events: Mapping[str, Event], decision: Violation, said: Mapping[str, object]) -> None:
    row = events.get(EventType.MANIFEST)
    if row is not None and not case.manifest:
        opening.add_evidence(case, row, decision, data_of(row, said, Manifest, "manifest"))
    row = events.get(EventType.CLOSED)
    if row is not None and case.at_end is None:
        opening.add_end(case, row, data_of(row, said, Closed, "end of a stay"))


__all__ = ["Matter", "assemble"]
