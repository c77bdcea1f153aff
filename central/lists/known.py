"""What the lists say of a vehicle: questions that a person must answer, and lines beside the case.

A list decides nothing. A plate was read by a machine, or by a person who can err, so that what stands on a list is
asked about: is it that vehicle?
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from central.db.lists import CURRENT, HandledRecord, ListImport, PlateEntry
from central.lists.kinds import ON_SITE, PLATES
from central.sites.names import Sites
from contract.events import Rule, Unknown
from contract.exempt import plain
from contract.facts import FactRow, load_facts

#: How far from the trigger a matter of others may lie to be taken for the same one: they write times by hand.
NEAR = timedelta(hours=2)
HANDLED_FACT = "handled_on_site"
_Row = TypeVar("_Row", PlateEntry, HandledRecord)
_HANDLED_QUESTION = "An officer has a record of this vehicle at this time. Was the matter already handled on the spot?"


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom it is asked: `at` is the trigger, aware, with the site's offset; `plate` as it stands on the case."""

    plate: str
    rule: str
    site: str
    at: datetime

    @property
    def known_as(self) -> str:
        """The plate as lists have it."""
        return plain(self.plate)

    @property
    def day(self) -> date:
        """The day of the trigger, where the site is."""
        return self.at.date()


@dataclass(frozen=True, slots=True)
class Found:
    """What the lists say of one subject at the moment `at`. `elsewhere` are records of places that are not known here.

    `as_of` has the lists there are, whether or not they name the plate, with the moment until which each tells what was
    known (None where nobody said).
    """

    at: datetime
    entries: tuple[tuple[str, date | None], ...] = ()
    records: tuple[HandledRecord, ...] = ()
    elsewhere: tuple[HandledRecord, ...] = ()
    as_of: Mapping[str, datetime | None] = field(default_factory=dict)

    @property
    def asked(self) -> frozenset[str]:
        """The lists there are."""
        return frozenset(self.as_of)

    def knows(self, kind: str, beyond: timedelta = timedelta(0)) -> bool:
        """Whether the list tells what was so at the moment and as far `beyond` it: only then is its silence a word."""
        until = self.as_of.get(kind)
        return until is not None and until >= self.at + beyond

    def of(self, kind: str) -> list[HandledRecord]:
        """The records of one kind at this place, or at none that they name."""
        return [record for record in self.records if record.kind == kind]

    def unplaced(self, kind: str) -> list[HandledRecord]:
        """Those whose place is none that central knows by this name: perhaps this one."""
        return [record for record in self.elsewhere if record.kind == kind]


def look_up(session: Session, subjects: Sequence[Subject]) -> list[Found]:
    """What the lists say of each, with four queries however many there are."""
    if not subjects:
        return []
    # Until when each list knows is read first: should one be replaced meanwhile, the newer one knows as much.
    as_of = _as_of(session)
    plates = {subject.known_as for subject in subjects}
    entries: dict[str, list[PlateEntry]] = {}
    for entry in session.execute(_current(PlateEntry).where(PlateEntry.plate.in_(plates))).scalars():
        entries.setdefault(entry.plate, []).append(entry)
    records: dict[str, list[HandledRecord]] = {}
    for record in session.execute(_current(HandledRecord).where(HandledRecord.plate.in_(plates))).scalars():
        records.setdefault(record.plate, []).append(record)
    named = any(record.site for some in records.values() for record in some)
    sites = Sites.registered(session) if named else Sites()
    return [_found(one, entries.get(one.known_as, ()), records.get(one.known_as, ()), as_of, sites) for one in subjects]


def questions(session: Session, subjects: Mapping[int, Subject]) -> dict[int, list[Unknown]]:
    """What must be asked of each before anything is approved; who has nothing to be asked is left out."""
    if not subjects or not _any_list(session):
        return {}
    found = look_up(session, list(subjects.values()))
    asked = {key: list(_ask(subject, one)) for (key, subject), one in zip(subjects.items(), found, strict=True)}
    return {key: one for key, one in asked.items() if one}


def _any_list(session: Session) -> bool:
    return session.execute(select(ListImport.id).where(ListImport.state == CURRENT).limit(1)).first() is not None


def _current(kept: type[_Row]) -> Select[_Row]:
    """The rows that count, in one statement: between two a list could be replaced."""
    return select(kept).join(ListImport, ListImport.id == kept.import_id).where(ListImport.state == CURRENT)


def _as_of(session: Session) -> dict[str, datetime | None]:
    """Each list there is, and until when it tells what was known."""
    query = select(ListImport.kind, ListImport.as_of).where(ListImport.state == CURRENT)
    return dict(session.execute(query).all())


def _found(
    subject: Subject,
    entries: Iterable[PlateEntry],
    records: Iterable[HandledRecord],
    as_of: Mapping[str, datetime | None],
    sites: Sites,
) -> Found:
    held = sorted((one.kind, one.until) for one in entries if one.until is None or subject.day <= one.until)
    near = sorted((one for one in records if abs(one.at - subject.at) <= NEAR), key=lambda one: (one.at, one.id))
    here = {one.id: sites.same(one.site, subject.site) for one in near}
    return Found(
        at=subject.at,
        entries=tuple(held),
        records=tuple(one for one in near if here[one.id]),
        elsewhere=tuple(one for one in near if here[one.id] is None),
        as_of=as_of,
    )


def _ask(subject: Subject, found: Found) -> Iterable[Unknown]:
    for fact in dict.fromkeys(PLATES[kind] for kind, _ in found.entries):
        row = _facts()[fact]
        if Rule(subject.rule) in row.rules:
            yield Unknown(fact=fact, question=row.question, sources=["plate_list"])
    if found.of(ON_SITE) or found.unplaced(ON_SITE):
        yield Unknown(fact=HANDLED_FACT, question=_HANDLED_QUESTION, sources=["on_site"])


@cache
def _facts() -> dict[str, FactRow]:
    return {row.fact: row for row in load_facts().facts}


__all__ = ["HANDLED_FACT", "NEAR", "Found", "Subject", "look_up", "questions"]
