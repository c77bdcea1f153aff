"""The benchmark of the officer's desk: years of cases in a real central, and how long its pages let a person wait.

`sightline central serve` runs twice, as it is installed: one process for pages, one for the jobs and the ledger. What
is measured over HTTP is a page whole; what is measured in a browser is what an officer sees.
"""

import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from sqlalchemy import func, select

from central.config import CentralConfig, load_config
from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from contract.errors import RunError
from contract.events import now
from sightline.bench import desk_copies, desk_http, desk_matters
from sightline.bench.central_postgres import PostgresServer
from sightline.bench.machine import machine
from sightline.demo import checks
from sightline.demo.parts import Part, Parts, run_once, wait_until

Say = Callable[[str], None]
_PYTHON = [sys.executable, "-m", "sightline", "central"]
_READY_S = 90.0
OFFICERS = ("li", "wang")
#: What an officer may have to wait for: a page of the queue in nineteen of twenty, the next case in half of all, s.
QUEUE_P95_S, NEXT_P50_S = 0.200, 0.150


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure; `run` is a folder that is emptied."""

    cases: int
    database: str
    run: Path
    browser: bool = False


@dataclass(frozen=True, slots=True)
class Office:
    """A central that runs: its address, and the password of both officers."""

    address: str
    password: str


def bench_desk(wish: Wish, say: Say) -> dict[str, Any]:
    """Measure. Raises RunError when a part does not start or a page is refused."""
    told: dict[str, Any] = {"at": now().isoformat(timespec="seconds"), "machine": machine(), "cases": wish.cases}
    _fresh(wish.run)
    if wish.database == "postgresql":
        with PostgresServer() as server:
            return told | {"database": f"PostgreSQL {server.version}"} | _measured(wish, server.create("central"), say)
    return told | {"database": "SQLite"} | _measured(wish, f"sqlite:///{wish.run}/central.sqlite", say)


def _measured(wish: Wish, url: str, say: Say) -> dict[str, Any]:
    config = _settings(wish.run, url)
    seeded = seed(config, wish.cases, say)
    with opened(wish.run) as office:
        officer = desk_http.Officer(office.address, OFFICERS[0], office.password)
        try:
            result: dict[str, Any] = {"seeded": seeded, "http_s": desk_http.measure(officer, say)}
        finally:
            officer.close()
        if wish.browser:
            from sightline.bench import desk_browser

            result["browser"] = desk_browser.measure(office.address, OFFICERS[1], office.password, say)
    return result


def shortfalls(result: dict[str, Any]) -> list[str]:
    """What an officer would have to wait for, a sentence each."""
    lines = []
    for name in (one for one in result["http_s"] if one.startswith("queue")):
        if result["http_s"][name]["p95"] > QUEUE_P95_S:
            lines.append(f"{name}: p95 {result['http_s'][name]['p95']:.3f} s, {QUEUE_P95_S} s are allowed")
    seen = result.get("browser", {}).get("decision_to_next_s")
    if seen and seen["p50"] > NEXT_P50_S:
        lines.append(f"decision to next case: median {seen['p50']:.3f} s, {NEXT_P50_S} s are allowed")
    return lines


def seed(config: CentralConfig, cases: int, say: Say) -> dict[str, Any]:
    """Fill the database of `config` with `cases` cases; returns how many there are, how many wait, and the seconds."""
    begun = time.perf_counter()
    db = Database(config.database.url)
    try:
        migrate.upgrade(db)
        matters = desk_matters.take_in(db, config)
        say(f"{matters} matters taken in after {time.perf_counter() - begun:.1f} s")
        waiting = matters + desk_copies.copy(db, max(0, cases - matters))
        with db.read() as session:
            there = session.execute(select(func.count()).select_from(Case)).scalar_one()
    finally:
        db.close()
    seconds = round(time.perf_counter() - begun, 1)
    say(f"{there} cases, {waiting} of them waiting, after {seconds:.1f} s")
    return {"cases": there, "waiting": waiting, "seconds": seconds}


@contextmanager
def opened(run: Path) -> Iterator[Office]:
    """Central over the database of `run`: pages in one process, jobs and the ledger in another; ended at the end."""
    password, parts = secrets.token_urlsafe(16), Parts()
    config = run / "central.yaml"
    try:
        for name in OFFICERS:
            command = [*_PYTHON, "user", "add", name, "--config", str(config), "--role", "officer", "--password-stdin"]
            run_once(command, f"account {name}", password + "\n")
        web = parts.start(_part(run, "web"))
        address = f"http://127.0.0.1:{load_config(config).port}"
        wait_until(lambda: _well(address), "central", [web], _READY_S)
        parts.start(_part(run, "jobs"))
        yield Office(address, password)
    finally:
        parts.stop()


def _part(run: Path, role: str) -> Part:
    """A process; that of the jobs listens elsewhere."""
    config = run / "central.yaml"
    if role == "jobs":
        settings = yaml.safe_load(config.read_text(encoding="utf-8")) | {"port": checks.port(None, 8290)}
        config = run / "jobs.yaml"
        _write(config, yaml.safe_dump(settings))
    command = [*_PYTHON, "serve", "--config", str(config), "--role", role]
    return Part(f"central ({role})", command, run / "logs" / f"{role}.log")


def _settings(run: Path, url: str) -> CentralConfig:
    settings = {
        "port": checks.port(None, 8280),
        "data_dir": "data",
        "database": {"url": url},
        "logs": {"level": "warning"},
    }
    _write(run / "central.yaml", yaml.safe_dump(settings))
    config = load_config(run / "central.yaml")
    config.data_dir.mkdir(mode=0o700, exist_ok=True)
    return config


def _write(path: Path, text: str) -> None:
    # The address of the database may hold a password.
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")


def _fresh(run: Path) -> None:
    try:
        shutil.rmtree(run, ignore_errors=True)
        (run / "logs").mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise RunError(f"{run}: cannot be written ({error.strerror}) - choose another with --data-dir") from error


def _well(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


__all__ = ["OFFICERS", "Office", "Wish", "bench_desk", "opened", "seed", "shortfalls"]
