"""A box and a replica of central in the fault campaign: their folders, processes, lines, disks and clocks."""

import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from central.db.database import Database
from central.edges import enrolment
from contract.sealing import public_jwk, sign_detached
from edge.deliver.tables import FILE, looked_into
from tests.bench.chaos_disk import Disk, ShiftedClock
from tests.bench.chaos_process import Kept
from tests.bench.chaos_proxy import Line
from tests.integration.deliver_peers import Box

BOX_DISK_MB = 48


@dataclass(frozen=True)
class Lines:
    """Where a box finds the broker and central: a line of its own to each."""

    broker: Line
    central: Line


@dataclass(frozen=True)
class Task:
    """What its worker is told: the seed, how many events, how many of them a second."""

    seed: int
    events: int
    per_s: float


class ChaosBox:
    """A real box without a camera: its worker hands over what it is told to, its deliver is the product's."""

    def __init__(
        self, folder: Path, name: str, password: str, lines: Lines, clock: ShiftedClock | None, task: Task
    ) -> None:
        self.name, self.folder, self.lines, self.clock, self.task = name, folder, lines, clock, task
        folder.mkdir()
        self.disk = Disk(folder / "data", BOX_DISK_MB).make()
        self.box = Box(folder, lines.broker.port, password, f"http://127.0.0.1:{lines.central.port}", name)
        environment = clock.environment if clock else {}
        deliver = [sys.executable, "-m", "edge.deliver.process", "--config", str(self.box.config)]
        self.deliver = Kept(f"{name} deliver", deliver, folder / "deliver.log", environment)
        words = [str(folder), name, str(task.seed), str(task.events), str(task.per_s)]
        worker = [sys.executable, "-m", "tests.bench.chaos_worker", *words]
        self.worker = Kept(f"{name} worker", worker, folder / "worker.log", environment, comes_to_an_end=True)
        self.disk.users = [self.deliver, self.worker]

    def enrol(self, db: Database) -> None:
        """Let it in, with a real code and its own key."""
        key = self.box.ring.load()
        with db.write() as session:
            code = enrolment.issue_code(session, self.name)
        proof = sign_detached(f"{code}:{self.name}".encode(), key)
        enrolment.enrol(db, enrolment.Application(code, self.name, public_jwk(key), proof), "127.0.0.1")

    def waits(self) -> str:
        """What is still on the way, as a few words; empty when nothing is."""
        if not self.worker.finished:
            return "its worker has not said all"
        spooled = sum(1 for path in self.box.spool.new.iterdir() if path.suffix == ".json")
        if not (self.outbox / FILE).exists():
            return "there is no outbox yet"
        db = looked_into(self.outbox)
        try:
            events = db.execute("SELECT count(*) FROM event").fetchone()[0]
            media = db.execute("SELECT count(*) FROM media WHERE state = 'pending'").fetchone()[0]
        finally:
            db.close()
        counts = {"in the spool": spooled, "events": events, "media": media}
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

    @property
    def outbox(self) -> Path:
        """The folder of its outbox."""
        return self.box.data / "outbox"


class ChaosReplica:
    """`sightline central serve --role all`: pages, ingest, jobs and ledger."""

    def __init__(
        self, folder: Path, name: str, port: int, password: str, lines: tuple[Line, Line], url: str,
        clock: ShiftedClock | None,
    ) -> None:  # fmt: skip
        """`lines` lead to the broker and to the database, whose address is `url`; what is on disk all replicas share."""
        self.name, self.port, self.clock = name, port, clock
        self.broker_line, self.database_line = lines
        folder.mkdir()
        (folder / "broker.password").write_text(password)
        settings = {
            "port": port,
            "data_dir": "../office",
            "media_dir": "../media",
            "database": {"url": url},
            "broker": {"port": self.broker_line.port, "username": "central", "password_file": "broker.password"},
        }
        self.config = folder / "central.yaml"
        self.config.write_text(yaml.safe_dump(settings))
        (folder / "broker.password").chmod(0o600)
        command = [sys.executable, "-m", "sightline", "central", "serve", "--role", "all", "--config", str(self.config)]
        self.process = Kept(name, command, folder / "log", clock.environment if clock else {})

    def well(self) -> bool:
        """Whether it says so of itself."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False
