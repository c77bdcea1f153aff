"""Legal holds: everything that a case names stays, whatever a sweep or a retention says, until the hold is released.

The database decides; the store is told as well, so that a bucket with Object Lock keeps the object from everybody. A
hold also covers what arrives after it was placed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseMedia
from central.db.database import Database
from central.db.media import CaseHold
from central.media.store import MediaStore
from central.tickets import opening
from contract.errors import InputError
from contract.events import now

PLACED, RELEASED = "legal hold", "legal hold released"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold in force: the case's number, why, by whom, since when."""

    number: str
    reason: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Marked:
    """What the store was told of: objects that are here, and those of the case that have not arrived."""

    here: int
    missing: int


def place(db: Database, store: MediaStore, number: str, by: str, reason: str) -> Marked:
    """Put a case under hold. Raises InputError for a case that is not there or is held, StoreAway (run it again)."""
    with db.write() as session:
        case = _locked(session, number)
        held = _in_force(session, case.id)
        if held is None:
            session.add(CaseHold(case_id=case.id, reason=reason, placed_by=by, placed_at=now()))
            opening.log(case, by, PLACED, note=reason)
        elif held.reason != reason:
            raise InputError(f"case {number} is held since {held.placed_at:%Y-%m-%d %H:%M} UTC by {held.placed_by}")
        names = _names(session, case.id)
    return _mark(store, names)


def release(db: Database, store: MediaStore, number: str, by: str, reason: str) -> Marked:
    """End the hold of a case; what another held case names stays held. Raises InputError where there is no hold."""
    with db.write() as session:
        case = _locked(session, number)
        held = _in_force(session, case.id)
        if held is None:
            raise InputError(f"case {number} is not held - see `sightline central media holds`")
        held.released_by, held.released_at, held.release_reason = by, now(), reason
        opening.log(case, by, RELEASED, note=reason)
        session.flush()
        names = _names(session, case.id)
        free = names - held_of(session, names)
    missing = sum(not _told(store, name, on=False) for name in sorted(free))
    return Marked(len(free) - missing, missing)


def in_force(session: Session) -> list[Hold]:
    """Every hold in force, oldest first."""
    query = (
        select(CaseHold, Case.number)
        .join(Case, Case.id == CaseHold.case_id)
        .where(CaseHold.released_at.is_(None))
        .order_by(CaseHold.id)
    )
    return [Hold(number, row.reason, row.placed_by, row.placed_at) for row, number in session.execute(query)]


def held_of(session: Session, names: Collection[str]) -> set[str]:
    """Those of `names` that a held case names."""
    query = (
        select(CaseMedia.sha256)
        .join(CaseHold, CaseHold.case_id == CaseMedia.case_id)
        .where(CaseHold.released_at.is_(None), CaseMedia.sha256.in_(names))
    )
    return set(session.execute(query).scalars())


def keep(db: Database, store: MediaStore, name: str) -> None:
    """An object has arrived: put it under hold where a held case names it."""
    with db.read() as session:
        held = held_of(session, [name])
    if held:
        _told(store, name, on=True)


def renew(db: Database, store: MediaStore) -> int:
    """Tell the store of every hold once more, for what a crash or an outage kept from it; returns how many were new."""
    with db.read() as session:
        query = (
            select(CaseMedia.sha256)
            .join(CaseHold, CaseHold.case_id == CaseMedia.case_id)
            .where(CaseHold.released_at.is_(None))
            .distinct()
        )
        names: Sequence[str] = session.execute(query).scalars().all()
    return sum(_told(store, name, on=True) for name in names if not store.on_hold(name))


def _mark(store: MediaStore, names: set[str]) -> Marked:
    here = sum(_told(store, name, on=True) for name in sorted(names))
    return Marked(here, len(names) - here)


def _told(store: MediaStore, name: str, *, on: bool) -> bool:
    """Tell the store; False when the object is not there (it is held when it comes)."""
    try:
        store.hold(name, on)
    except FileNotFoundError:
        return False
    return True


def _locked(session: Session, number: str) -> Case:
    case = session.execute(select(Case).where(Case.number == number).with_for_update()).scalar_one_or_none()
    if case is None:
        raise InputError(f"there is no case {number[:40]} - its number stands on its page, for example 20261121-0001")
    return case


def _in_force(session: Session, case_id: int) -> CaseHold | None:
    query = select(CaseHold).where(CaseHold.case_id == case_id, CaseHold.released_at.is_(None))
    return session.execute(query).scalar_one_or_none()


def _names(session: Session, case_id: int) -> set[str]:
    return set(session.execute(select(CaseMedia.sha256).where(CaseMedia.case_id == case_id)).scalars())


__all__ = ["PLACED", "RELEASED", "Hold", "Marked", "held_of", "in_force", "keep", "place", "release", "renew"]
