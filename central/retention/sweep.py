"""The sweep that forgets: cases whose time has come are archived, and what only they name is deleted.

Each step is safe to be killed in and to be run by several replicas at once: cases are archived by the table;
objects that archived cases and decisions in shadow whose time has ended alone name lose their row, behind the fence,
and are listed; what is listed is removed from the store, unless a hold was placed meanwhile; what was removed is
certified. Rows of cases and decisions stay: statistics are theirs.
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
from central.db.learning import ShadowMatter
from central.db.media import CaseHold, Media, MediaName, fence
from central.media import holds
from central.media.store import Locked, MediaStore
from central.recordings import keeping
from central.retention import certificates, grounds
from central.retention.grounds import Found
from central.retention.terms import FINAL, term
from central.tickets import decisions
from central.tickets.guards import CaseFacts
from central.tickets.precheck.profiles import profile_of
from central.tickets.states import ARCHIVED

_log = structlog.get_logger("retention")
#: Most cases and objects in one transaction: so long, and no longer, others wait.
BATCH = 50
#: A decision names some five objects.
SHADOWS = BATCH // 5
ARCHIVE = "archive"
_held = exists().where(CaseHold.case_id == Case.id, CaseHold.released_at.is_(None))


@dataclass(slots=True)
class Tally:
    """What a sweep did. `unknown` matters are of a profile that is not here: they stay; `kept` objects are held.

    `shadows` are the decisions of cameras in shadow whose time has ended and of which pictures were here.
    """

    archived: int = 0
    shadows: int = 0
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
        yield from self._walk(self._shadows)
        if self._dry:
            return
        yield from self._walk(self._list)
        yield from self._segments()
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
                if found is None or at < found.term.until:
                    continue
                self.tally.archived += 1
                if not self._dry:
                    # By the table, with the rule on record in the case's history.
                    known = CaseFacts(keep_until=found.term.until)
                    decisions.system_step(session, case, ARCHIVE, known=known, **found.line())
        return cases[-1].id if cases else None

    def _term(self, session: Session, case: Case) -> Found | None:
        profile = profile_of(case.jurisdiction)
        if profile is None:
            self.tally.unknown += 1
            return None
        notified = select(func.min(CaseLog.at)).where(CaseLog.case_id == case.id, CaseLog.action == "notify")
        told = session.execute(notified).scalar_one()
        zone = timezone(timedelta(seconds=case.utc_offset_s))
        found = term(case.state, case.state_at, told, profile, zone)
        return Found(found, profile) if found is not None else None

    def _shadows(self, after: int) -> int | None:
        """List what decisions of cameras in shadow name and nothing else needs, once their time has ended."""
        at = office_now()
        of_matter = (Event.edge_id == ShadowMatter.edge_id, Event.case_key == ShadowMatter.case_key)
        named = (
            select(Media.sha256)
            .join(MediaName, MediaName.sha256 == Media.sha256)
            .join(Event, Event.id == MediaName.event_id)
            .order_by(Media.sha256)
        )
        query = (
            select(ShadowMatter)
            .where(ShadowMatter.id > after, ShadowMatter.kept_at <= at - timedelta(days=1))
            .where(named.where(*of_matter).order_by(None).exists())
            .order_by(ShadowMatter.id)
            .limit(SHADOWS)
        )
        with self._db.read() if self._dry else self._db.write() as session:
            if not self._dry:
                fence(session.connection(), alone=True)
            rows = session.execute(query).scalars().all()
            for row in rows:
                found = grounds.of_shadow(session, row)
                self.tally.unknown += found is None
                if found is None or at < found.term.until:
                    continue
                self.tally.shadows += 1
                mine = named.where(Event.edge_id == row.edge_id, Event.case_key == row.case_key)
                for name in [] if self._dry else session.execute(mine.distinct()).scalars().all():
                    self._list_one(session, name)
        return rows[-1].id if rows else None

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
                self._list_one(session, name)
        return rows[-1][0] if rows else None

    def _segments(self) -> Iterator[None]:
        """List segments of recordings that no archive needs any more."""
        after: str | None = ""
        while after is not None:
            query = select(Media.sha256).where(Media.sha256 > after, Media.complete.is_(True), keeping.spent())
            with self._db.write() as session:
                fence(session.connection(), alone=True)
                names = session.execute(query.order_by(Media.sha256).limit(BATCH)).scalars().all()
                for name in names:
                    self._list_one(session, name)
            after = names[-1] if names else None
            yield

    def _list_one(self, session: Session, name: str) -> None:
        why, row = grounds.why(session, name, office_now()), session.get(Media, name)
        if why is None or row is None:
            return
        session.add(Deletion(sha256=name, size=row.size, edge_id=row.edge_id, why=why, decided_at=office_now()))
        session.execute(delete(Media).where(Media.sha256 == name))
        session.flush()
        self.tally.listed += 1

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
        name = row.sha256
        if self._store.size(name) is None:
            # A sweep was killed between the store and its commit: what is gone is on record, whatever came since.
            self._removed(row)
        elif session.get(Media, name) is not None:
            # It was uploaded anew: that object is judged by itself.
            session.delete(row)
        elif holds.held_of(session, [name]) or grounds.why(session, name, office_now()) is None:
            self.tally.kept += 1
            _back(session, row)
        else:
            try:
                self._store.remove(name)
            except Locked:
                self.tally.locked += 1
                return
            self._removed(row)

    def _removed(self, row: Deletion) -> None:
        row.removed_at = office_now()
        self.tally.removed += 1
        self.tally.removed_bytes += row.size
        _log.info("deleted after its time", sha256=row.sha256, bytes=row.size)


def _back(session: Session, row: Deletion) -> None:
    """A hold came before the bytes went: the object counts as here again."""
    session.add(Media(sha256=row.sha256, size=row.size, edge_id=row.edge_id, complete=True, received_at=office_now()))
    session.delete(row)
    session.flush()


def deleted(session: Session, names: Sequence[str]) -> dict[str, Deletion]:
    """Those of `names` that were deleted after their time."""
    query = select(Deletion).where(Deletion.sha256.in_(names)).order_by(Deletion.id)
    return {row.sha256: row for row in session.execute(query).scalars()}


__all__ = ["BATCH", "SHADOWS", "Retention", "Tally", "deleted"]
