"""The county of the fault campaign: boxes, replicas of central, one Mosquitto, one PostgreSQL, lines between them all."""

import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import func, make_url, select

from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from central.db.events import Event
from central.db.ledger import LedgerWaiting
from contract.errors import RunError
from sightline.bench.broker import broker_part
from sightline.bench.central_postgres import PostgresServer
from tests.bench.chaos_boxes import ChaosBox, ChaosReplica, Lines, Task
from tests.bench.chaos_disk import Disk, ShiftedClock, clock_library
from tests.bench.chaos_process import Kept
from tests.bench.chaos_proxy import Line, Proxy
from tests.ports import open_port

MEDIA_DISK_MB = 192
_READY_S = 120.0


@dataclass(frozen=True)
class Size:
    """How large the county is: boxes, replicas, events of all boxes together, for how many seconds they are said."""

    boxes: int
    replicas: int
    events: int
    seconds: float

    @property
    def box_names(self) -> list[str]:
        return [f"edge-{number:02d}" for number in range(1, self.boxes + 1)]

    @property
    def replica_names(self) -> list[str]:
        return [f"replica-{number}" for number in range(1, self.replicas + 1)]


class World:
    """A context; everything in it runs once it is entered. Raises RunError for what is not installed."""

    def __init__(self, folder: Path, size: Size, seed: int) -> None:
        self.folder, self.size, self.seed = folder, size, seed
        self.each = -(-size.events // size.boxes)
        self._stack = ExitStack()
        self.boxes: dict[str, ChaosBox] = {}
        self.replicas: dict[str, ChaosReplica] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._stack = stack
            self._build()
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # -- for faults --------------------------------------------------------------------------------------------------

    def processes(self) -> list[Kept]:
        """All that are started again when they end."""
        ours = [box.deliver for box in self.boxes.values()] + [box.worker for box in self.boxes.values()]
        return [self.broker, *(one.process for one in self.replicas.values()), *ours]

    def tick(self) -> None:
        """What a service manager does all the time."""
        for one in self.processes():
            one.tick()

    # -- for who waits -----------------------------------------------------------------------------------------------

    def waits(self) -> list[str]:
        """What is not done yet, a few words each; empty when all has come to rest."""
        boxes = [f"{name}: {what}" for name, box in self.boxes.items() if (what := box.waits())]
        if boxes:
            return boxes
        pending = select(func.count()).select_from(Event).where(Event.chain_state == "pending")
        waiting = select(func.count()).select_from(LedgerWaiting)
        with self.db.read() as session:
            counts = {"links pending": session.execute(pending).scalar_one(), "entries of the ledger": session.execute(waiting).scalar_one()}  # fmt: skip
        return [f"central: {count} {what}" for what, count in counts.items() if count]

    def stored(self) -> tuple[int, int]:
        """Events and tickets at central."""
        with self.db.read() as session:
            events = session.execute(select(func.count()).select_from(Event)).scalar_one()
            return events, session.execute(select(func.count()).select_from(Case)).scalar_one()

    # -- building ----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        if shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") is None:
            raise RunError("mosquitto: is not installed - apt-get install mosquitto")
        self.library = clock_library(self.folder)
        self.proxy = Proxy()
        self._stack.callback(self.proxy.close)
        self.postgres = self._stack.enter_context(PostgresServer())
        url = self.postgres.create("county")
        self.db = Database(url)
        self._stack.callback(self.db.close)
        migrate.upgrade(self.db)
        self._make_broker()
        (self.folder / "office").mkdir()
        self.media_disk = Disk(self.folder / "media", MEDIA_DISK_MB).make()
        self._stack.callback(self.media_disk.unmake)
        for name in self.size.replica_names:
            self._make_replica(name, url)
        for name in self.size.box_names:
            self._make_box(name)

    def _make_broker(self) -> None:
        self.broker_port = open_port()
        self.passwords = {name: secrets.token_urlsafe(12) for name in (*self.size.box_names, "central")}
        part = broker_part(self.folder / "broker", self.folder / "broker.log", self.broker_port, self.passwords)
        self.broker = Kept("broker", part.command, part.log)
        self._stack.callback(self.broker.kill)

    def _make_replica(self, name: str, url: str) -> None:
        lines = (
            self._line(f"{name} broker", [self.broker_port], mqtt=True),
            self._line(f"{name} database", [self.postgres.port]),
        )
        through = make_url(url).set(port=lines[1].port).render_as_string(hide_password=False)
        clock = self._clock(name)
        made = ChaosReplica(self.folder / name, name, open_port(), self.passwords["central"], lines, through, clock)
        self._stack.callback(made.process.kill)
        self.replicas[name] = made

    def _make_box(self, name: str) -> None:
        ports = [one.port for one in self.replicas.values()]
        lines = Lines(self._line(f"{name} broker", [self.broker_port], mqtt=True), self._line(f"{name} central", ports))
        task = Task(self.seed, self.each, self.each / self.size.seconds)
        made = ChaosBox(self.folder / name, name, self.passwords[name], lines, self._clock(name), task)
        self._stack.callback(made.disk.unmake)
        self._stack.callback(made.deliver.kill)
        self._stack.callback(made.worker.kill)
        made.enrol(self.db)
        self.boxes[name] = made

    def _line(self, name: str, upstreams: list[int], *, mqtt: bool = False) -> Line:
        return self.proxy.line(name, upstreams, mqtt=mqtt)

    def _clock(self, name: str) -> ShiftedClock:
        return ShiftedClock(self.library, self.folder / f"{name}.clock")

    def _start(self) -> None:
        self.broker.start()
        for replica in self.replicas.values():
            replica.process.start()
        for box in self.boxes.values():
            box.deliver.start()
        self._until(lambda: all(one.well() for one in self.replicas.values()), "the replicas are well")
        for box in self.boxes.values():
            box.worker.start()

    def _until(self, done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _READY_S
        while not done():
            self.tick()
            if time.monotonic() > end:
                logs = {one.process.name: one.process.told()[-500:] for one in self.replicas.values()}
                raise RunError(f"not within {_READY_S:.0f} s: {what} - {logs}")
            time.sleep(0.05)
