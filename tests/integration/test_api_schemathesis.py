"""Schemathesis over every operation of central's OpenAPI, as everybody who may come: no fault of ours, nothing admitted."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import schemathesis
from central_kit import Box, decision, evidence, intake_of, open_db, violation
from sqlalchemy import func, select

from central.accounts import service as accounts
from central.accounts.roles import OFFICER, Role
from central.app import create_app
from central.ca.authority import Authority
from central.ca.certificates import Issuer
from central.db.cases import Case
from central.db.database import Database
from central.db.edges import Edge, EdgeKey
from central.db.events import Event
from central.db.media import Media
from central.edges import enrolment
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.events import EventType
from tests.bench.intruder_api import Identity, examined

#: Each role on each route is tests/integration/test_routes_by_role.py; these are the kinds of answers there are.
PEOPLE = {"officer": OFFICER, "auditor": {Role.AUDITOR}, "admin": {Role.ADMIN}}
PASSWORD = "correct horse battery"
SEED = 5


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[object, Database, list[Identity], str]]:
    """The application with a case in it, everybody who asks, and the case's number."""
    db = open_db(tmp_path)
    box, out = Box(), Box("edge-02")
    for one in (box, out):
        one.enrol(db)
    manifest, _ = evidence()
    intake_of(db).take([decision(box, violation()), box.say(EventType.MANIFEST, manifest)])
    who = [
        Identity("nobody", {}),
        Identity("box", {"Authorization": box.token()}),
        Identity("shut out", {"Authorization": out.token()}),
    ]
    with db.write() as session:
        enrolment.revoke(session, "edge-02")
        for name, roles in PEOPLE.items():
            accounts.add_user(session, name, roles, PASSWORD)
        number = session.execute(select(Case.number)).scalar_one()
    for name in PEOPLE:
        opened = accounts.sign_in(db, name, PASSWORD, "127.0.0.9")
        cookie = f"{accounts.SESSION_COOKIE}={opened.token}"
        who.append(Identity(name, {"Cookie": cookie, accounts.CSRF_HEADER: opened.user.csrf}))
    issuer = Issuer(Authority.create(tmp_path / "ca"), timedelta(days=90))
    app = create_app(db, FolderStore(tmp_path / "media", 1_000_000), Metrics(db), ca=issuer)
    yield app, db, who, number
    db.close()


def rows(db: Database) -> dict[str, int]:
    with db.read() as session:
        return {
            table.__tablename__: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Edge, EdgeKey, Event, Case, Media)
        }


def _run(world, examples: int) -> None:
    app, db, who, number = world
    schema, before = schemathesis.openapi.from_asgi("/openapi.json", app), rows(db)
    asked: dict[str, set[str]] = {}
    faults: list[str] = []

    def tell(name: str, status: str, fault: str | None) -> None:
        asked.setdefault(name, set()).add(status)
        faults.extend([f"{name}: {fault}"] if fault else [])

    examined(schema, who, {"number": number}, examples, SEED, tell)
    assert faults == []
    assert rows(db) == before
    operations = sum(1 for _ in schema.get_all_operations())
    assert len(asked) == operations * len(who)
    # Each came as who it was said to be: only people see cases, only the box's token counts.
    assert asked["nobody: GET /api/v1/cases/{number}"] == {"401"}
    for name in PEOPLE:
        assert ("200" in asked[f"{name}: GET /api/v1/cases/{{number}}"]) is (name != "admin")
        assert "200" in asked[f"{name}: GET /api/v1/session"]
    assert asked["admin: GET /api/v1/cases/{number}"] == {"403"}
    assert asked["shut out: GET /edge/v1/certificate"] == {"403"}
    assert "200" in asked["box: GET /edge/v1/certificate"]
    decided = {
        status
        for role in ("auditor", "admin", "nobody", "box")
        for status in asked[f"{role}: POST /api/v1/cases/{{number}}/approve"]
    }
    assert "200" not in decided


def test_no_operation_has_a_fault_of_ours_whoever_asks(world) -> None:
    _run(world, 1)


@pytest.mark.long
def test_no_operation_has_a_fault_of_ours_asked_many_times(world) -> None:
    _run(world, 150)
