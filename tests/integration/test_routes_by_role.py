"""Every route, tried by every role, by nobody, by boxes, with a session that has ended, and without the form's token.

The list of routes is the application's own, and what is expected follows from the table of permissions: a route that is
new is tried by itself, and one that does not say who may come does not start.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import DAY, Box, decision, evidence, intake_of, open_db, violation
from fastapi import APIRouter
from fastapi.testclient import TestClient
from sqlalchemy import select
from starlette.testclient import WebSocketDenialResponse
from test_central_alarms import alarm, say

from central.accounts.permissions import ROLE_MAY, Permission
from central.accounts.roles import Role
from central.accounts.sessions import digest
from central.app import create_app
from central.ca.authority import Authority
from central.ca.certificates import Issuer
from central.db.accounts import User, UserRole, UserSession
from central.db.cases import Case
from central.db.database import Database
from central.described import permissions
from central.edges import enrolment
from central.marks import WEBSOCKET, Boxes, Marked, Needs, OtherReplicas, Public, require_marks, routes
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.events import EventType, now

PAGE = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
OTHERS = ("nobody", "box", "shut out", "ended")


@dataclass(frozen=True)
class World:
    """Central with a case, an alarm, and an account of each role."""

    client: TestClient
    db: Database
    users: dict[str, int]
    box: Box
    out: Box
    number: str

    def path(self, route: Marked) -> str:
        """The address, with something that is there where a route asks for one."""
        place = "css/base.css" if route.path.startswith("/static/") else "victim"
        number = f"S{DAY}-0001" if "/alarms/" in route.path else self.number
        values = {"{number}": number, "{sha256}": "a" * 64, "{name}": place, "{name:path}": place, "{act}": "unlock"}
        path = route.path
        for key, value in values.items():
            path = path.replace(key, value)
        return path

    def come(self, who: str) -> tuple[dict[str, str], str]:
        """Headers of somebody, with a session of their own for this one request, and its token for forms."""
        if who in {"box", "shut out"}:
            return {"Authorization": (self.box if who == "box" else self.out).token()}, ""
        if who == "nobody":
            return {}, ""
        token, csrf, moment = secrets.token_urlsafe(32), secrets.token_urlsafe(32), now()
        user = self.users["auditor" if who == "ended" else who]
        ends = moment + timedelta(hours=-1 if who == "ended" else 1)
        with self.db.write() as session:
            session.add(
                UserSession(token_hash=digest(token), user_id=user, csrf=csrf, created_at=moment, expires_at=ends)
            )
        return {"Cookie": f"sightline_session={token}"}, csrf


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("routes")
    db, box, out = open_db(folder), Box(), Box("edge-02")
    for one in (box, out):
        one.enrol(db)
    manifest, _ = evidence()
    intake_of(db).take([decision(box, violation()), box.say(EventType.MANIFEST, manifest), say(box, alarm())])
    users = {}
    with db.write() as session:
        enrolment.revoke(session, "edge-02")
        for role in (*Role, "victim"):
            row = User(name=str(role), password_hash="$argon2id$none", created_at=now())
            session.add(row)
            session.flush()
            held = Role.MONITOR if role == "victim" else role
            session.add(UserRole(user_id=row.id, role=str(held)))
            users[str(role)] = row.id
        number = session.execute(select(Case.number)).scalar_one()
    issuer = Issuer(Authority.create(folder / "ca"), timedelta(days=90))
    app = create_app(db, FolderStore(folder / "media", 1_000_000), Metrics(db), ca=issuer)
    with TestClient(app, headers={"Accept-Language": "en"}, follow_redirects=False) as client:
        yield World(client, db, users, box, out, number)
    db.close()


def ask(world: World, route: Marked, who: str, form: dict[str, str] | None = None) -> str:
    """What somebody is answered, in one word. Nothing is sent with it: who is let in is told that it is missing."""
    headers, csrf = world.come(who)
    machine = route.path.startswith(("/api/", "/edge/"))
    headers |= {"X-CSRF-Token": csrf} if machine and csrf and form is None else {}
    headers |= {} if machine else {"Accept": "text/html"}
    if route.method == WEBSOCKET:
        return knock(world, route, headers)
    body = {"data": form} if form is not None and not machine else {}
    answer = world.client.request(route.method, world.path(route), headers=headers, **body)
    assert answer.status_code < 500, answer.text
    if answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"):
        return "sign in"
    words = {401: "sign in", 403: "no"}
    return words.get(answer.status_code, "in")


def knock(world: World, route: Marked, headers: dict[str, str]) -> str:
    """The same of a WebSocket. Nothing is there to be watched; a box that is let in hangs up again."""
    try:
        with world.client.websocket_connect(world.path(route), headers=headers):
            return "in"
    except WebSocketDenialResponse as refused:
        assert refused.status_code < 500
        return {401: "sign in", 403: "no"}.get(refused.status_code, "in")


def expected(route: Marked, who: str) -> str:
    (kind,) = {type(mark) for mark in route.marks}
    if kind is Boxes:
        return {"box": "in", "shut out": "no"}.get(who, "sign in")
    if kind is OtherReplicas:
        return "sign in"  # there is no ticket but those that replicas write
    if kind is Public:
        return "in"
    wanted = [mark.permission for mark in route.marks if isinstance(mark, Needs)]
    if who in OTHERS:
        return "sign in"
    return "in" if all(who in ROLE_MAY[one] for one in wanted) else "no"


def test_each_route_by_each_role_and_by_nobody(world: World) -> None:
    wrong, tried = [], 0
    for route in routes(world.client.app):
        for who in (*map(str, Role), *OTHERS):
            got, wants = ask(world, route, who), expected(route, who)
            tried += 1
            # What nobody sends a body to may say of itself that it wants one: signing in, a code of a box.
            if got != wants:
                wrong.append(f"{route.method} {route.path} by {who}: {got}, not {wants}")
    assert wrong == []
    assert tried > 400


def test_whatever_changes_something_wants_the_token_of_its_session(world: World) -> None:
    changing = [
        one
        for one in routes(world.client.app)
        if one.method not in {"GET", WEBSOCKET} and isinstance(one.marks[0], Needs)
    ]
    assert len(changing) > 10
    wrong = []
    for route in changing:
        who = next(str(role) for role in Role if expected(route, str(role)) == "in")
        for form in ({"version": "1"}, {"version": "1", "csrf": "another's"}):
            if (got := ask(world, route, who, form)) != "no":
                wrong.append(f"{route.method} {route.path} by {who} without a token: {got}")
    assert wrong == []


def test_who_sees_no_case_and_who_changes_nothing() -> None:
    """Written by hand, not from the table: the words of the issue."""
    blind = {Role.MONITOR, Role.INSTALLER, Role.DISPATCHER, Role.ADMIN}
    assert not blind & (ROLE_MAY[Permission.CASES_SEE] | ROLE_MAY[Permission.CASES_DECIDE])
    reads = {
        Permission.OWN, Permission.CASES_SEE, Permission.ALARMS_SEE, Permission.PEOPLE_SEE, Permission.REPORTS_SEE,
        Permission.REPORTS_PEOPLE, Permission.STATIONS_SEE,
    }  # fmt: skip
    assert ROLE_MAY[Permission.REPORTS_PEOPLE] == {Role.CHIEF, Role.AUDITOR}
    assert ROLE_MAY[Permission.SHADOWS_LIFT] == {Role.CHIEF}
    assert ROLE_MAY[Permission.LIVE_WATCH] == {Role.MONITOR, Role.CHIEF}
    assert ROLE_MAY[Permission.STATIONS_SEE] == {Role.MONITOR, Role.CHIEF, Role.AUDITOR}
    assert {one for one in Permission if Role.AUDITOR in ROLE_MAY[one] and not one.startswith("see")} == {
        Permission.OWN
    }
    assert {one for one in reads if Role.AUDITOR in ROLE_MAY[one]} == reads
    assert ROLE_MAY[Permission.PEOPLE_KEEP] == {Role.ADMIN}
    assert set(ROLE_MAY) == set(Permission)


def test_every_route_of_cases_wants_the_right_to_see_them(world: World) -> None:
    about = [one for one in routes(world.client.app) if one.path.startswith(("/cases", "/api/v1/cases"))]
    assert len(about) > 8
    for route in about:
        wanted = {mark.permission for mark in route.marks if isinstance(mark, Needs)}
        assert wanted & {Permission.CASES_SEE, Permission.CASES_DECIDE}, route


@pytest.mark.parametrize("path", ["/new", "/inner/new"])
def test_a_route_without_a_mark_does_not_start(world: World, path: str) -> None:
    app = create_app(world.db, FolderStore(Path("unused"), 1), Metrics(world.db))
    router = APIRouter()
    router.get(path)(lambda: None)
    app.include_router(router)
    with pytest.raises(RuntimeError, match=f"route GET {path}: who may come"):
        require_marks(app)


def test_the_page_of_permissions_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == permissions(), "write it anew with: sightline central permissions"
