"""The sweep that forgets: cases whose time has come are archived, and what only they name is deleted.

Four steps, each safe to be killed in and to be run by several replicas at once: cases are archived by the table;
objects that archived cases alone name lose their row, behind the fence, and are listed; what is listed is removed from
the store, unless a hold was placed meanwhile; what was removed is certified. Rows of cases stay: statistics are theirs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone

import structlog
from joserfc.jwk import OKPKey
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.cases import Case, CaseLog, CaseMedia
from central.db.database import Database
from central.db.deletions import Deletion
from central.db.events import Event
from central.db.media import CaseHold, Media, MediaName, fence
from central.media import holds
from central.media.store import Locked, MediaStore
from central.retention import certificates
from central.retention.terms import FINAL, Term, term
from central.tickets import decisions
from central.tickets.guards import CaseFacts
from central.tickets.precheck.profiles import profile_of
from central.tickets.states import ARCHIVED, NOTIFIED
from contract.profile import Profile

_log = structlog.get_logger("retention")
#: Most cases and objects in one transaction: so long, and no longer, others wait.
BATCH = 50
ARCHIVE = "archive"
_held = exists().where(CaseHold.case_id == Case.id, CaseHold.released_at.is_(None))


@dataclass(slots=True)
class Tally:
    """What a sweep did. `unknown` cases are of a profile that is not here: they stay; `kept` objects are held."""

    archived: int = 0
    listed: int = 0
    removed: int = 0
    removed_bytes: int = 0
    locked: int = 0
    kept: int = 0
    certified: int = 0
    unknown: int = 0


class Retention:
    """One sweep. Without `key` nothing is certified here: the machine that has the office's key does it."""

    def __init__(self, db: Database, store: MediaStore, key: OKPKey | None, *, dry_run: bool = False) -> None:
        self.tally = Tally()
        self._db = db
        self._store = store
        self._key = key
        self._dry = dry_run

    def run(self) -> Tally:
        """Everything at once."""
        for _ in self.steps():
            pass
        return self.tally

    def steps(self) -> Iterator[None]:
        """The same, pausing between any two transactions."""
        yield from self._walk(self._archive)
        if self._dry:
            return
        yield from self._walk(self._list)
        yield from self._walk(self._remove)
        if self._key is not None:
            while done := certificates.certify(self._db, self._key):
                self.tally.certified += done
                yield

    def _walk(self, step: Callable[[int], int | None]) -> Iterator[None]:
        """Run `step` behind the id it returned, until it finds no more."""
        after: int | None = 0
        while after is not None:
            after = step(after)
            yield

    def _archive(self, after: int) -> int | None:
        """Archive what is due of the next cases."""
        at = office_now()
        query = (
            select(Case)
            .where(Case.id > after, Case.state.in_(FINAL), Case.state_at <= at - timedelta(days=1), ~_held)
            .order_by(Case.id)
            .limit(BATCH)
        )
        with self._db.read() if self._dry else self._db.write() as session:
            if not self._dry:
                query = query.with_for_update(of=Case, skip_locked=True)
            cases = session.execute(query).scalars().all()
            for case in cases:
                found = self._term(session, case)
                if found is None or at < found[0].until:
                    continue
                self.tally.archived += 1
                if not self._dry:
                    _archived(session, case, *found)
        return cases[-1].id if cases else None

    def _term(self, session: Session, case: Case) -> tuple[Term, Profile] | None:
        profile = profile_of(case.jurisdiction)
        if profile is None:
            self.tally.unknown += 1
            return None
        notified = select(func.min(CaseLog.at)).where(CaseLog.case_id == case.id, CaseLog.to_state == NOTIFIED)
        told = session.execute(notified).scalar_one()
        zone = timezone(timedelta(seconds=case.utc_offset_s))
        found = term(case.state, case.state_at, told, profile, zone)
        return (found, profile) if found is not None else None

    def _list(self, after: int) -> int | None:
        """Take the rows of objects that archived cases alone name, and list them."""
        with self._db.write() as session:
            fence(session.connection(), alone=True)
            rows = session.execute(
                select(CaseMedia.id, CaseMedia.sha256)
                .join(Case, Case.id == CaseMedia.case_id)
                .join(Media, Media.sha256 == CaseMedia.sha256)
                .where(CaseMedia.id > after, Case.state == ARCHIVED)
                .order_by(CaseMedia.id)
                .limit(BATCH)
            ).all()
            for name in dict.fromkeys(name for _, name in rows):
                why = _why(session, name)
                row = session.get(Media, name)
                if why is None or row is None:
                    continue
                session.add(Deletion(sha256=name, size=row.size, edge_id=row.edge_id, why=why, decided_at=office_now()))
                session.execute(delete(Media).where(Media.sha256 == name))
                session.flush()
                self.tally.listed += 1
        return rows[-1][0] if rows else None

    def _remove(self, after: int) -> int | None:
        """Remove what is listed from the store, judged once more behind the fence."""
        query = select(Deletion).where(Deletion.id > after, Deletion.removed_at.is_(None)).order_by(Deletion.id)
        with self._db.write() as session:
            fence(session.connection(), alone=True)
            rows = session.execute(query.limit(BATCH).with_for_update(skip_locked=True)).scalars().all()
            for row in rows:
                self._remove_one(session, row)
        return rows[-1].id if rows else None

    def _remove_one(self, session: Session, row: Deletion) -> None:
        if session.get(Media, row.sha256) is not None:
            # It was uploaded anew: that object is judged by itself.
            session.delete(row)
        elif holds.held_of(session, [row.sha256]) or _why(session, row.sha256) is None:
            self.tally.kept += 1
            _back(session, self._store, row)
        else:
            try:
                self._store.remove(row.sha256)
            except Locked:
                self.tally.locked += 1
                return
            row.removed_at = office_now()
            self.tally.removed += 1
            self.tally.removed_bytes += row.size
            _log.info("deleted after its time", sha256=row.sha256, bytes=row.size)


def _archived(session: Session, case: Case, found: Term, profile: Profile) -> None:
    """By the table, with the rule on record in the case's history."""
    detail = {
        "rule": found.rule,
        "days": found.days,
        "basis": found.basis,
        "since": found.since.isoformat(timespec="seconds"),
        "until": found.until.isoformat(timespec="seconds"),
        "profile": profile.id,
        "profile_version": profile.version,
    }
    decisions.system_step(session, case, ARCHIVE, known=CaseFacts(keep_until=found.until), **detail)


def _why(session: Session, name: str) -> list[dict[str, object]] | None:
    """By which rule each case that names the object lets it go; None while anything else does, or a hold keeps one."""
    by_case = select(CaseMedia.case_id).where(CaseMedia.sha256 == name)
    events = select(Event).join(MediaName, MediaName.event_id == Event.id).where(MediaName.sha256 == name)
    keys = {(one.edge_id, one.case_key) for one in session.execute(events).scalars()}
    if any(key is None for _, key in keys):
        return None
    cases = {one.id: one for one in session.execute(select(Case).where(Case.id.in_(by_case))).scalars()}
    for edge_id, key in keys:
        named = session.execute(select(Case).where(Case.edge_id == edge_id, Case.case_key == key)).scalar_one_or_none()
        if named is None:
            return None
        cases[named.id] = named
    if not cases or any(one.state != ARCHIVED for one in cases.values()):
        return None
    if session.execute(
        select(exists().where(CaseHold.released_at.is_(None), CaseHold.case_id.in_(cases)))
    ).scalar_one():
        return None
    return [{"case": one.number} | _rule(session, one) for one in sorted(cases.values(), key=lambda one: one.number)]


def _rule(session: Session, case: Case) -> dict[str, object]:
    line = select(CaseLog).where(CaseLog.case_id == case.id, CaseLog.to_state == ARCHIVED).order_by(CaseLog.id.desc())
    found = session.execute(line.limit(1)).scalar_one_or_none()
    return dict(found.detail) if found is not None else {}


def _back(session: Session, store: MediaStore, row: Deletion) -> None:
    """A hold came before the bytes went: the object counts as here again, and the store is told."""
    if store.size(row.sha256) is not None:
        session.add(
            Media(sha256=row.sha256, size=row.size, edge_id=row.edge_id, complete=True, received_at=office_now())
        )
    session.delete(row)
    session.flush()


def deleted(session: Session, names: Sequence[str]) -> dict[str, Deletion]:
    """Those of `names` that were deleted after their time."""
    query = select(Deletion).where(Deletion.sha256.in_(names)).order_by(Deletion.id)
    return {row.sha256: row for row in session.execute(query).scalars()}


__all__ = ["BATCH", "Retention", "Tally", "deleted"]
