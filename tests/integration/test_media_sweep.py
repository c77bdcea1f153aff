"""Orphans go after their grace, and nothing that anybody names ever does - whatever comes while a sweep runs."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from central_kit import Box, decision, evidence, intake_of, open_db, violation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from sqlalchemy import delete, select
from structlog.testing import capture_logs

from central.db.database import Database
from central.db.events import Event, Quarantine
from central.db.media import Media, MediaName
from central.media import service, sweep
from central.media.folder import FolderStore
from central.media.rounds import Rounds
from central.media.sweep import Sweep
from central.metrics import Metrics
from contract.events import EventType, now
from contract.sealing import sha256_hex

DAY = timedelta(days=1)
LONG_AGO = timedelta(days=3)


@dataclass
class Office:
    """Central's database and store, and boxes that leave things there."""

    db: Database
    store: FolderStore
    folder: Path
    box: Box = field(default_factory=Box)

    def leave(self, raw: bytes, *, ago: timedelta = LONG_AGO, row: bool = True) -> str:
        """An object that came so long ago, entered or not (we died before that)."""
        name = sha256_hex(raw)
        if self.store.size(name) is None:
            file = self.folder / name[:2] / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(raw)
            os.utime(file, (time.time() - ago.total_seconds(),) * 2)
        if row:
            before = self.counted(name)
            service.enter(self.db, name, len(raw), self.box.edge_id)
            if before:
                return name  # and its grace is what it was
            with self.db.write() as session:
                session.get_one(Media, name).received_at = now() - ago
        return name

    def names(self, *names: str, kind: str = EventType.MANIFEST) -> None:
        """An admitted event that names them."""
        data = {"images": [{"sha256": name} for name in names], "model": {"sha256": "0" * 64}}
        moment, raw = now(), json.dumps({"id": uuid4().hex, "data": data}).encode()
        with self.db.write() as session:
            session.add(
                Event(
                    id=uuid4().hex, edge_id=self.box.edge_id, type=kind, chain_id="c", chain_seq=1, chain_prev="0" * 64,
                    chain_state="pending", sha256=sha256_hex(raw), raw=raw, jws="", kid="k", sealed=True, at=moment,
                    received_at=moment,
                )
            )  # fmt: skip

    def refuses(self, name: str) -> None:
        """A message that was put in quarantine and names an object."""
        payload = json.dumps({"data": {"video": {"sha256": name}}}).encode()
        with self.db.write() as session:
            session.add(
                Quarantine(
                    topic="t", payload=payload, size=len(payload), sha256=uuid4().hex, reason="r", first_at=now(), last_at=now()
                )
            )  # fmt: skip

    def sweep(self, grace: timedelta = DAY, *, dry_run: bool = False) -> sweep.Tally:
        return Sweep(self.db, self.store, grace, dry_run=dry_run).run()

    def counted(self, name: str) -> bool:
        with self.db.read() as session:
            row = session.get(Media, name)
            return row is not None and row.complete


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    made = Office(open_db(folder), FolderStore(folder / "media", 1_000_000), folder / "media")
    made.box.enrol(made.db)
    # A database without events is not swept, and each test must stand alone.
    made.names(made.leave(fresh()))
    yield made
    made.db.close()


def fresh() -> bytes:
    return uuid4().bytes * 10


def test_an_orphan_goes_after_its_grace_and_what_is_named_stays(office: Office) -> None:
    orphan, young = office.leave(fresh()), office.leave(fresh(), ago=timedelta(hours=1))
    rowless, early = office.leave(fresh(), row=False), office.leave(fresh(), row=False, ago=timedelta(hours=1))
    named, refused, forgotten = office.leave(fresh()), office.leave(fresh()), office.leave(fresh(), row=False)
    office.names(named, forgotten)
    office.refuses(refused)
    dry = office.sweep(dry_run=True)
    assert (dry.orphans, dry.removed, dry.entered) == (2, 0, 0)
    assert all(office.store.size(name) for name in (orphan, young, rowless, early, named, refused, forgotten))
    assert office.counted(orphan)
    done = office.sweep()
    assert (done.orphans, done.removed, done.removed_bytes, done.entered, done.missing) == (2, 2, 320, 1, 0)
    assert (office.store.size(orphan), office.store.size(rowless), office.counted(orphan)) == (None, None, False)
    assert all(office.store.size(name) for name in (young, early, named, refused, forgotten))
    assert [office.counted(name) for name in (young, early, named, refused, forgotten)] == [
        True,
        False,
        True,
        True,
        True,
    ]
    again = office.sweep()
    assert (again.orphans, again.entered, again.looked) == (0, 0, done.looked - 2)


def test_a_database_without_events_takes_nothing_away(tmp_path: Path) -> None:
    office = Office(open_db(tmp_path), FolderStore(tmp_path / "media", 1_000_000), tmp_path / "media")
    office.box.enrol(office.db)
    orphan, rowless = office.leave(fresh()), office.leave(fresh(), row=False)
    with capture_logs() as said:
        assert office.sweep() == sweep.Tally()
    assert [one["log_level"] for one in said] == ["error"] and "check database.url" in said[0]["event"]
    assert all(office.store.size(name) for name in (orphan, rowless)) and office.counted(orphan)
    office.names(office.leave(fresh()))
    assert office.sweep().removed == 2
    office.db.close()


def test_what_a_real_manifest_names_stays_case_or_not(office: Office) -> None:
    box = Box("edge-77")
    box.enrol(office.db)
    intake = intake_of(office.db)
    early, files = evidence("early", edge_id="edge-77")
    intake.take([box.say(EventType.MANIFEST, early)])
    decided, more = evidence("whole", edge_id="edge-77")
    said = [decision(box, violation("whole", edge_id="edge-77")), box.say(EventType.MANIFEST, decided)]
    # A box that restarted says it again, with other pictures: they are named too, though the case is the first's.
    twice, others = evidence("whole", edge_id="edge-77", images=early.images[:1])
    results = intake.take([*said, box.say(EventType.MANIFEST, twice)])
    assert [one.outcome for one in results] == ["stored", "stored", "duplicate"]
    kept = [office.leave(raw) for raw in (*files, *more, *others)]
    orphan = office.leave(fresh())
    assert office.sweep().removed == 1
    assert (office.store.size(orphan), all(office.store.size(name) for name in kept)) == (None, True)
    with office.db.read() as session:
        models = session.execute(select(MediaName).where(MediaName.sha256 == "b" * 64)).all()
    assert models == []


def test_what_events_of_before_the_table_of_names_name_stays(office: Office) -> None:
    named = office.leave(fresh())
    office.names(named)
    with office.db.write() as session:
        session.execute(delete(MediaName))
    assert office.sweep(dry_run=True).orphans == 0
    assert office.sweep().removed == 0
    assert office.counted(named)
    with office.db.read() as session:
        assert session.execute(select(MediaName).where(MediaName.sha256 == named)).all()


def test_an_object_that_the_store_lost_is_told(office: Office) -> None:
    name = office.leave(fresh())
    office.names(name)
    office.store.remove(name)
    assert office.sweep().missing == 1
    with office.db.write() as session:
        session.delete(session.get_one(Media, name))


def test_rounds_sweep_by_themselves_count_and_stop(office: Office) -> None:
    office.leave(fresh())
    metrics = Metrics(office.db)
    rounds = Rounds(office.db, office.store, metrics, 1.0, first_s=0.01)
    rounds.start()
    end = time.monotonic() + 30
    while b"sightline_central_media_sweep_time_seconds 0.0" in generate_latest(metrics.registry):
        assert time.monotonic() < end, "no sweep"
        time.sleep(0.05)
    rounds.stop()
    told = generate_latest(metrics.registry).decode()
    assert "sightline_central_media_orphans_removed_total 1.0" in told
    assert "sightline_central_media_orphans_removed_bytes_total 160.0" in told
    assert 'sightline_central_media_sweep{found="orphans"} 1.0' in told


MANY = 5
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["leave", "leave rowless", "leave young", "name", "refuse", "ask", "step", "step", "step", "die", "fail"]),
        st.integers(0, MANY - 1),
    ),
    min_size=4,
    max_size=40,
)  # fmt: skip


class Failing(FolderStore):
    """A store that once fails in the middle of taking an object away, before or after the deed."""

    fails = ""

    def remove(self, name: str) -> None:
        fails, Failing.fails = Failing.fails, ""
        if fails == "before":
            raise OSError("the machine lost power")
        super().remove(name)
        if fails:
            raise OSError("the machine lost power")


def run_deeds(office: Office, store: Failing, monkeypatch: pytest.MonkeyPatch, deeds: list[tuple[str, int]]) -> None:
    raws = [fresh() for _ in range(MANY)]
    names = [sha256_hex(raw) for raw in raws]
    monkeypatch.setattr(sweep, "PREFIXES", tuple(sorted({name[:2] for name in names})))
    must_stay: set[str] = set()
    named: set[str] = set()
    going: Iterator[None] | None = None
    for number, (deed, which) in enumerate(deeds):
        name = names[which]
        if deed.startswith("leave"):
            young = deed == "leave young" and store.size(name) is None
            office.leave(raws[which], ago=timedelta(hours=1) if young else LONG_AGO, row=deed == "leave")
            must_stay |= {name} if young or name in named else set()
        elif deed in {"name", "refuse"}:
            office.names(name) if deed == "name" else office.refuses(name)
            named.add(name)
            must_stay |= {name} if store.size(name) is not None else set()
        elif deed == "ask":
            before = office.counted(name)
            held = service.known(office.db, store, name, "edge-01")
            assert (held is None) == (store.size(name) is None)
            assert held is None or office.counted(name)
            # What is entered now has its whole grace before it, however old the bytes are.
            must_stay |= {name} if held is not None and not before else set()
        elif deed == "die":
            going = None
        else:
            Failing.fails = ("before", "after")[number % 2] if deed == "fail" else ""
            going = going or Sweep(office.db, store, DAY).steps()
            try:
                next(going)
            except (StopIteration, OSError):
                going = None
        lost = [one for one in must_stay if store.size(one) is None]
        assert not lost, f"after {deed} {which}: {[names.index(one) for one in lost]} are gone"
    Failing.fails = ""
    for _ in range(2):
        Sweep(office.db, store, DAY).run()
    with office.db.read() as session:
        admitted = set(session.execute(select(MediaName.sha256).where(MediaName.sha256.in_(names))).scalars())
    for name in names:
        assert (store.size(name) is not None) == (name in must_stay)
        assert office.counted(name) or name not in must_stay & admitted


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_no_order_of_deeds_loses_what_is_named(
    office: Office, monkeypatch: pytest.MonkeyPatch, deeds: list[tuple[str, int]]
) -> None:
    """Boxes, events, refusals, crashes and the steps of sweeps in any order: what was there and named stays."""
    run_deeds(office, Failing(office.folder, 1_000_000), monkeypatch, deeds)


@pytest.mark.long
@settings(max_examples=1500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_no_order_of_deeds_loses_what_is_named_long(
    office: Office, monkeypatch: pytest.MonkeyPatch, deeds: list[tuple[str, int]]
) -> None:
    run_deeds(office, Failing(office.folder, 1_000_000), monkeypatch, deeds)


def side_by_side(*deeds: Callable[[], None]) -> list[BaseException]:
    """Each in a thread of its own; what went wrong."""
    faults: list[BaseException] = []

    def watched(deed: Callable[[], None]) -> None:
        try:
            deed()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=watched, args=(deed,)) for deed in deeds]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    return faults


def test_sweeps_beside_events_and_uploads(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real threads, no grace at all: what an event found here while it was named is here afterwards."""
    raws = [fresh() for _ in range(40)]
    monkeypatch.setattr(sweep, "PREFIXES", tuple(sorted({sha256_hex(raw)[:2] for raw in raws})))
    there: set[str] = set()
    working = threading.Barrier(2)
    over = threading.Event()

    def sweeps() -> None:
        end = time.monotonic() + 60
        while not over.is_set() and time.monotonic() < end:
            office.sweep(timedelta(0))

    def work(half: list[bytes]) -> None:
        for at, raw in enumerate(half):
            name = office.leave(raw, row=False)
            if at % 3 == 0:
                service.enter_found(office.db, office.store, name, "edge-01")
            office.names(name)
            if service.known(office.db, office.store, name, "edge-01") is not None:
                there.add(name)
        if working.wait(60) == 0:
            over.set()

    assert side_by_side(sweeps, lambda: work(raws[::2]), lambda: work(raws[1::2])) == []
    assert there
    office.sweep(timedelta(0))
    assert [name for name in there if office.store.size(name) is None or not office.counted(name)] == []
