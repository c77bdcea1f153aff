"""Replicas of central as processes: one PostgreSQL, one Mosquitto with the settings that are shipped, real boxes."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
import yaml
from sqlalchemy import func, select

from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from central.db.edges import Edge, EdgeKey
from central.db.events import Event
from contract.errors import RunError
from contract.events import now
from contract.sealing import public_jwk, thumbprint
from sightline.bench.broker import broker_part
from sightline.bench.central_events import Voice
from sightline.bench.central_load import Caller, Result, Street
from sightline.bench.central_postgres import PostgresServer
from sightline.demo.parts import Part
from tests.ports import open_port

Server = TypeVar("Server", bound=PostgresServer)
MOSQUITTO = Path("/usr/sbin/mosquitto")
BOXES = ("edge-01", "edge-02", "edge-03")
WAIT_S = 60.0
RUN = "import sys; from pathlib import Path; from central.serve import serve; from central.config import load_config; "
#: The fifth batch dies: after its rows were written, before they are committed.
BEFORE_COMMIT = """
import os
from central.ingest import intake
real, done = intake.store, []
def dying(session, arrivals):
    outcomes = real(session, arrivals)
    done.append(len(arrivals))
    if len(done) == 5: os.kill(os.getpid(), 9)
    return outcomes
intake.store = dying
"""
#: The fifth batch is committed, half of it acknowledged.
AFTER_COMMIT = """
import os
from central.ingest import receiver
real, done = receiver.Receiver._acknowledge, []
def dying(self, delivery, result):
    real(self, delivery, result)
    done.append(1)
    if len(done) == 40: os.kill(os.getpid(), 9)
receiver.Receiver._acknowledge = dying
"""


def absent(why: str) -> None:
    """Skip with the reason; where CI runs everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def postgres_server(make: Callable[[], Server] = PostgresServer) -> Server:
    """A server, not entered yet."""
    try:
        return make()
    except RunError as error:
        absent(str(error))
        raise


def until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not done():
        if time.monotonic() > end:
            pytest.fail(f"not within {WAIT_S:.0f} s: {what}")
        time.sleep(0.05)


class Replica:
    """A process of central that only takes in."""

    def __init__(self, hall: "Hall", name: str, patch: str, settings: dict[str, object]) -> None:
        folder = hall.folder / name
        folder.mkdir()
        self.port = open_port()
        (folder / "broker.password").write_text(hall.passwords["central"])
        config = folder / "central.yaml"
        broker = {"port": hall.port, "username": "central", "password_file": "broker.password"}
        whole = {"port": self.port, "data_dir": "data", "database": {"url": hall.url}, "broker": broker} | settings
        config.write_text(yaml.safe_dump(whole))
        self.log = folder / "log"
        line = f"{RUN}{patch}\nserve(load_config(Path({str(config)!r})), 'ingest')"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-c", line], stderr=log, stdout=log)

    def ready(self) -> "Replica":
        until(lambda: self.health() == 200, f"a replica is well: {self.log.read_text()[-2000:]}")
        return self

    def health(self) -> int:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code
        except httpx.HTTPError:
            return 0

    def metric(self, name: str) -> float:
        lines = httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=20).text.splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))

    @property
    def rss_mb(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1000

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Hall:
    """Broker, database, boxes that are let in, and the replicas started so far."""

    def __init__(self, folder: Path, url: str, events: int) -> None:
        if not MOSQUITTO.exists():
            absent("mosquitto is not installed")
        self.folder, self.url, self.port = folder, url, open_port()
        self.passwords = {name: secrets.token_urlsafe(12) for name in (*BOXES, "central")}
        self.db = Database(url)
        migrate.upgrade(self.db)
        self.broker: Part = broker_part(folder / "broker", folder / "broker.log", self.port, self.passwords)
        self.broker.start()
        self.replicas: list[Replica] = []
        until(self._listens, "mosquitto listens")
        voices = [Voice(name) for name in BOXES]
        with self.db.write() as session:
            for voice in voices:
                jwk, kid = public_jwk(voice.key), thumbprint(voice.key)
                session.add(Edge(id=voice.edge_id, kid=kid, public_jwk=jwk, enrolled_at=now()))
                session.flush()
                session.add(EdgeKey(kid=kid, edge_id=voice.edge_id, public_jwk=jwk, enrolled_at=now()))
        each = -(-events // len(BOXES))
        self.callers = [Caller(voice, each, self.port, self.passwords[voice.edge_id]) for voice in voices]
        self.street = Street(self.callers)
        self.street.idle(0.3)

    def replica(self, patch: str = "", **settings: object) -> Replica:
        made = Replica(self, f"replica-{len(self.replicas)}", patch, settings)
        self.replicas.append(made)
        return made

    def paced(self, events: int, rate: float, meanwhile: Callable[[], None]) -> Result:
        """Say `events` at `rate`, and do `meanwhile` beside it."""
        done: list[Result] = []
        talk = threading.Thread(target=lambda: done.append(self.street.pace(events, rate)), daemon=True)
        talk.start()
        meanwhile()
        talk.join(120)
        assert done, "the boxes have not come to an end"
        return done[0]

    def once(self, result: Result) -> None:
        """Whatever was said is there once, in an unbroken chain, and each decision is one ticket."""
        said = len(result.delays)
        assert not result.due, f"{len(result.due)} events lost"
        with self.db.read() as session:
            rows = session.execute(select(Event.edge_id, Event.chain_seq).where(Event.duplicate_of.is_(None))).all()
            tickets = session.execute(select(Case.number)).scalars().all()
            broken = session.execute(select(func.count()).where(Event.chain_state == "broken")).scalar_one()
        assert len(rows) == len(set(rows)) == said
        for edge_id in BOXES:
            seqs = sorted(seq for one, seq in rows if one == edge_id)
            assert seqs == list(range(len(seqs)))
        assert len(set(tickets)) == len(tickets) == result.decisions
        assert broken == 0

    def close(self) -> None:
        for replica in self.replicas:
            replica.end()
        for caller in self.callers:
            caller.client.disconnect()
        self.broker.stop()
        self.db.close()

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
