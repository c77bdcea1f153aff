"""One admin is never two people: no way to a second account that decides cases, keeps accounts or approves exports."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from central.accounts import people
from central.accounts.permissions import COUNTS
from central.accounts.roles import OFFICER, Role
from central.app import create_app
from central.approvals import halves
from central.approvals.kinds import Kind
from central.db.accounts import AccountLog, SecondFactor
from central.db.approvals import Approval, ApprovalHalf
from central.db.database import Database
from central.ledger import audit_approvals
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.events import now
from tests.central_kit import later, open_db

PASSWORD = "correct horse battery"
HALF = re.compile(r'id="one-time">([a-z2-9]{4}-[a-z2-9]{4})<')


class Office:
    def __init__(self, folder: Path) -> None:
        self.db: Database = open_db(folder)
        self.app = create_app(self.db, FolderStore(folder / "media", 1_000_000), Metrics(self.db))

    def add(self, name: str, *roles: Role) -> None:
        with self.db.write() as session:
            people.add(session, name, roles or OFFICER, PASSWORD)

    def browser(self, name: str, password: str = PASSWORD) -> TestClient:
        made = TestClient(self.app, headers={"Accept": "text/html", "Accept-Language": "en"}, follow_redirects=False)
        made.post("/sign-in", data={"name": name, "password": password})
        return made

    def roles(self, name: str) -> list[str]:
        with self.db.read() as session:
            return list(people.shown(session, people.named(session, name)).roles)

    def waiting(self) -> str:
        with self.db.read() as session:
            return session.execute(select(Approval.key).where(Approval.state == "waiting")).scalar_one()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.add("chen", Role.ADMIN)
    made.add("li")
    yield made
    with made.db.read() as session:
        assert list(audit_approvals.approvals(session)) == []
    made.db.close()


def post(browser: TestClient, path: str, **form: str) -> Any:
    token = browser.get("/api/v1/session").json()["csrf"]
    return browser.post(path, data={"csrf": token, **form})


#: Every way by which an admin could come by an account that counts.
WAYS = [
    *(("/people", {"name": "mo", f"role-{role}": "on"}) for role in sorted(COUNTS)),
    ("/people", {"name": "mo", "role-monitor": "on", "role-second_reviewer": "on"}),
    ("/people/li/reset", {}),
    ("/people/zhou/reset", {}),
    ("/people/li/second-off", {}),
    *(("/people/ma/roles", {f"role-{role}": "on"}) for role in sorted(COUNTS)),
    ("/people/li/roles", {"role-reviewer": "on", "role-second_reviewer": "on", "role-chief": "on"}),
]


@pytest.mark.parametrize(("path", "form"), WAYS)
def test_no_way_is_open_to_one_admin_alone(office: Office, path: str, form: dict[str, str]) -> None:
    office.add("ma", Role.MONITOR)
    office.add("zhou", Role.ADMIN)
    office.add("qian", Role.ADMIN)  # nobody decides what is about themselves
    if path.endswith("second-off"):
        with office.db.write() as session:
            li = people.named(session, "li").id
            session.add(SecondFactor(user_id=li, sealed=b"x", key_id="k", created_at=now(), confirmed_at=now()))
    chen = office.browser("chen")
    before = {name: office.roles(name) for name in ("li", "ma", "zhou")}
    assert "Say why" in post(chen, path, **form).text
    answer = post(chen, path, **form, reason="wanted")
    assert answer.status_code in {200, 303}
    key = office.waiting()
    assert post(chen, f"/approvals/{key}/approve").status_code in {403, 422}
    assert {name: office.roles(name) for name in before} == before
    with office.db.read() as session:
        assert all(one.name != "mo" for one in people.listed(session))
        assert len(session.execute(select(SecondFactor)).scalars().all()) == path.endswith("second-off")
        assert {line.action for line in session.execute(select(AccountLog)).scalars()} <= {"added", "signed in"}
    if not path.endswith("second-off"):
        assert office.browser("li").get("/me").status_code == 200  # their password is what it was
    shown = HALF.search(answer.text)
    for guess in filter(None, [shown and shown[1], shown and f"{shown[1]}-{shown[1]}"]):
        assert office.browser("zhou" if "zhou" in path else "li", guess).get("/me").status_code == 303


@pytest.mark.parametrize(("path", "form"), WAYS[:1] + WAYS[-1:] + [("/people/li/reset", {})])
def test_where_there_is_one_admin_the_page_says_where_it_is_done(
    office: Office, path: str, form: dict[str, str]
) -> None:
    office.add("ma", Role.MONITOR)
    answer = post(office.browser("chen"), path, **form, reason="wanted")
    assert answer.status_code == 422 and "At the machine" in answer.text


@pytest.mark.parametrize("path", ["/people", "/people/li/reset"])
def test_two_admins_hand_over_a_password_that_neither_of_them_knows(office: Office, path: str) -> None:
    office.add("zhou", Role.ADMIN)
    chen, zhou = office.browser("chen"), office.browser("zhou")
    name = "wang" if path == "/people" else "li"
    form = {"name": name, "role-chief": "on"} if path == "/people" else {}
    first = HALF.search(post(chen, path, **form, reason="new chief").text)
    assert first is not None
    approved = post(zhou, f"/approvals/{office.waiting()}/approve")
    second = HALF.search(approved.text)
    assert second is not None and approved.headers["cache-control"] == "no-store"
    whole = f"{first[1]}-{second[1]}"
    for guess in (first[1], second[1], f"{second[1]}-{first[1]}", f"{first[1]}-{first[1]}", whole[:-1], f"{whole}-a"):
        assert office.browser(name, guess).get("/api/v1/session").status_code == 401
    owner = office.browser(name, whole)
    assert owner.get("/me").status_code == 303, "the first thing is another password"
    assert office.roles(name) == (["chief"] if path == "/people" else ["reviewer", "second_reviewer"])
    with office.db.read() as session:
        assert session.execute(select(ApprovalHalf)).scalars().all() == []
        line = session.execute(
            select(AccountLog)
            .where(AccountLog.user_id == people.named(session, name).id)
            .order_by(AccountLog.id.desc())
        ).scalars()
        said = next(one for one in line if one.action in {"added", "password reset"})
        assert said.actor == "chen" and said.detail["approved_by"] == "zhou"
        assert first[1] not in str(said.detail) and "half" not in str(said.detail)


def test_a_harmless_account_that_was_never_taken_over_is_given_no_say(office: Office) -> None:
    office.add("zhou", Role.ADMIN)
    chen = office.browser("chen")
    once = re.search(r'id="one-time">([a-z2-9-]{19})<', post(chen, "/people", name="mo", **{"role-monitor": "on"}).text)
    assert once is not None
    answer = post(chen, "/people/mo/roles", reason="wanted", **{"role-chief": "on"})
    assert answer.status_code == 422 and "one-time password" in answer.text
    # Nor is one that was reset between the request and its approval.
    office.add("ma", Role.MONITOR)
    assert post(chen, "/people/ma/roles", reason="wanted", **{"role-chief": "on"}).status_code == 303
    assert post(chen, "/people/ma/reset").status_code == 200
    zhou = office.browser("zhou")
    assert post(zhou, f"/approvals/{office.waiting()}/approve").status_code == 422
    assert office.roles("ma") == ["monitor"]


def test_a_request_lapses_with_its_half(office: Office) -> None:
    office.add("zhou", Role.ADMIN)
    chen, zhou = office.browser("chen"), office.browser("zhou")
    post(chen, "/people/li/reset", reason="lost")
    key = office.waiting()
    with later(timedelta(days=4).total_seconds()), office.db.write() as session:
        halves.sweep(session)
        assert session.execute(select(ApprovalHalf)).scalars().all() == []
    assert post(zhou, f"/approvals/{key}/approve").status_code == 422
    assert office.browser("li").get("/me").status_code == 200


def test_a_change_of_roles_in_between_ends_what_was_asked(office: Office) -> None:
    office.add("zhou", Role.ADMIN)
    chen, zhou = office.browser("chen"), office.browser("zhou")
    post(chen, "/people/li/reset", reason="lost")
    assert post(chen, "/people/li/roles", **{"role-reviewer": "on"}).status_code == 303
    answer = post(zhou, f"/approvals/{office.waiting()}/approve")
    assert answer.status_code == 422 and "was changed since" in answer.text
    with office.db.read() as session:
        assert session.execute(select(Approval.kind)).scalar_one() == Kind.RESET
