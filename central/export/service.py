"""Hand approved cases over: which can go, which cannot and why, and the archive, once and again the same.

An export is decided in one transaction: every case in it is entered, and table and manifest are stored. Its archive is
put together from those and the media store, so that a crash in between loses nothing: fetching it builds it.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, selectinload

from central.accounts.service import SignedInUser
from central.approvals import requests
from central.approvals.kinds import Kind
from central.approvals.requests import Approved
from central.clock import office_now
from central.db import serials
from central.db.accounts import ViewLog
from central.db.cases import Case
from central.db.database import Database
from central.db.exports import Export, ExportCase
from central.export.errors import ExportMissing, NothingToExport
from central.export.fieldmap import MANIFEST, Read
from central.export.matter import Matter, gathered
from central.export.table import Filed, Unwritable, cells, files_of, whole
from central.media.store import MediaStore
from central.sites.areas import EVERYWHERE, within
from central.tickets import decisions
from central.tickets.states import APPROVED
from central.workflow.errors import Refused
from central.workflow.said import Said
from contract.ledger import canonical

#: Most cases and bytes of stills and clips in one archive: what fits a ZIP that every program opens.
MOST_CASES = 500
MOST_BYTES = 3_500_000_000
WHY = "export"


@dataclass(frozen=True, slots=True)
class Left:
    """A case that cannot go into an archive now, and why; `later` when it only has to wait."""

    number: str
    why: Said
    later: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A case that can, and the stills and clips that go along."""

    number: str
    version: int
    matter: Matter
    files: list[Filed]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an export would hold if it were made now. `more`: approved cases that this archive has no room for."""

    ready: list[Ready]
    left: list[Left]
    more: bool


def plan(
    db: Database, store: MediaStore, read: Read, most: int = MOST_CASES, areas: Collection[str] = EVERYWHERE
) -> Plan:
    """Look at every approved case in `areas`, nearest deadline first. Changes nothing."""
    with db.read() as session:
        cases = _approved(session, most + 1, areas)
        matters = gathered(session, cases[:most])
    at, ready, left, size = office_now(), list[Ready](), list[Left](), 0
    names: dict[str, str] = {}
    for matter in matters:
        found = _judged(matter, store, read, len(ready) + 1, at)
        if isinstance(found, Left):
            left.append(found)
            continue
        if (twice := _named_twice(found, names)) is not None:
            left.append(Left(found.number, twice))
            continue
        size += sum(one.size for one in found.files)
        if size > MOST_BYTES:
            return Plan(ready, left, True)
        ready.append(found)
    return Plan(ready, left, len(cases) > most)


def ask(db: Database, store: MediaStore, read: Read, user: SignedInUser, reason: str) -> str:
    """Ask another person to let every case go that can; returns the number of the request.

    Raises NothingToExport, or as `requests.ask` does.
    """
    found = plan(db, store, read, areas=user.areas)
    if not found.ready:
        raise NothingToExport.because(_nothing(found.left))
    with db.write() as session:
        return requests.ask(session, user, Kind.EXPORT, _what([one.number for one in found.ready], read), reason)


def make(db: Database, store: MediaStore, read: Read, user: SignedInUser, request: str) -> str:
    """Enter the cases that another person let go (`request`) and that can still go; returns the export's number.

    Two who make one in the same moment share the cases between them. Raises NothingToExport, NoSuchRequest, or
    NotApproved where it is not approved, was used, or was for another field map.
    """
    with db.read() as session:
        let_go = requests.find(session, user, request).what.get("numbers", [])
    found = plan(db, store, read, areas=user.areas)
    wanted = [one for one in found.ready if one.number in let_go]
    left = list(found.left)
    with db.write() as session:
        approved = requests.use(session, user, request, Kind.EXPORT, _what(let_go, read))
        entered: list[Ready] = []
        number = _number(session, office_now())
        for one in wanted:
            try:
                decisions.step(session, one.number, one.version, user, "enter", note=f"export {number}")
            except Refused as refusal:
                left.append(Left(one.number, refusal.said))
                continue
            entered.append(one)
        if not entered:
            raise NothingToExport.because(_nothing(left))
        _store(session, read, approved, number, entered, left)
    return number


def _what(numbers: Sequence[str], read: Read) -> dict[str, Any]:
    """What exactly is asked for: these cases, by this field map."""
    return {"numbers": sorted(numbers), "map": read.map.id, "map_sha256": read.sha256}


def exports(session: Session, most: int = 100, areas: Collection[str] = EVERYWHERE) -> list[Export]:
    """The latest exports that hold nothing outside of `areas`, newest first."""
    query = select(Export).order_by(Export.id.desc()).limit(most)
    if areas:
        inside = select(Case.id).where(*within(Case.site, areas))
        query = query.where(
            ~exists().where(ExportCase.export_id == Export.id, ExportCase.case_id.not_in(inside)).correlate(Export)
        )
    return list(session.execute(query).scalars())


def export_of(session: Session, number: str) -> Export:
    """The export of that number. Raises ExportMissing."""
    row = session.execute(select(Export).where(Export.number == number[:20])).scalar_one_or_none()
    if row is None:
        raise ExportMissing("there is no export of that number - see the list of exports", "export.none")
    return row


def note_fetch(session: Session, export: Export, user: SignedInUser) -> None:
    """Evidence leaves with an archive: a look at every case in it, by who fetched it."""
    held = {one["number"]: [file["sha256"] for file in one["files"]] for one in json.loads(export.manifest)["cases"]}
    query = select(Case.id, Case.number).join(ExportCase, ExportCase.case_id == Case.id)
    for case_id, number in session.execute(query.where(ExportCase.export_id == export.id).order_by(ExportCase.row)):
        session.add(ViewLog(at=office_now(), user_id=user.id, case_id=case_id, why=WHY, media=held.get(number, [])))


def _approved(session: Session, most: int, areas: Collection[str]) -> list[Case]:
    query = (
        select(Case)
        .where(Case.state == APPROVED, *within(Case.site, areas))
        .order_by(Case.sort_at, Case.number)
        .limit(most)
        .options(selectinload(Case.media))
    )
    return list(session.execute(query).scalars())


def _judged(matter: Matter, store: MediaStore, read: Read, serial: int, at: datetime) -> Ready | Left:
    case = matter.case
    if case.final_at is not None and at < case.final_at:
        why = Said("it was decided a moment ago and may still be taken back", "case.unsettled")
        return Left(case.number, why, later=True)
    if case.due_at is not None and at >= case.due_at:
        english = f"its time ended at {case.due_at:%Y-%m-%d %H:%M} UTC: it is locked and goes no further"
        return Left(case.number, Said(english, "case.late", at=case.due_at))
    try:
        files = files_of(matter, read.map.files)
        cells(matter, serial, files, read.map)
    except Unwritable as fault:
        return Left(case.number, fault.said)
    lost = next((one for one in files if store.size(one.sha256) != one.size), None)
    if lost is not None:
        english = f"the store has not the still or clip {lost.sha256[:12]}"
        return Left(case.number, Said(english, "export.lost", file=lost.sha256[:12]))
    return Ready(case.number, case.version, matter, files)


def _named_twice(one: Ready, names: dict[str, str]) -> Said | None:
    """Why the files of `one` cannot lie beside those of the cases in `names` (by file); else they are added to it."""
    own: dict[str, str] = {}
    for file in one.files:
        # Not every system that unpacks it tells capitals from small letters.
        name = file.name.lower()
        if (other := own.get(name) or names.get(name)) is not None:
            english = (
                f"its file {file.name} would have the name of one of case {other} - mend files.name of the field map"
            )
            return Said(english, "export.twice", file=file.name, other=other)
        own[name] = one.number
    names.update(own)
    return None


def _nothing(left: Sequence[Left]) -> Said:
    why = [Said(f"{one.number}: {one.why}", "export.left", number=one.number, why=one.why) for one in left[:5]]
    said = "; ".join(why)
    return Said(f"no approved case can be exported now{f' ({said})' if said else ''}", "export.nothing", why=why)


def _number(session: Session, at: datetime) -> str:
    """X20261122-01: the day (UTC), and a serial in it. The counter is locked until the commit."""
    return f"X{at:%Y%m%d}-{serials.following(session, 'X', f'{at:%Y%m%d}'):02d}"


def _store(
    session: Session, read: Read, approved: Approved, number: str, entered: Sequence[Ready], left: Sequence[Left]
) -> None:
    at = office_now()
    rows = [cells(one.matter, serial, one.files, read.map) for serial, one in enumerate(entered, start=1)]
    table = whole(rows, read.map)
    row = Export(
        number=number,
        map_id=read.map.id,
        map_sha256=read.sha256,
        made_by=approved.asked_by,
        made_at=at,
        cases=len(entered),
        table_name=read.map.csv.name,
        table=table,
        manifest=_manifest(read, approved, number, at, entered, table),
        left_out=[{"number": one.number, "why": str(one.why)} for one in left],
    )
    session.add(row)
    session.flush()
    ids = dict(
        session.execute(select(Case.number, Case.id).where(Case.number.in_([one.number for one in entered]))).all()
    )
    session.add_all(
        ExportCase(case_id=ids[one.number], export_id=row.id, row=at) for at, one in enumerate(entered, start=1)
    )


def _manifest(
    read: Read, approved: Approved, number: str, at: datetime, entered: Sequence[Ready], table: bytes
) -> bytes:
    said = read.map.csv
    return canonical(
        {
            "export": number,
            "made_at": at.isoformat(timespec="milliseconds"),
            "made_by": approved.asked_by,
            "approved_by": approved.decided_by,
            "approval": {
                "request": approved.key,
                "reason": approved.reason,
                "decided_at": approved.decided_at.isoformat(timespec="milliseconds"),
            },
            "map": {"id": read.map.id, "sha256": read.sha256},
            "table": {
                "name": said.name,
                "encoding": said.encoding,
                "rows": len(entered),
                "bytes": len(table),
                "sha256": hashlib.sha256(table).hexdigest(),
            },
            "cases": [
                {
                    "number": one.number,
                    "row": row,
                    "event": one.matter.case.event_id,
                    "event_sha256": one.matter.event_sha256,
                    "files": [{"name": f.name, "sha256": f.sha256, "bytes": f.size} for f in one.files],
                }
                for row, one in enumerate(entered, start=1)
            ],
        }
    )


__all__ = ["MANIFEST", "Left", "Plan", "Ready", "ask", "export_of", "exports", "make", "note_fetch", "plan"]
