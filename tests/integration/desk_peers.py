"""A busy office: real processes of central over one database, and people with many tabs who decide over HTTP."""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from central_replicas import until
from desk_kit import waiting

from central.accounts import people
from central.accounts.roles import Role
from central.accounts.service import CSRF_HEADER
from central.db.database import Database
from tests.ports import open_port

PASSWORD = "correct horse battery staple"
#: Two who look first, two who look second, and one who may do either.
PEOPLE = {
    "li": Role.REVIEWER, "mo": Role.REVIEWER, "wang": Role.SECOND_REVIEWER, "gu": Role.SECOND_REVIEWER,
    "chen": Role.CHIEF,
}  # fmt: skip
LOOKS = ("REVIEW1", "REVIEW2", "NEEDS_MORE")
_SEES = {Role.REVIEWER: ("REVIEW1", "REVIEW1", "NEEDS_MORE"), Role.SECOND_REVIEWER: ("REVIEW2",), Role.CHIEF: LOOKS}
#: Undo ends after so many seconds, in a short run: what waits for it is the case, not the code.
_QUICK = "from datetime import timedelta; from central.tickets import guards; guards.UNDO = timedelta(seconds={})\n"
_RUN = (
    "from pathlib import Path; from central.serve import serve; from central.config import load_config\n"
    "serve(load_config(Path({!r})), 'web')"
)


@dataclass(frozen=True, slots=True)
class Said:
    """A decision that central took: by whom, and the version that it made."""

    number: str
    action: str
    by: str
    version: int


@dataclass
class Heard:
    """What all tabs were told."""

    taken: list[Said] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Replica:
    """`central serve --role web` over the database of the office."""

    def __init__(self, folder: Path, url: str, undo_s: float | None) -> None:
        folder.mkdir()
        self.port, config = open_port(), folder / "central.yaml"
        settings = {
            "port": self.port,
            "data_dir": "data",
            "database": {"url": url},
            "logs": {"level": "warning"},
            "accounts": {"second_factor_for": []},
        }
        config.write_text(yaml.safe_dump(settings))
        self.log = folder / "log"
        line = ("" if undo_s is None else _QUICK.format(undo_s)) + _RUN.format(str(config))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-c", line], stdout=log, stderr=log)
        self.address = f"http://127.0.0.1:{self.port}"

    def ready(self) -> "Replica":
        until(self._well, "a replica is well")
        return self

    def end(self) -> str:
        """Stop it; what it has logged."""
        self.process.terminate()
        self.process.wait(30)
        return self.log.read_text()

    def _well(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.address}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


class Tab:
    """One tab of one person: takes what is next, or what lies on top as everybody does, and decides it."""

    def __init__(self, address: str, name: str, seed: int, heard: Heard) -> None:
        self.name, self.heard, self.dice = name, heard, random.Random(seed)
        self.client = httpx.Client(base_url=address, timeout=60)
        answer = self.client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        self.client.headers[CSRF_HEADER] = answer.json()["csrf"]
        self.here: str | None = None

    def work(self, stop: threading.Event, settling: threading.Event) -> None:
        """Until there is nothing more to do. What goes wrong is kept for the test."""
        try:
            while not stop.is_set():
                if not self.step(settling.is_set()):
                    time.sleep(0.05)
        except Exception as error:
            with self.heard.lock:
                self.heard.faults.append(f"{self.name}: {error!r}")
        finally:
            self.client.close()

    def step(self, settling: bool) -> bool:
        """One case; False when there is none."""
        state = self.dice.choice(_SEES[PEOPLE[self.name]])
        number = self._found(state)
        if number is None:
            return False
        view = self._ask("GET", f"/api/v1/cases/{number}")
        if view is None or not view["actions"]:
            return False
        action, body = self._chosen(view, settling)
        done = self._ask(
            "POST", f"/api/v1/cases/{number}/{action.replace(' ', '-')}", {"version": view["version"], **body}
        )
        if done is not None:
            self._note(number, action, done["version"])
            if not settling and action != "correct" and self.dice.random() < 0.15:
                undone = self._ask("POST", f"/api/v1/cases/{number}/undo")
                if undone is not None:
                    self._note(number, "undo", undone["version"])
        self.here = number
        return done is not None

    def _found(self, state: str) -> str | None:
        if self.here is not None and state != "NEEDS_MORE" and self.dice.random() < 0.5:
            answer = self.client.get(f"/cases/{self.here}/next", headers={"Accept": "text/html"})
            self._count(answer)
            where = answer.headers.get("location", "").partition("?")[0]
            return where.removeprefix("/cases/") if where.startswith("/cases/") else None
        page = self._ask("GET", f"/api/v1/cases?state={state}&limit=8")
        # Everybody takes from the top, so that tabs meet over one case.
        items = [one["number"] for one in page["items"]] if page else []
        return self.dice.choice(items) if items else None

    def _chosen(self, view: dict[str, Any], settling: bool) -> tuple[str, dict[str, Any]]:
        draw = self.dice.random()
        if "resume" in view["actions"]:
            return "resume", {"note": "it is there"}
        if not settling and draw < 0.06 and "ask" in view["actions"]:
            return "ask", {"note": "which lane?"}
        if not settling and draw < 0.06 and "send back" in view["actions"]:
            return "send back", {"note": "look again"}
        if not settling and draw < 0.12:
            return "correct", {"field": "color", "said": self.dice.choice(["red", "white", "green"])}
        if draw < 0.25:
            return "reject", {"code": "R01"}
        return "approve", {"answers": {}}

    def _note(self, number: str, action: str, version: int) -> None:
        with self.heard.lock:
            self.heard.taken.append(Said(number, action, self.name, version))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.client.request(method, path, json=body)
        self._count(answer)
        return answer.json() if answer.status_code == 200 else None

    def _count(self, answer: httpx.Response) -> None:
        with self.heard.lock:
            self.heard.statuses[answer.status_code] += 1
            if answer.status_code >= 500 or answer.status_code not in {200, 204, 303, 404, 409, 422}:
                said = f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:200]}"
                self.heard.faults.append(said)


def staffed(db: Database) -> None:
    """The accounts of PEOPLE."""
    with db.write() as session:
        for name, role in PEOPLE.items():
            people.add(session, name, role, PASSWORD)


__all__ = ["LOOKS", "PASSWORD", "PEOPLE", "Heard", "Replica", "Said", "Tab", "staffed", "waiting"]
