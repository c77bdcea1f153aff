"""By whose rule an object of the store may go: what names it, and when the time of each of those has ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseLog, CaseMedia
from central.db.events import Event
from central.db.learning import ShadowMatter
from central.db.media import CaseHold, MediaName
from central.recordings import keeping
from central.retention import terms
from central.retention.terms import Term
from central.tickets.opening import offset_s
from central.tickets.precheck.profiles import profile_of
from central.tickets.states import ARCHIVED
from contract.events import Violation, parse_data, parse_event
from contract.profile import Profile

Line = dict[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """A term, and the profile whose rule it is."""

    term: Term
    profile: Profile

    def line(self) -> Line:
        """As it is put on record."""
        return {
            "rule": self.term.rule,
            "days": self.term.days,
            "basis": self.term.basis,
            "since": self.term.since.isoformat(timespec="seconds"),
            "until": self.term.until.isoformat(timespec="seconds"),
            "profile": self.profile.id,
            "profile_version": self.profile.version,
        }


def of_shadow(session: Session, row: ShadowMatter) -> Found | None:
    """The term of a decision of a camera in shadow; None where its profile is not here: it stays."""
    said = parse_data(parse_event(session.get_one(Event, row.event_id).raw))
    if not isinstance(said, Violation):
        raise TypeError(f"event {row.event_id} is no violation")
    profile = profile_of(said.jurisdiction)
    if profile is None:
        return None
    zone = timezone(timedelta(seconds=offset_s(said.at_trigger)))
    return Found(terms.of_shadow(row.kept_at, profile, zone), profile)


def why(session: Session, name: str, at: datetime) -> list[Line] | None:
    """By which rule each case, decision in shadow, or recording that names the object lets it go at `at`.

    None while anything else names it, the time of one has not ended, or a hold keeps one.
    """
    events = select(Event).join(MediaName, MediaName.event_id == Event.id).where(MediaName.sha256 == name)
    recorded = keeping.why(session, name)
    if recorded is None:
        return None
    keys = {(one.edge_id, one.case_key) for one in session.execute(events).scalars()}
    by_case = select(CaseMedia.case_id).where(CaseMedia.sha256 == name)
    cases = {one.id: one for one in session.execute(select(Case).where(Case.id.in_(by_case))).scalars()}
    shadows: list[tuple[ShadowMatter, Found]] = []
    for edge_id, key in keys:
        if key is None:
            return None
        named = session.execute(select(Case).where(Case.edge_id == edge_id, Case.case_key == key)).scalar_one_or_none()
        if named is not None:
            cases[named.id] = named
            continue
        shadow = _over(session, edge_id, key, at)
        if shadow is None:
            return None
        shadows.append(shadow)
    if (
        not (cases or shadows or recorded)
        or any(one.state != ARCHIVED for one in cases.values())
        or _held(session, set(cases))
    ):
        return None
    by_number = sorted(cases.values(), key=lambda one: one.number)
    by_id = sorted(shadows, key=lambda one: one[0].id)
    return [
        *recorded,
        *({"case": one.number} | _rule(session, one) for one in by_number),
        *({"shadow": row.id, "event": row.event_id} | found.line() for row, found in by_id),
    ]


def _over(session: Session, edge_id: str, key: str, at: datetime) -> tuple[ShadowMatter, Found] | None:
    """The decision in shadow of that matter, once its time has ended."""
    query = select(ShadowMatter).where(ShadowMatter.edge_id == edge_id, ShadowMatter.case_key == key)
    row = session.execute(query).scalar_one_or_none()
    found = of_shadow(session, row) if row is not None else None
    return (row, found) if row is not None and found is not None and at >= found.term.until else None


def _held(session: Session, cases: set[int]) -> bool:
    held = exists().where(CaseHold.released_at.is_(None), CaseHold.case_id.in_(cases))
    return bool(cases) and session.execute(select(held)).scalar_one()


def _rule(session: Session, case: Case) -> Line:
    line = select(CaseLog).where(CaseLog.case_id == case.id, CaseLog.to_state == ARCHIVED).order_by(CaseLog.id.desc())
    found = session.execute(line.limit(1)).scalar_one_or_none()
    return dict(found.detail) if found is not None else {}


__all__ = ["Found", "Line", "of_shadow", "why"]
