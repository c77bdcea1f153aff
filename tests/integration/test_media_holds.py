"""Legal holds: of what is here and what comes later, until the last of them is released - in both stores."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import Box, decision, evidence, intake_of, open_db, violation
from sqlalchemy import select
from typer.testing import CliRunner

from central.db.cases import Case, CaseLog
from central.db.database import Database
from central.media import holds, service
from central.media.folder import FolderStore
from central.media.guarded import GuardedStore
from central.media.quota import Quotas
from central.media.s3 import S3Store
from central.media.store import Locked, MediaStore
from central.media.sweep import Sweep
from central.metrics import Metrics
from contract.errors import InputError
from contract.events import EventType
from contract.sealing import sha256_hex
from sightline.cli import app
from tests.s3_peer import S3


@dataclass
class Office:
    """A box that is let in, and central's database and store."""

    db: Database
    store: MediaStore
    box: Box = field(default_factory=Box)

    def case(self, passage: str, files: list[bytes] | None = None) -> tuple[str, list[bytes]]:
        """The number of a case and what it names; nothing has arrived of that."""
        said, own = evidence(passage)
        if files is not None:
            said, own = evidence(passage, images=evidence(files[0].decode())[0].images)[0], []
        intake_of(self.db).take([decision(self.box, violation(passage)), self.box.say(EventType.MANIFEST, said)])
        with self.db.read() as session:
            return session.execute(select(Case.number).where(Case.case_key == said.case_key)).scalar_one(), own

    def bring(self, raw: bytes) -> str:
        """The box brings an object."""

        async def body() -> AsyncIterator[bytes]:
            yield raw

        name = sha256_hex(raw)
        asyncio.run(self.store.receive(name, "edge-01", 0, len(raw), body()))
        service.enter(self.db, name, len(raw), "edge-01")
        return name


@pytest.fixture(params=["folder", "s3"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    db = open_db(tmp_path)
    if request.param == "folder":
        inner: MediaStore = FolderStore(tmp_path / "media", 5_000_000)
    else:
        server: S3 = request.getfixturevalue("s3")
        bucket = server.bucket(tmp_path.name.replace("_", "-").lower()[-40:].strip("-"))
        inner = S3Store(bucket, "media/", tmp_path / "media", 5_000_000, 5_000_000)
    made = Office(db, GuardedStore(inner, db, Quotas(), Metrics(db)))
    made.box.enrol(db)
    yield made
    db.close()


def test_a_hold_covers_what_is_here_and_what_comes_until_it_is_released(office: Office) -> None:
    number, files = office.case("p1")
    here = [office.bring(raw) for raw in files[:2]]
    marked = holds.place(office.db, office.store, number, "Judge Wang", "court file 17")
    assert (marked.here, marked.missing) == (2, 2)
    later = [office.bring(raw) for raw in files[2:]]
    stranger = office.bring(b"a stranger's object")
    for name in here + later:
        assert office.store.on_hold(name)
        with pytest.raises(Locked):
            office.store.remove(name)
    assert not office.store.on_hold(stranger)
    assert Sweep(office.db, office.store, timedelta(0)).run().removed == 1
    assert [office.store.size(name) is not None for name in [*here, *later, stranger]] == [True] * 4 + [False]
    with office.db.read() as session:
        (held,) = holds.in_force(session)
        assert (held.number, held.by, held.reason) == (number, "Judge Wang", "court file 17")
    assert holds.release(office.db, office.store, number, "Judge Wang", "appeal dismissed").here == 4
    assert not any(office.store.on_hold(name) for name in here + later)
    with office.db.read() as session:
        lines = (
            session.execute(select(CaseLog).where(CaseLog.actor == "Judge Wang").order_by(CaseLog.id)).scalars().all()
        )
        assert [(line.action, line.detail) for line in lines] == [
            (holds.PLACED, {"note": "court file 17"}),
            (holds.RELEASED, {"note": "appeal dismissed"}),
        ]
        assert holds.in_force(session) == []


def test_what_two_cases_name_is_held_until_both_are_released(office: Office) -> None:
    one, files = office.case("p1")
    two, _ = office.case("p2", [b"p1"])
    names = [office.bring(raw) for raw in files[:3]]
    for number in (one, two):
        holds.place(office.db, office.store, number, "Judge Wang", number)
    holds.release(office.db, office.store, one, "Judge Wang", "over")
    assert all(office.store.on_hold(name) for name in names)
    holds.release(office.db, office.store, two, "Judge Wang", "over")
    assert not any(office.store.on_hold(name) for name in names)


def test_what_the_store_was_not_told_it_is_told_by_the_next_sweep(office: Office) -> None:
    number, files = office.case("p1")
    name = office.bring(files[0])
    holds.place(office.db, office.store, number, "Judge Wang", "why")
    office.store.hold(name, False)
    assert Sweep(office.db, office.store, timedelta(1), dry_run=True).run().holds_renewed == 0
    assert Sweep(office.db, office.store, timedelta(1)).run().holds_renewed == 1
    assert office.store.on_hold(name)
    # The same order again says it again; another one meets the hold that is there.
    office.store.hold(name, False)
    holds.place(office.db, office.store, number, "Judge Wang", "why")
    assert office.store.on_hold(name)
    with pytest.raises(InputError, match=f"case {number} is held since .* by Judge Wang"):
        holds.place(office.db, office.store, number, "Judge Li", "another")


def test_the_commands(tmp_path: Path) -> None:
    config = tmp_path / "central.yaml"
    config.write_text("data_dir: .\nmedia: {quota_bytes: 5000000, quotas: {edge-02: 7}}\n")
    office = Office(open_db(tmp_path), FolderStore(tmp_path / "media", 5_000_000))
    for box in (office.box, Box("edge-02")):
        box.enrol(office.db)
    number, files = office.case("p1")
    name = office.bring(files[0])

    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["central", "media", *words, "--config", str(config)])
        assert (done.exit_code, done.exception if status == 0 else None) == (status, None), done.exception
        return done.output if status == 0 else str(done.exception)

    assert run("usage").splitlines() == [f"edge-01  {len(files[0])} bytes  of 5000000", "edge-02  0 bytes  of 7"]
    order = ("--by", "Judge Wang", "--reason", "court file 17")
    assert "under legal hold: 1 objects, 3 more" in run("hold", number, *order)
    assert office.store.on_hold(name)
    assert f"{number}  since" in run("holds")
    assert "1 objects, 0 orphans (0 bytes): nothing was changed" in run("sweep", "--dry-run")
    assert '"removed": 0' in run("sweep", "--json")
    assert "no longer under legal hold" in run("release", number, *order)
    assert not office.store.on_hold(name)
    assert run("holds") == ""
    assert "is not held" in run("release", number, *order, status=1)
    assert "no case 20200101-0001" in run("hold", "20200101-0001", *order, status=1)
    assert "--reason: one line" in run("hold", number, "--by", "x", "--reason", " ", status=1)
    office.db.close()
