"""The benchmark of central: from an event's publish to the commit of its ticket, with every part real.

Boxes (one process, `central_load`), a broker, N replicas of `sightline central serve` on one shared subscription and
one database, all on this machine. First as fast as central takes events, then at half of that rate. An event counts
when central's acknowledgement, which is sent after the commit, is back at its box; so the way back is in the delays.
"""

import json
import secrets
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from sqlalchemy import func, select

from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from central.db.edges import Edge, EdgeKey
from central.db.events import Event, Quarantine
from contract.errors import RunError
from contract.events import now
from contract.sealing import import_public, thumbprint
from sightline.bench.broker import broker_part
from sightline.bench.central_postgres import PostgresServer
from sightline.bench.machine import machine
from sightline.bench.measure import percentiles
from sightline.bench.process import cpu_seconds, family, pss_bytes
from sightline.demo import checks
from sightline.demo.parts import Part, Parts, wait_until

Say = Callable[[str], None]
_PYTHON = [sys.executable, "-m"]
_READY_S = 90.0
#: The first events warm up caches and statements; they are checked and not measured. Part of what is asked for.
_WARM = 0.1


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure. `window`: events that a box has unacknowledged at full rate."""

    replicas: int
    boxes: int
    events: int
    window: int
    database: str
    run: Path


@dataclass
class Hall:
    """The processes of a run, and what each is called in the report."""

    wish: Wish
    db: Database
    postgres: PostgresServer | None
    parts: Parts = field(default_factory=Parts)
    named: dict[str, list[int]] = field(default_factory=dict)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by part."""
        return {
            name: sum(cpu_seconds(pid) for root in roots for pid in family(root)) for name, roots in self.named.items()
        }

    def memory_mb(self) -> dict[str, int]:
        """What each part holds now, MB (proportional set size)."""
        return {
            name: round(sum(pss_bytes(pid) for root in roots for pid in family(root)) / 1e6)
            for name, roots in self.named.items()
        }


def bench_central(wish: Wish, say: Say) -> dict[str, Any]:
    """Measure and check. Raises RunError when a part does not start or ends meanwhile."""
    on = machine()
    _fresh(wish.run)
    if wish.database == "postgresql":
        with PostgresServer() as server:
            database = f"PostgreSQL {server.version}"
            return {"machine": on, "database": database} | _measured(wish, server.create("central"), server, say)
    return {"machine": on, "database": "SQLite"} | _measured(wish, f"sqlite:///{wish.run}/central.sqlite", None, say)


def shortfalls(result: dict[str, Any]) -> list[str]:
    """What must not be, a sentence each."""
    told = result["checked"]
    lines = [f"{told[what]} events were {what}" for what in ("lost", "doubled", "refused") if told[what]]
    if told["tickets"] != told["decisions"]:
        lines.append(f"{told['decisions']} decisions made {told['tickets']} tickets")
    return lines


def _measured(wish: Wish, url: str, server: PostgresServer | None, say: Say) -> dict[str, Any]:
    hall = Hall(wish, Database(url), server)
    try:
        migrate.upgrade(hall.db)
        load, broker = _started(hall, url, say)
        warm = max(wish.boxes, int(wish.events * _WARM))
        phases = {"warm-up": _ordered(hall, load, {"events": warm, "window": wish.window})}
        full = _ordered(hall, load, {"events": wish.events, "window": wish.window})
        say(f"full rate: {full['rate']:.0f} events a second")
        half = _ordered(hall, load, {"events": wish.events // 2, "rate": full["rate"] / 2})
        phases |= {"full": full, "half": half}
        return {
            "broker": broker,
            "replicas": wish.replicas,
            "boxes": wish.boxes,
            "window": wish.window,
            "phases": {name: told(phase) for name, phase in phases.items() if name != "warm-up"},
            "memory_mb": hall.memory_mb(),
            "checked": _checked(hall.db, list(phases.values())),
        }
    finally:
        hall.parts.stop()
        hall.db.close()


def _started(hall: Hall, url: str, say: Say) -> tuple[Part, str]:
    """Everything is up and every box is let in. The load generator, and which broker it is."""
    wish, port = hall.wish, checks.port(None, 8894)
    boxes = [f"edge-{number:03d}" for number in range(wish.boxes)]
    passwords = {name: secrets.token_urlsafe(24) for name in [*boxes, "central"]}
    broker = hall.parts.start(broker_part(wish.run / "broker", wish.run / "logs" / "broker.log", port, passwords))
    wait_until(lambda: _listens(port), "the broker", [broker], _READY_S)
    load = hall.parts.start(
        Part(
            "load",
            [*_PYTHON, "sightline.bench.central_load", str(port), str(wish.boxes), str(wish.events * 2)],
            wish.run / "logs" / "load.log",
            piped=True,
        )
    )
    say(f"sealing {wish.events * 2} events of {wish.boxes} boxes")
    keys = _asked(load, {name: passwords[name] for name in boxes})
    _let_in(hall.db, keys)
    replicas = [_replica(hall, number, url, port, passwords["central"]) for number in range(wish.replicas)]
    for replica, address in replicas:
        wait_until(lambda address=address: _well(address), "central", [replica], _READY_S)  # type: ignore[misc]
    hall.named = {
        "central": [_pid(replica) for replica, _ in replicas],
        "broker": [_pid(broker)],
        "load": [_pid(load)],
    }
    if hall.postgres is not None and hall.postgres.process is not None:
        hall.named["database"] = [hall.postgres.process.pid]
    return load, "mosquitto" if "mosquitto.conf" in broker.command else "iotcore"


def _replica(hall: Hall, number: int, url: str, broker: int, password: str) -> tuple[Part, str]:
    """One replica; the first one also does the rounds of jobs and serves pages, as on one machine."""
    folder = hall.wish.run / f"replica-{number}"
    folder.mkdir(mode=0o700)
    port = checks.port(None, 8190 + number)
    settings = {
        "port": port,
        "data_dir": "data",
        "database": {"url": url},
        "broker": {"port": broker, "username": "central", "password_file": "broker.password"},
        "logs": {"level": "warning"},
    }
    for name, text in (("broker.password", password), ("central.yaml", yaml.safe_dump(settings))):
        (folder / name).touch(0o600)
        (folder / name).write_text(text, encoding="utf-8")
    role = "ingest" if number else "all"
    command = [*_PYTHON, "sightline", "central", "serve", "--config", str(folder / "central.yaml"), "--role", role]
    part = hall.parts.start(Part(f"replica {number}", command, hall.wish.run / "logs" / f"replica-{number}.log"))
    return part, f"http://127.0.0.1:{port}"


def _let_in(db: Database, keys: dict[str, dict[str, str]]) -> None:
    """As if each box had been enrolled: what is measured begins with events, not with codes."""
    with db.write() as session:
        for edge_id, jwk in keys.items():
            kid = thumbprint(import_public(jwk))
            session.add(Edge(id=edge_id, kid=kid, public_jwk=jwk, enrolled_at=now()))
            session.flush()
            session.add(EdgeKey(kid=kid, edge_id=edge_id, public_jwk=jwk, enrolled_at=now()))


def _ordered(hall: Hall, load: Part, order: dict[str, Any]) -> dict[str, Any]:
    """What became of an order, with the CPU that each part spent on it, s."""
    before = hall.cpu()
    done = _asked(load, order)
    done["cpu_s"] = {name: spent - before[name] for name, spent in hall.cpu().items()}
    return done


def _asked(load: Part, what: dict[str, Any]) -> dict[str, Any]:
    assert load.process is not None
    assert load.process.stdin is not None
    assert load.process.stdout is not None
    load.process.stdin.write(json.dumps(what) + "\n")
    load.process.stdin.flush()
    line = load.process.stdout.readline()
    if not line:
        raise RunError(f"the boxes of the benchmark ended: {load.last_line()} - see {load.log}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def told(phase: dict[str, Any]) -> dict[str, Any]:
    """One phase as it is reported: CPU as cores in use and as shares of all that central, broker and database use."""
    seconds = phase["seconds"]
    cores = {name: spent / seconds for name, spent in phase["cpu_s"].items()}
    served = sum(spent for name, spent in cores.items() if name != "load")
    return {
        "events": phase["events"],
        "seconds": seconds,
        "rate": phase["rate"],
        "delay_s": percentiles(phase["delays"]),
        "sent_again": phase["sent_again"],
        "cores": {name: round(spent, 3) for name, spent in sorted(cores.items())},
        "share": {name: round(spent / served, 3) for name, spent in sorted(cores.items()) if name != "load"},
        "cpu_us_per_event": {
            name: round(spent / phase["events"] * 1e6) for name, spent in sorted(phase["cpu_s"].items())
        },
    }


def _checked(db: Database, phases: list[dict[str, Any]]) -> dict[str, int]:
    """Against the database: what was sent is there, once, and each decision is one ticket."""
    sent = sum(phase["events"] + phase["lost"] for phase in phases)
    with db.read() as session:
        stored = session.execute(select(func.count()).select_from(Event)).scalar_one()
        matters = session.execute(
            select(func.count()).select_from(select(Event.edge_id, Event.chain_seq).distinct().subquery())
        ).scalar_one()
        tickets = session.execute(select(func.count()).select_from(Case)).scalar_one()
        refused = session.execute(select(func.count()).select_from(Quarantine)).scalar_one()
    return {
        "sent": sent,
        "stored": stored,
        "lost": max(0, sent - matters),
        "doubled": stored - matters,
        "refused": refused,
        "decisions": sum(phase["decisions"] for phase in phases),
        "tickets": tickets,
    }


def _fresh(run: Path) -> None:
    try:
        shutil.rmtree(run, ignore_errors=True)
        (run / "logs").mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise RunError(f"{run}: cannot be written ({error.strerror}) - choose another with --data-dir") from error


def _pid(part: Part) -> int:
    assert part.process is not None
    return part.process.pid


def _well(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


__all__ = ["Wish", "bench_central", "shortfalls", "told"]
