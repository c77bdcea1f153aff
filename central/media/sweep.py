"""Orphans: objects that no event names. They are taken away after a time of grace - and nothing else ever is.

An object is an orphan when it has been here longer than the grace and no admitted event, no case, no archive of a
recording and no message in quarantine names it (a refused event may yet be admitted). One takes two steps, each in a
transaction that is alone behind the fence (`central.db.media.fence`) with everybody who names or enters objects: first
the object's row goes, then the bytes of objects without a row. In both the names are looked up again behind the fence,
so an event that arrives in between keeps its object: the second step finds it named and enters it anew. A sweep that is
killed between any two moments leaves nothing worse than bytes without a row, which the next sweep judges like any
others.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from central.db.cases import CaseMedia
from central.db.database import Database
from central.db.events import Event, Quarantine
from central.db.media import Media, MediaName, fence, names_in
from central.db.recordings import RecordingExport, RecordingSegment
from central.media import holds, service
from central.media.store import PREFIXES, Locked, MediaStore, Stored
from contract.events import EventType, now

_log = structlog.get_logger("media")
#: Most objects in one transaction: so long, and no longer, ingest waits for a sweep.
BATCH = 20
_READ = 500
_Item = TypeVar("_Item")
_HEX = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(slots=True)
class Tally:
    """What a sweep found: objects looked at, orphans among them and what became of those.

    `locked` orphans a hold or retention of the bucket keeps; `entered` had no row and an event names them; `missing`
    have a row and no bytes, which no sweep of ours can have caused.
    """

    looked: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    removed: int = 0
    removed_bytes: int = 0
    locked: int = 0
    entered: int = 0
    missing: int = 0
    holds_renewed: int = 0


class Sweep:
    """One sweep of `store` for orphans that came more than `grace` ago. `dry_run` changes nothing at all."""

    def __init__(self, db: Database, store: MediaStore, grace: timedelta, *, dry_run: bool = False) -> None:
        self.tally = Tally()
        self._db = db
        self._store = store
        self._cutoff = now() - grace
        self._dry = dry_run
        self._pinned: set[str] = set()
        self._seen: set[int] = set()

    def run(self) -> Tally:
        """Everything at once. Raises StoreAway or SQLAlchemyError: what was done until then is done."""
        for _ in self.steps():
            pass
        return self.tally

    def steps(self) -> Iterator[None]:
        """The same, pausing between any two transactions."""
        self._learn()
        if not self._dry and self._wrong_database():
            return
        yield
        for prefix in PREFIXES:
            yield from self._prefix(prefix)
        if not self._dry:
            self.tally.holds_renewed = holds.renew(self._db, self._store)

    def _wrong_database(self) -> bool:
        """Whether the database knows of no event while objects are here: it is empty or not theirs."""
        with self._db.read() as session:
            if session.execute(select(Event.id).limit(1)).first() is not None:
                return False
        if not any(True for prefix in PREFIXES for _ in self._store.objects(prefix)):
            return False
        _log.error(
            "no sweep: the database holds no event while the store holds objects, nothing is removed - "
            "check database.url and media, restore the database from its backup",
            database=self._db.name,
        )
        return True

    def _learn(self) -> None:
        """What events of before the table of names name, and what lies in quarantine."""
        with self._db.read() as session:
            self._quarantined(session)
        after = ""
        while True:
            with self._db.read() as session:
                found = _unnoted(session, after)
            if not found:
                return
            after = max(found)
            if self._dry:
                self._pinned |= {name for names in found.values() for name in names}
            else:
                self._enter_names(found)

    def _enter_names(self, found: dict[str, set[str]]) -> None:
        with self._db.write() as session:
            fence(session.connection(), alone=False)
            there = set(session.execute(select(MediaName.event_id).where(MediaName.event_id.in_(found))).scalars())
            session.add_all(
                MediaName(sha256=name, event_id=one)
                for one, names in found.items()
                if one not in there
                for name in names
            )

    def _quarantined(self, session: Session) -> None:
        """Names in messages of the quarantine that were not read before."""
        fresh = set(session.execute(select(Quarantine.id)).scalars()) - self._seen
        for batch in _batches(sorted(fresh), _READ):
            for payload in session.execute(select(Quarantine.payload).where(Quarantine.id.in_(batch))).scalars():
                self._pinned |= {found.decode() for found in _HEX.findall(payload)}
        self._seen |= fresh

    def _prefix(self, prefix: str) -> Iterator[None]:
        with self._db.read() as session:
            rows = set(session.execute(select(Media.sha256).where(Media.sha256.startswith(prefix))).scalars())
            old = _unnamed_rows(session, prefix, self._cutoff)
        here = {one.name: one for one in self._store.objects(prefix)}
        self.tally.looked += len(here)
        self._report_missing(rows - here.keys())
        for batch in _batches(sorted(old - self._pinned), BATCH):
            self._retire(batch)
            yield
        with self._db.read() as session:
            rows = set(session.execute(select(Media.sha256).where(Media.sha256.startswith(prefix))).scalars())
        for found in _batches([here[name] for name in sorted(here.keys() - rows)], BATCH):
            self._collect(found)
            yield

    def _report_missing(self, names: set[str]) -> None:
        for name in sorted(names):
            with self._db.read() as session:
                row = session.get(Media, name)
            if row is not None and row.complete and self._store.size(name) is None:
                self.tally.missing += 1
                _log.error("the store has lost an object", sha256=name, edge=row.edge_id)

    def _retire(self, names: Sequence[str]) -> None:
        """Step one: orphans lose their row, and do not count as here any more."""
        if self._dry:
            with self._db.read() as session:
                self._note(session, names)
            return
        with self._db.write() as session:
            fence(session.connection(), alone=True)
            orphans = set(names) - self._named(session, names)
            session.execute(delete(Media).where(Media.sha256.in_(orphans), Media.received_at < self._cutoff))

    def _note(self, session: Session, names: Sequence[str]) -> None:
        """Count the orphans that a sweep which is no dry run would take away."""
        for row in session.execute(select(Media).where(Media.sha256.in_(names))).scalars():
            self.tally.orphans += 1
            self.tally.orphan_bytes += row.size

    def _collect(self, batch: Sequence[Stored]) -> None:
        """Step two: of objects without a row, those that an event names are entered, and orphans go."""
        named: set[str] = set()
        with self._db.read() if self._dry else self._db.write() as session:
            if not self._dry:
                fence(session.connection(), alone=True)
            names = [one.name for one in batch]
            entered = set(session.execute(select(Media.sha256).where(Media.sha256.in_(names))).scalars())
            named = self._named(session, names)
            for one in batch:
                if one.name not in entered | named and one.at < self._cutoff:
                    self._remove(one)
            owners = {} if self._dry else _owners(session, named - entered)
        for one in batch:
            if one.name in owners and service.enter_found(self._db, self._store, one.name, owners[one.name]):
                self.tally.entered += 1

    def _remove(self, one: Stored) -> None:
        self.tally.orphans += 1
        self.tally.orphan_bytes += one.size
        if self._dry:
            return
        try:
            self._store.remove(one.name)
        except Locked:
            self.tally.locked += 1
            return
        self.tally.removed += 1
        self.tally.removed_bytes += one.size
        _log.info("orphan removed", sha256=one.name, bytes=one.size)

    def _named(self, session: Session, names: Collection[str]) -> set[str]:
        """Those of `names` that anything names, asked now."""
        self._quarantined(session)
        by_event = select(MediaName.sha256).where(MediaName.sha256.in_(names))
        by_case = select(CaseMedia.sha256).where(CaseMedia.sha256.in_(names))
        by_archive = select(RecordingSegment.sha256).where(RecordingSegment.sha256.in_(names))
        found = {one for query in (by_event, by_case, by_archive) for one in session.execute(query).scalars()}
        return found | self._pinned & set(names)


def _unnoted(session: Session, after: str) -> dict[str, set[str]]:
    """What manifests name that have no line in the table of names (they came before it was made), behind `after`."""
    query = (
        select(Event.id, Event.raw)
        .where(Event.id > after, Event.type == EventType.MANIFEST, ~exists().where(MediaName.event_id == Event.id))
        .order_by(Event.id)
        .limit(_READ)
    )
    return {event_id: names_in(raw) for event_id, raw in session.execute(query)}


def _unnamed_rows(session: Session, prefix: str, cutoff: datetime) -> set[str]:
    query = select(Media.sha256).where(
        Media.sha256.startswith(prefix),
        Media.received_at < cutoff,
        ~exists().where(MediaName.sha256 == Media.sha256),
        ~exists().where(CaseMedia.sha256 == Media.sha256),
        ~exists().where(RecordingSegment.sha256 == Media.sha256),
    )
    return set(session.execute(query).scalars())


def _owners(session: Session, names: Collection[str]) -> dict[str, str]:
    """The box that named each of `names`; those that only a message in quarantine names are left out."""
    query = (
        select(MediaName.sha256, Event.edge_id)
        .join(Event, Event.id == MediaName.event_id)
        .where(MediaName.sha256.in_(names))
    )
    by_archive = (
        select(RecordingSegment.sha256, RecordingExport.edge_id)
        .join(RecordingExport, RecordingExport.id == RecordingSegment.export_id)
        .where(RecordingSegment.sha256.in_(names))
    )
    return dict([*session.execute(by_archive).all(), *session.execute(query).all()])


def _batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]


__all__ = ["BATCH", "Sweep", "Tally"]
