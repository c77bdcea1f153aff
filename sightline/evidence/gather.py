"""What belongs to a case's bundle, taken from central's database, and the entry that says it was taken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from central.db.accounts import User, ViewLog
from central.db.cases import Case, CaseLog, CaseMedia
from central.db.edges import EdgeKey
from central.db.events import Event
from central.db.media import Media
from central.ledger.entries import CASE, EVENT, KEY, KEY_RETIRED, KEY_REVOKED, VIEW, Ref
from contract.bundle import EXPORTED, Exported
from contract.errors import InputError
from contract.events import now

#: The chain between two events of a case is shown whole up to so many links; beyond, the links on either side of each.
WHOLE = 500


@dataclass(frozen=True, slots=True)
class Gathered:
    """A case as it is exported: its sealed events in the order of their chain, and every entry that proves it."""

    case: Case
    events: Sequence[Event]
    media: Sequence[CaseMedia]
    there: frozenset[str]
    export: Ref
    refs: tuple[Ref, ...]


def account(session: Session, name: str) -> str:
    """The account that asks. Raises InputError when there is none of that name."""
    row = session.execute(select(User).where(User.name == name, User.disabled_at.is_(None))).scalar_one_or_none()
    if row is None:
        raise InputError(f"--by {name[:64]}: there is no such account - name who asks for the export, it is entered")
    return row.name


def gather(session: Session, number: str, by: str, c2pa: str | None) -> Gathered:
    """Everything of the case, after its export was entered in its history. Raises InputError for no such case.

    `c2pa` is the SHA-256 of the certificate that is to sign C2PA manifests, None when none are made.
    """
    case = session.execute(select(Case).where(Case.number == number).with_for_update()).scalar_one_or_none()
    if case is None:
        raise InputError(f"case {number[:20]}: there is none of that number - see the queue")
    events = _events(session, case)
    stretches, links, pending = _chain(session, events)
    there = _there(session, case.media)
    lines = session.execute(select(CaseLog.id).where(CaseLog.case_id == case.id)).scalars().all()
    views = session.execute(select(ViewLog.id).where(ViewLog.case_id == case.id)).scalars().all()
    said = Exported(
        events=[row.sha256 for row in events],
        originals=sorted(there),
        chain=stretches,
        pending=pending,
        lines=len(lines),
        views=len(views),
        c2pa=c2pa,
    )
    line = CaseLog(case_id=case.id, at=now(), actor=account(session, by), action=EXPORTED, detail=said.model_dump())
    session.add(line)
    session.flush()
    export = (CASE, str(line.id))
    refs = (
        *_keys(session, {row.kid for row in links}),
        *((EVENT, row.id) for row in links),
        *((CASE, str(one)) for one in lines),
        *((VIEW, str(one)) for one in views),
        export,
    )
    return Gathered(case, events, list(case.media), there, export, refs)


def _events(session: Session, case: Case) -> list[Event]:
    query = select(Event).where(Event.edge_id == case.edge_id, Event.case_key == case.case_key)
    return sorted(session.execute(query).scalars(), key=lambda row: (row.chain_id, row.chain_seq, row.id))


def _there(session: Session, media: Iterable[CaseMedia]) -> frozenset[str]:
    names = {one.sha256 for one in media}
    query = select(Media.sha256).where(Media.sha256.in_(names), Media.complete.is_(True))
    return frozenset(session.execute(query).scalars())


def _chain(
    session: Session, events: Sequence[Event]
) -> tuple[list[tuple[str, int, int]], list[Event], list[tuple[str, int]]]:
    """Stretches of each chain around the events, the events that stand in them, and the places that are still open."""
    stretches: list[tuple[str, int, int]] = []
    links: dict[str, Event] = {}
    pending: list[tuple[str, int]] = []
    for chain_id in dict.fromkeys(row.chain_id for row in events):
        own = [row.chain_seq for row in events if row.chain_id == chain_id]
        newest = _newest(session, events[0].edge_id, chain_id)
        for first, last in _stretches(own, newest):
            found = _between(session, events[0].edge_id, chain_id, first, last)
            links |= {row.id: row for row in found}
            here = {row.chain_seq for row in found}
            pending += [(chain_id, seq) for seq in range(first, last + 1) if seq not in here]
            stretches.append((chain_id, first, last))
    return stretches, list(links.values()), pending


def _stretches(own: list[int], newest: int) -> list[tuple[int, int]]:
    """The beginning of the chain, and what stands around each event; overlapping ones are one."""
    if own[-1] - own[0] <= WHOLE:
        wanted = [(0, 0), (own[0] - 1, own[-1] + 1)]
    else:
        wanted = [(0, 0), *((seq - 1, seq + 1) for seq in own)]
    merged: list[tuple[int, int]] = []
    for begin, end in wanted:
        first, last = max(0, begin), min(end, newest)
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _newest(session: Session, edge_id: str, chain_id: str) -> int:
    query = select(func.max(Event.chain_seq)).where(Event.edge_id == edge_id, Event.chain_id == chain_id)
    return session.execute(query).scalar_one()


def _between(session: Session, edge_id: str, chain_id: str, first: int, last: int) -> Sequence[Event]:
    query = select(Event).where(
        Event.edge_id == edge_id, Event.chain_id == chain_id, Event.chain_seq.between(first, last)
    )
    return session.execute(query.order_by(Event.chain_seq, Event.id)).scalars().all()


def _keys(session: Session, kids: set[str]) -> list[Ref]:
    """The entries of the keys that sealed them, and of their end where they had one."""
    refs: list[Ref] = []
    for key in session.execute(select(EdgeKey).where(EdgeKey.kid.in_(kids)).order_by(EdgeKey.kid)).scalars():
        refs.append((KEY, key.kid))
        refs += [(KEY_RETIRED, key.kid)] if key.retired_at is not None else []
        refs += [(KEY_REVOKED, key.kid)] if key.revoked_at is not None else []
    return refs


__all__ = ["Gathered", "account", "gather"]
