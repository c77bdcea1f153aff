"""NUL characters, which no database keeps as text: in every path, query, form and JSON field of every route, on
PostgreSQL, by somebody who may do all. Each is answered with a sentence, and none is a failure of central."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from central_kit import Box, decision, intake_of, person, violation
from fastapi.testclient import TestClient
from sqlalchemy import select
from test_central_alarms import alarm, say

from central.accounts.roles import Role
from central.accounts.sessions import digest
from central.app import create_app
from central.ca.authority import Authority
from central.ca.certificates import Issuer
from central.db import migrate
from central.db.accounts import UserSession
from central.db.cases import Case
from central.db.database import Database
from central.marks import Marked, routes
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.events import now
from tests.schema_kit import SharedPostgres

NUL = "a\x00b"
#: Names of fields of any form of ours.
FIELDS = (
    "name", "password", "code", "next", "to", "old", "new", "again", "id", "note", "reason", "fact-0", "choice-0",
    "words-0", "tab", "site", "rule", "role-reviewer", "plate", "what", "area", "subject",
)  # fmt: skip


@pytest.fixture(scope="module")
def central(
    tmp_path_factory: pytest.TempPathFactory, postgres: SharedPostgres
) -> Iterator[tuple[TestClient, str, str, str]]:
    folder = tmp_path_factory.mktemp("nul")
    db, box = Database(postgres.create("nul")), Box()
    migrate.upgrade(db)
    box.enrol(db)
    intake_of(db).take([decision(box, violation()), say(box, alarm())])
    li = person(db, roles=frozenset(Role))
    person(db, "victim")
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with db.write() as session:
        ends = now() + timedelta(hours=1)
        session.add(UserSession(token_hash=digest(token), user_id=li.id, csrf=csrf, created_at=now(), expires_at=ends))
        number = session.execute(select(Case.number)).scalar_one()
    issuer = Issuer(Authority.create(folder / "ca"), timedelta(days=90))
    app = create_app(db, FolderStore(folder / "media", 1_000_000), Metrics(db), ca=issuer)
    headers = {"Cookie": f"sightline_session={token}", "X-CSRF-Token": csrf}
    # A failure is answered 500 instead of ending the test, so that all of them are named.
    with TestClient(app, headers=headers, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client, csrf, number, box.token()
    db.close()


def paths(route: Marked, number: str) -> Iterator[str]:
    """With something that is there, and with NUL in each place in turn."""
    there = {"{number}": "S20261121-0001" if "/alarms/" in route.path else number, "{sha256}": "a" * 64,
             "{name}": "victim", "{name:path}": "css/base.css", "{act}": "unlock"}  # fmt: skip
    for nul in (None, *(key for key in there if key in route.path)):
        path = route.path
        for key, value in there.items():
            path = path.replace(key, "a%00b" if key == nul else value)
        yield path


def body(schema: Any, parts: Any) -> Any:
    """Something of the shape of `schema`, NUL wherever it is text."""
    if "$ref" in schema:
        return body(parts[schema["$ref"].rpartition("/")[2]], parts)
    if "anyOf" in schema:
        return body(schema["anyOf"][0], parts)
    match schema.get("type"):
        case "object":
            made = {name: body(one, parts) for name, one in schema.get("properties", {}).items()}
            return made or {NUL: NUL}
        case "array":
            return [body(schema.get("items", {}), parts)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    return NUL


def test_nul_is_answered_with_a_sentence_wherever_it_stands(central: tuple[TestClient, str, str, str]) -> None:
    client, csrf, number, box = central
    described = client.get("/openapi.json").json()
    failed, tried = [], 0
    for route in routes(client.app):
        if route.path in {"/sign-out", "/openapi.json"} or ("sessions" in route.path and route.method != "GET"):
            continue  # what ends this session is tried below
        machine = route.path.startswith(("/api/", "/edge/"))
        headers = {"Authorization": box} if route.path.startswith("/edge/") else {}
        headers |= {} if machine else {"Accept": "text/html"}
        content = described["paths"].get(route.path, {}).get(route.method.lower(), {}).get("requestBody")
        if route.path == "/api/v1/session" and route.method == "DELETE":
            continue
        for path in paths(route, number):
            said: dict[str, Any] = {"params": {"state": NUL, "after": NUL, "site": NUL, "rule": NUL, "next": NUL}}
            if content:
                said["json"] = body(
                    content["content"]["application/json"]["schema"], described["components"]["schemas"]
                )
            elif route.method == "POST":
                said["data"] = {"csrf": csrf, "version": "1"} | dict.fromkeys(FIELDS, NUL)
            answer = client.request(route.method, path, headers=headers, **said)
            tried += 1
            if answer.status_code >= 500:
                failed.append(f"{route.method} {path}: {answer.status_code}")
            if answer.status_code == 422 and machine:
                assert answer.json()["detail"]
    assert failed == []
    assert tried > 50


def test_a_form_with_nul_says_what_is_wrong(central: tuple[TestClient, str, str, str]) -> None:
    client, csrf, _, _ = central
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    answer = client.post("/me/sessions", data={"csrf": csrf, "id": NUL}, headers=headers)
    assert answer.status_code == 422
    assert "characters that are no text" in answer.text
