"""Approved cases in a test, made as the field makes them: sealed, uploaded, looked at by two people."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from central_kit import AT, Box, approved, decision, evidence, intake_of, later, open_db, person, violation
from sqlalchemy import select

from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.after import After, shipped
from central.approvals import requests
from central.db.cases import Case, CaseMedia
from central.db.database import Database
from central.export import service as export
from central.media import service as media_service
from central.media.folder import FolderStore
from central.notices import service as notices
from central.tickets import decisions
from contract.events import EventType, Vehicle
from contract.sealing import sha256_hex
from tests.schema_kit import SharedPostgres

PLATE = "浙A12345"


@dataclass
class Desk:
    """Central with a box, a store and three people: `li` and `wang` decide cases, `zhao` answers objections."""

    folder: Path
    db: Database
    box: Box = field(default_factory=Box)

    def __post_init__(self) -> None:
        self.box.enrol(self.db)
        self.store = FolderStore(self.folder / "media", 50_000_000)
        self.after: After = shipped(self.folder)
        self.li, self.wang, self.zhao = (person(self.db, name) for name in ("li", "wang", "zhao"))
        self.chief = person(self.db, "chen", Role.CHIEF)
        self.count = 0

    def candidate(self, plate: str | None = PLATE, **changes: Any) -> str:
        """A case with all of its evidence, waiting for its first look; its number."""
        self.count += 1
        passage = f"p{self.count}"
        vehicle = Vehicle(class_="car", color="blue", plate=plate, plate_color="blue" if plate else None)
        data = violation(
            passage, **{"vehicle": vehicle, "violation_code": "1039", "jurisdiction_ver": "2026.2"} | changes
        )
        manifest, files = evidence(passage)
        taken = intake_of(self.db).take([decision(self.box, data), self.box.say(EventType.MANIFEST, manifest)])
        assert [one.outcome for one in taken] == ["stored", "stored"]
        for raw in files:
            self.upload(raw)
        with self.db.read() as session:
            return session.execute(select(Case.number).where(Case.case_key == data.case_key)).scalar_one()

    def upload(self, raw: bytes) -> None:
        async def once() -> AsyncIterator[bytes]:
            yield raw

        asyncio.run(self.store.receive(sha256_hex(raw), self.box.edge_id, 0, len(raw), once()))
        media_service.enter(self.db, sha256_hex(raw), len(raw), self.box.edge_id)

    def approved(self, plate: str | None = PLATE, **changes: Any) -> str:
        """A case that two people approved."""
        number = self.candidate(plate, **changes)
        approved(self.db, number, self.li, self.wang)
        return number

    def case(self, number: str) -> Case:
        with self.db.read() as session:
            return session.execute(select(Case).where(Case.number == number)).scalar_one()

    def case_media(self, number: str) -> list[str]:
        """Names of the stills and clips of a case, in their order."""
        with self.db.read() as session:
            query = select(CaseMedia.sha256).join(Case, Case.id == CaseMedia.case_id).where(Case.number == number)
            return list(session.execute(query.order_by(CaseMedia.position)).scalars())

    def step(self, number: str, action: str, user: SignedInUser | None = None, **given: Any) -> Case:
        with later(60), self.db.write() as session:
            return decisions.step(session, number, self.case(number).version, user or self.li, action, **given)

    def let_go(self, user: SignedInUser | None = None, by: SignedInUser | None = None) -> str:
        """Another person lets every case go that can: the number of the request."""
        asker = user or self.li
        with later(60):
            key = export.ask(self.db, self.store, self.after.map, asker, "handover of the day")
        with self.db.write() as session:
            requests.decide(session, by or self.zhao, key, approve=True)
        return key

    def notified(self, plate: str = PLATE, **changes: Any) -> tuple[str, str]:
        """Numbers of a case whose party was told, and of its notice."""
        number = self.approved(plate, **changes)
        self.step(number, "enter")
        with later(60), self.db.write() as session:
            version = self.case(number).version
            notice = notices.issue(session, number, version, self.li, self.after.notices)
            return number, notice.number


@contextmanager
def desk_on(kind: str, folder: Path, server: SharedPostgres | None, name: str) -> Iterator[Desk]:
    """A desk on SQLite, or on the real PostgreSQL `server`."""
    db = open_db(folder) if kind == "sqlite" or server is None else server.migrated(name)
    try:
        yield Desk(folder, db)
    finally:
        db.close()


__all__ = ["AT", "PLATE", "Desk", "desk_on", "later"]
