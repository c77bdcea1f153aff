"""Phases in the database: a person says when one began; out of order, and to correct, with a reason."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.db.marks import PhaseMarker
from central.polling import acts, phases
from central.polling.phases import Marker, Phase
from central.tickets.errors import CaseMissing, Unfit

LONGEST: Final = 500
#: Nobody marks what is longer ago.
OLDEST: Final = timedelta(days=30)
#: As far as a person's clock may be ahead of the office's.
_AHEAD: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be marked; `at` None for now. `corrects`: in place of that marker; `phase` None takes it away."""

    phase: Phase | None
    at: datetime | None
    note: str
    reason: str
    corrects: int | None = None


def mark(session: Session, user: SignedInUser, site: str, wanted: Wanted, now: datetime) -> PhaseMarker:
    """Mark it. Raises CaseMissing for a station or a marker that is not there, or not theirs; Unfit."""
    station = acts.locked(session, user, site)
    known = of_station(session, station.site)
    at = _moment(wanted.at, now)
    note, reason = (" ".join(text.split()) for text in (wanted.note, wanted.reason))
    if max(len(note), len(reason)) > LONGEST:
        raise Unfit("a note and a reason have up to 500 characters", "phase.long")
    there = [marker(one) for one in known]
    if wanted.corrects is not None:
        at = _corrected(known, there, wanted, at)
        there = [one for one in there if one.id != wanted.corrects]
    elif wanted.phase is None:
        raise Unfit("say which phase it is", "phase.which")
    odd = wanted.phase is not None and not phases.in_order(there, wanted.phase, at)
    if (odd or wanted.corrects is not None) and not reason:
        raise Unfit("this phase is out of its order, or corrects another: give a reason", "phase.order")
    row = PhaseMarker(
        site=station.site, phase=wanted.phase or "", at=at, user_id=user.id, name=user.name, made_at=now, note=note,
        reason=reason, corrects=wanted.corrects,
    )  # fmt: skip
    session.add(row)
    session.flush()
    said = {"phase": row.phase, "at_us": round(at.timestamp() * 1e6), "note": note, "reason": reason}
    acts.note(session, station.site, user, "phase", now, marker=row.id, corrects=row.corrects, **said)
    return row


def of_station(session: Session, site: str) -> Sequence[PhaseMarker]:
    """Every marker of a station, in the order in which they were made."""
    return session.execute(select(PhaseMarker).where(PhaseMarker.site == site).order_by(PhaseMarker.id)).scalars().all()


def of_sites(session: Session, sites: Collection[str]) -> Mapping[str, list[Marker]]:
    """The markers of some stations, one query."""
    found: dict[str, list[Marker]] = {}
    query = select(PhaseMarker).where(PhaseMarker.site.in_(sites)).order_by(PhaseMarker.id)
    for one in session.execute(query).scalars():
        found.setdefault(one.site, []).append(marker(one))
    return found


def marker(row: PhaseMarker) -> Marker:
    """The row for the rules."""
    return Marker(row.id, Phase(row.phase) if row.phase else None, row.at, row.corrects)


def _moment(at: datetime | None, now: datetime) -> datetime:
    """Raises Unfit for what is to come, or long past."""
    if at is None:
        return now
    if not now - OLDEST <= at <= now + _AHEAD:
        raise Unfit("a phase began within the last 30 days, and not in the future", "phase.when")
    return min(at, now)


def _corrected(known: Sequence[PhaseMarker], there: Sequence[Marker], wanted: Wanted, at: datetime) -> datetime:
    """When the marker that corrects another says it was. Raises CaseMissing; Unfit for what does not stand any more."""
    old = next((one for one in known if one.id == wanted.corrects), None)
    if old is None:
        raise CaseMissing("there is no such marker", "phase.none")
    if old.id not in {one.id for one in phases.standing(there)}:
        raise Unfit("this marker was corrected already", "phase.corrected")
    return old.at if wanted.at is None else at


__all__ = ["LONGEST", "Wanted", "mark", "marker", "of_sites", "of_station"]
