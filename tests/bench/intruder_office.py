"""A central to attack: the real process with a database, and a Mosquitto before it that lets everybody write anything.

The shipped access list keeps a box to its own topics; here there is none, so that what stands behind it is tried alone.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import yaml
from sqlalchemy import delete, func, select

from central.accounts import service as accounts
from central.accounts.roles import OFFICER, Role
from central.ca.authority import Authority
from central.db import migrate
from central.db.accounts import Attempt, User
from central.db.base import Base
from central.db.cases import Case
from central.db.database import Database
from central.db.edges import Edge, EdgeKey
from central.db.events import Event
from central.db.media import Media
from central.edges import enrolment
from contract.sealing import public_jwk, sign_detached
from sightline.bench.central_events import Voice
from sightline.bench.central_postgres import PostgresServer
from tests.ports import open_port

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
PEOPLE = {"li": OFFICER, "wang": OFFICER, "zhou": Role.AUDITOR, "chen": Role.ADMIN}
_WAIT_S = 60.0
_SHOWN = re.compile(r"Traceback \(most recent call last\)|\"exception\":")


@dataclass
class Tally:
    """What a campaign tried, what became of it, and what must not be."""

    tried: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def told(self, name: str, answer: str, fault: str | None = None) -> None:
        """One attack: how it was answered, and what is wrong with that."""
        self.tried[name] += 1
        self.examples.setdefault(name, answer)
        if fault is not None:
            self.faults.append(f"{name}: {fault}")


def until(true: Callable[[], object], what: str, wait_s: float = _WAIT_S) -> None:
    """Wait until `true()`. Raises TimeoutError naming `what`."""
    end = time.monotonic() + wait_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {wait_s:.0f} s: {what}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Office:
    """Central as `sightline central serve`, its broker and its database, as a context; three boxes, four people.

    `victims` say only the truth, `insider` was let in and is hostile. Everything listens on loopback alone.
    """

    def __init__(self, folder: Path, *, postgres: bool) -> None:
        self.folder, self._postgres, self._stack = folder, postgres, ExitStack()
        self.port, self.broker_port = open_port(), open_port()
        self.url, self.log = f"http://127.0.0.1:{self.port}", folder / "central.log"
        self.victims = [Voice("edge-01"), Voice("edge-02")]
        self.insider, self.out = Voice("edge-66"), Voice("edge-77")

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder.mkdir(parents=True)
            self._database(stack)
            self._broker(stack)
            self._central(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def events(self) -> dict[str, str]:
        """SHA-256 of every event admitted -> its box."""
        with self.db.read() as session:
            return {str(sha): str(edge) for sha, edge in session.execute(select(Event.sha256, Event.edge_id))}

    def things(self) -> dict[str, int]:
        """How many rows there are of what nobody may add, by table."""
        tables: list[type[Base]] = [Edge, EdgeKey, Event, Case, Media, User]
        with self.db.read() as session:
            return {
                table.__tablename__: session.execute(select(func.count()).select_from(table)).scalar_one()
                for table in tables
            }

    def outcomes(self) -> dict[str, int]:
        """Messages that central has answered for, by what became of them."""
        return self._counted(r'sightline_central_events_total\{outcome="(\w+)"\} ([0-9.e+]+)')

    def dropped(self) -> dict[str, int]:
        """Messages that central has dropped, by quality of service."""
        return self._counted(r'sightline_central_ingest_dropped_total\{qos="(\d)"\} ([0-9.e+]+)')

    def connections(self) -> int:
        """How often the broker let central in."""
        return sum(line.get("event") == "connected to the broker" for line in self.lines())

    def healthy(self) -> bool:
        """Whether central says that it is well: its database is there, and the broker."""
        return httpx.get(f"{self.url}/healthz", timeout=60).status_code == 200

    def rss_mb(self) -> float:
        """What central's process holds in memory now, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1000

    def lines(self) -> list[dict[str, Any]]:
        """What central has said so far, a line of JSON each; a line that is none is under `raw`."""
        found = []
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"raw": line})
        return found

    def tracebacks(self) -> list[str]:
        """Lines of the log with a trace of ours in them, or that are none of ours."""
        said = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line[:300] for line in said if _SHOWN.search(line) or not line.startswith("{")]

    @contextmanager
    def signed_in(self, name: str) -> Iterator[httpx.Client]:
        """A client with the session of that person, its CSRF token in its headers."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            who = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
            who.raise_for_status()
            client.headers["X-CSRF-Token"] = who.json()["csrf"]
            yield client

    def later(self) -> None:
        """As a quarter of an hour later: failures limit nobody any more."""
        with self.db.write() as session:
            session.execute(delete(Attempt))

    def code(self, edge_id: str) -> str:
        """A one-time code, as `sightline central enrol-code` gives it."""
        with self.db.write() as session:
            return enrolment.issue_code(session, edge_id)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _counted(self, pattern: str) -> dict[str, int]:
        """What central has counted so far, by the label that the pattern finds."""
        found = re.findall(pattern, httpx.get(f"{self.url}/metrics", timeout=60).text)
        return {name: int(float(number)) for name, number in found}

    def _database(self, stack: ExitStack) -> None:
        url = f"sqlite:///{self.folder / 'central.sqlite'}"
        if self._postgres:
            url = stack.enter_context(PostgresServer()).create("central")
        self.database_url, self.db = url, Database(url)
        stack.callback(self.db.close)
        migrate.upgrade(self.db)
        for voice in (*self.victims, self.insider, self.out):
            enrol(self.db, voice)
        with self.db.write() as session:
            enrolment.revoke(session, self.out.edge_id)
            for name, role in PEOPLE.items():
                accounts.add_user(session, name, role, PASSWORD)

    def _broker(self, stack: ExitStack) -> None:
        binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if binary is None:
            raise FileNotFoundError("mosquitto is not installed (apt-get install mosquitto)")
        settings = self.folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        settings.write_text(
            f"{user}listener {self.broker_port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 8388608\n"
            "max_queued_messages 1000000\nmax_inflight_messages 200\nlog_dest stderr\nlog_type error\nlog_type warning\nlog_type notice\n"
        )
        self._spawn(stack, [binary, "-c", str(settings)], self.folder / "broker.log")
        until(lambda: listens(self.broker_port), "mosquitto listens")

    def _central(self, stack: ExitStack) -> None:
        self.ca = Authority.create(self.folder / "data" / "ca")
        settings = {
            "port": self.port, "data_dir": "data", "database": {"url": self.database_url},
            "broker": {"port": self.broker_port}, "logs": {"format": "json"}, "media": {"max_bytes": 2_000_000},
        }  # fmt: skip
        config = self.folder / "central.yaml"
        config.write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-m", "sightline", "central", "serve", "--config", str(config)]
        self.process = self._spawn(stack, command, self.log)
        until(self._well, "central is well")

    def _well(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"central has ended: {self.log.read_text()[-2000:]}")
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def _spawn(self, stack: ExitStack, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
        stack.callback(_ended, process)
        return process


def enrol(db: Database, voice: Voice) -> None:
    """Let a box in, through a real code and proof."""
    with db.write() as session:
        code = enrolment.issue_code(session, voice.edge_id)
    proof = sign_detached(f"{code}:{voice.edge_id}".encode(), voice.key)
    enrolment.enrol(db, enrolment.Application(code, voice.edge_id, public_jwk(voice.key), proof), "127.0.0.1")


def _ended(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


__all__ = ["PASSWORD", "PEOPLE", "Office", "Tally", "listens", "until"]
