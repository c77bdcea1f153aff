"""Stills and clips that a box named and then had to give up: a case must not wait for ever for what will not come.

Such a file is struck from what the case waits for, and stands among its checks as dropped, as if the manifest itself
had named it so. Manifest and the event that gives up stay as they were sealed. Order of arrival does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseMedia
from central.db.events import Event
from central.db.media import Media
from central.tickets import opening, precheck
from central.tickets.views import Check
from central.workflow.table import SYSTEM
from contract.dropped import Dropped
from contract.events import EventType, parse_data, parse_event

_WORDS = {
    "outbox_full": "dropped by the box, whose outbox was full",
    "gone": "lost by the box's disk",
    "altered": "altered on the box's disk",
}
_BEGINNINGS = (EventType.ILLEGAL_PARKING, EventType.FAILURE_TO_YIELD, EventType.MANIFEST)


def settle(session: Session, fresh: Sequence[Event], manifests: Iterable[Event], said: Mapping[str, object]) -> None:
    """Strike what the `fresh` events of a batch give up, and what was given up before its manifest had a case.

    `manifests` are those of the batch's matters, fresh or not; `said` has the parsed data of the fresh events.
    """
    rows = [row for row in fresh if row.type == EventType.DROPPED]
    if any(row.type in _BEGINNINGS for row in fresh):
        rows += _ahead(session, manifests)
    for row in {row.id: row for row in rows}.values():
        data = said[row.id] if row.id in said else parse_data(parse_event(row.raw))
        if isinstance(data, Dropped):
            _strike(session, row, data)


def _ahead(session: Session, manifests: Iterable[Event]) -> list[Event]:
    """Events of dropped media that stand behind one of these manifests in its box's chain, and are here already."""
    first: dict[tuple[str, str], int] = {}
    for row in manifests:
        key = (row.edge_id, row.chain_id)
        first[key] = min(row.chain_seq, first.get(key, row.chain_seq))
    if not first:
        return []
    behind = [
        and_(Event.edge_id == edge_id, Event.chain_id == chain_id, Event.chain_seq > seq)
        for (edge_id, chain_id), seq in first.items()
    ]
    return list(session.execute(select(Event).where(Event.type == EventType.DROPPED, or_(*behind))).scalars())


def _strike(session: Session, row: Event, data: Dropped) -> None:
    """Take what `data` names, and what is not here after all, from the cases of its box, and let them go on."""
    names = {one.sha256 for one in data.media}
    named = select(CaseMedia.case_id).where(CaseMedia.sha256.in_(names))
    query = select(Case).where(Case.edge_id == row.edge_id, Case.id.in_(named)).order_by(Case.id).with_for_update()
    cases = session.execute(query).scalars().all()
    here = set(session.execute(select(Media.sha256).where(Media.sha256.in_(names), Media.complete.is_(True))).scalars())
    for case in cases:
        struck = [one for one in case.media if one.sha256 in names - here]
        if not struck:
            continue
        checks = [Check(name="dropped", ok=False, detail=f"{_what(one)}: {_WORDS[data.cause]}") for one in struck]
        case.checks = [*case.checks, *precheck.as_json(iter(checks))]
        opening.log(case, SYSTEM, "evidence given up", event=row.id, cause=data.cause, files=len(struck))
        for one in struck:
            session.delete(one)
        session.flush()
        session.expire(case, ["media"])
    opening.advance(session, cases)
    session.flush()


def _what(one: CaseMedia) -> str:
    return "video" if one.kind == "video" else f"{one.role} of {one.moment}{' (overlay)' if one.overlay else ''}"


__all__ = ["settle"]
