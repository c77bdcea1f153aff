"""Four eyes: nothing that needs a second person happens by one, whoever acts in the same moment, and all is on record."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import later, open_db, person
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from central.accounts import people
from central.accounts.errors import BadAccount
from central.accounts.roles import Role
from central.accounts.sessions import SignedInUser, digest
from central.app import create_app
from central.approvals import requests
from central.approvals.errors import BadRequest, NoSuchRequest, NotApproved
from central.approvals.kinds import Kind
from central.approvals.settings import areas_wanted, roles_wanted
from central.db.accounts import AccountLog, UserSession
from central.db.approvals import Approval, ApprovalLog
from central.db.database import Database
from central.ledger import audit_accounts, audit_approvals, entries
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.events import now
from tests.schema_kit import sqlite_at

EXPORT = {"numbers": ["20261122-0001", "20261122-0002"], "map": "cn-default"}


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = sqlite_at(tmp_path / "x.sqlite")
    else:
        made = request.getfixturevalue("postgres").migrated("eyes")
    yield made
    made.close()


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return open_db(tmp_path)


def asked(db: Database, user: SignedInUser, kind: Kind = Kind.EXPORT, **what: object) -> str:
    with db.write() as session:
        return requests.ask(session, user, kind, what or EXPORT, "the police wait for it")


def decided(db: Database, user: SignedInUser, key: str, *, approve: bool = True, note: str = "") -> str:
    with db.write() as session:
        return requests.decide(session, user, key, approve=approve, note=note).state


def used(db: Database, user: SignedInUser, key: str, **what: object) -> requests.Approved:
    with db.write() as session:
        return requests.use(session, user, key, Kind.EXPORT, what or EXPORT)


def test_an_export_that_another_has_approved_is_made_once_and_as_approved(db: Database) -> None:
    li, wang = person(db, "li"), person(db, "wang", Role.CHIEF)
    key = asked(db, li)
    with pytest.raises(NotApproved):
        used(db, li, key)  # nobody has approved it yet
    with pytest.raises(NotApproved, match="another person decides"):
        decided(db, li, key)
    assert decided(db, wang, key, note="as agreed") == "approved"
    for who, what in ((wang, EXPORT), (li, EXPORT | {"numbers": ["20261122-0003"]}), (li, {"numbers": []})):
        with pytest.raises(NotApproved, match="exactly this"):
            used(db, who, key, **what)
    approved = used(db, li, key)
    assert (approved.asked_by, approved.decided_by, approved.reason) == ("li", "wang", "the police wait for it")
    with pytest.raises(NotApproved):
        used(db, li, key)
    with pytest.raises(BadRequest, match="used already"):
        decided(db, wang, key)
    with db.read() as session:
        lines = session.execute(select(ApprovalLog).order_by(ApprovalLog.id)).scalars().all()
        assert [(one.actor, one.action, one.to_state) for one in lines] == [
            ("li", "asked", "waiting"), ("wang", "approved", "approved"), ("li", "done", "used"),
        ]  # fmt: skip
        waiting = session.execute(text("SELECT kind, ref FROM ledger_waiting WHERE kind = 'approval'")).all()
        assert len(entries.lines(session, [(kind, ref) for kind, ref in waiting])) == 3
        assert list(audit_approvals.approvals(session)) == []


def test_what_is_too_old_refused_or_taken_back_is_of_no_use(db: Database) -> None:
    li, wang = person(db, "li"), person(db, "wang")
    old = asked(db, li)
    with later(4 * 86400), pytest.raises(BadRequest, match="too long ago"):
        decided(db, wang, old)
    decided(db, wang, old)
    with later(4 * 86400):
        with pytest.raises(NotApproved):
            used(db, li, old)
        with db.read() as session:
            assert requests.find(session, li, old).state == "expired"
            assert [one.key for one in requests.listed(session, li)[1]] == [old]
    refused = asked(db, li)
    with pytest.raises(BadRequest, match="why"):
        decided(db, wang, refused, approve=False)
    assert decided(db, wang, refused, approve=False, note="not these") == "refused"
    back = asked(db, li)
    with pytest.raises(NotApproved), db.write() as session:
        requests.withdraw(session, wang, back)
    decided(db, wang, back)
    with db.write() as session:
        requests.withdraw(session, li, back)
    for key in (refused, back):
        with pytest.raises(NotApproved):
            used(db, li, key)
        with pytest.raises(BadRequest):
            decided(db, wang, key)
    with pytest.raises(ValueError, match="only added to"), db.write() as session:
        session.execute(select(ApprovalLog)).scalars().first().actor = "somebody else"


def test_who_may_not_and_what_says_nothing_is_refused(db: Database) -> None:
    li, reviewer, admin = person(db, "li"), person(db, "first", Role.REVIEWER), person(db, "chen", Role.ADMIN)
    auditor = person(db, "zhou", Role.AUDITOR)
    with pytest.raises(NotApproved):
        asked(db, admin)
    for reason in ("", "  "):
        with pytest.raises(BadRequest, match="why"), db.write() as session:
            requests.ask(session, li, Kind.EXPORT, EXPORT, reason)
    # Of the others nobody may approve an export: an admin and an auditor see or decide none, a reviewer decides none.
    with pytest.raises(BadRequest, match="nobody else"):
        asked(db, li)
    person(db, "wang")
    key = asked(db, li)
    with pytest.raises(NotApproved):
        decided(db, reviewer, key)
    with pytest.raises(NotApproved):
        decided(db, auditor, key)
    with pytest.raises(NoSuchRequest):
        decided(db, admin, key)
    for other in ("F20200101-01", "a\x00b", "", "'; --"):
        with pytest.raises(NoSuchRequest):
            decided(db, li, other)


def test_who_is_admin_is_decided_by_two_and_not_by_whom_it_is_about(db: Database) -> None:
    chen, wang = person(db, "chen", Role.ADMIN), person(db, "wang", Role.ADMIN)
    person(db, "li")
    with db.read() as session:
        wanted = roles_wanted(session, "li", frozenset({Role.ADMIN}))
        about_wang = roles_wanted(session, "wang", frozenset({Role.AUDITOR}))
    key = asked(db, chen, Kind.ROLES, **wanted)
    with pytest.raises(BadRequest, match="nobody else"):
        asked(db, chen, Kind.ROLES, **about_wang)  # wang alone could approve that wang is none any more
    assert decided(db, wang, key) == "used"
    with db.read() as session:
        row = people.named(session, "li")
        assert people.shown(session, row).roles == ["admin"]
        line = session.execute(select(AccountLog).order_by(AccountLog.id.desc())).scalars().first()
        assert (line.actor, line.detail["approved_by"], line.detail["request"]) == ("chen", "wang", key)
        assert list(audit_accounts.accounts(session)) == []
        assert list(audit_approvals.approvals(session)) == []
    # Now there are three, and one of them may be asked to go: by chen, decided by li and not by wang.
    key = asked(db, chen, Kind.ROLES, **about_wang)
    with pytest.raises(NotApproved, match="about"):
        decided(db, wang, key)
    li = SignedInUser(row.id, "li", frozenset({"admin"}), "")
    assert decided(db, li, key) == "used"


def test_what_changed_meanwhile_is_asked_for_again(db: Database) -> None:
    chen, wang, _ = (person(db, name, Role.ADMIN) for name in ("chen", "wang", "zhou"))
    person(db, "li")
    with db.read() as session:
        wanted = areas_wanted(session, "li", ["N1"])
    key, second = asked(db, chen, Kind.AREAS, **wanted), asked(db, chen, Kind.AREAS, **(wanted | {"after": ["S1"]}))
    assert decided(db, wang, key) == "used"
    with pytest.raises(BadRequest, match="changed since"):
        decided(db, wang, second)
    third = asked(db, chen, Kind.AREAS, **(wanted | {"before": ["N1"], "after": []}))
    with db.write() as session:
        people.disable(session, "chen", "cli:root")
    with pytest.raises(BadRequest, match="may not ask for this any more"):
        decided(db, wang, third)
    with db.write() as session:
        people.disable(session, "wang", "cli:root")
    with pytest.raises(NotApproved, match="closed"):
        decided(db, wang, third, approve=False, note="x")
    with db.read() as session:
        assert people.shown(session, people.named(session, "li")).areas == ["N1"]


def test_two_who_decide_or_use_in_one_moment_are_one(both: Database) -> None:
    li, others = person(both, "li"), [person(both, name) for name in ("a", "b", "c", "d")]

    def tried(step: object) -> str:
        try:
            return str(step())
        except BadAccount as error:
            return error.key

    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            key = asked(both, li)
            said = list(pool.map(lambda user, key=key: tried(lambda: decided(both, user, key)), others))
            assert sorted(said) == ["approved", "bad.decided", "bad.decided", "bad.decided"]
            uses = list(pool.map(lambda _, key=key: tried(lambda: used(both, li, key).key), others))
            assert sorted(uses) == sorted([key, *["bad.not_approved"] * 3])
    with both.read() as session:
        assert list(audit_approvals.approvals(session)) == []


@pytest.mark.parametrize(
    ("by_hand", "found"),
    [
        ("UPDATE approvals SET state = 'approved'", "is approved, and its history ends in waiting"),
        ("UPDATE approvals SET decided_by = 2", "names wang for who decided, and its history nobody"),
        ("UPDATE approvals SET asked_by = 2", "names wang for who asked, and its history li"),
        ("UPDATE approvals SET reason = 'x'", "asks for something else"),
        ("UPDATE approvals SET what = '{\"numbers\": []}'", "asks for something else"),
        ("DELETE FROM approval_log", "has no history"),
    ],
)
def test_what_somebody_does_to_requests_by_hand_is_found(db: Database, by_hand: str, found: str) -> None:
    li, _ = person(db, "li"), person(db, "wang")
    asked(db, li)
    with db.write() as session:
        session.execute(text(by_hand))
    with db.read() as session:
        assert any(found in said for said in audit_approvals.approvals(session))


def browser(db: Database, folder: Path, user: SignedInUser) -> tuple[TestClient, str]:
    token = secrets.token_urlsafe(32)
    with db.write() as session:
        session.add(
            UserSession(token_hash=digest(token), user_id=user.id, csrf="c" * 43, created_at=now(),
                        expires_at=now() + timedelta(hours=1))
        )  # fmt: skip
    app = create_app(db, FolderStore(folder / "media", 1_000_000), Metrics(db))
    headers = {"Accept": "text/html", "Accept-Language": "en", "Cookie": f"sightline_session={token}"}
    return TestClient(app, headers=headers, follow_redirects=False), "c" * 43


def test_on_the_pages_an_admin_asks_and_another_approves(db: Database, tmp_path: Path) -> None:
    chen, wang = person(db, "chen", Role.ADMIN), person(db, "wang", Role.ADMIN)
    person(db, "li")
    (one, token), (two, _) = browser(db, tmp_path, chen), browser(db, tmp_path, wang)
    give = {"csrf": token, "role-admin": "on"}
    assert "Say why" in one.post("/people/li/roles", data=give).text
    assert one.post("/people/li/roles", data=give | {"reason": "<b>new</b> \u202e"}).headers["location"] == "/approvals"
    assert one.post("/people", data={"csrf": token, "name": "mo", "role-admin": "on"}).status_code == 422
    page = one.get("/approvals").text
    assert "&lt;b&gt;new&lt;/b&gt;" in page and "Take it back" in page and "/approve" not in page
    with db.read() as session:
        key = session.execute(select(Approval.key)).scalar_one()
    assert one.post(f"/approvals/{key}/approve", data={"csrf": token}).status_code == 403
    assert two.post(f"/approvals/{key}/approve", data={"csrf": "another's"}).status_code == 403
    assert two.post(f"/approvals/{key}/refuse", data={"csrf": token, "note": " "}).status_code == 422
    assert "/approve" in two.get("/approvals").text
    assert two.post(f"/approvals/{key}/approve", data={"csrf": token}).headers["location"] == "/approvals"
    assert "done" in two.get("/approvals").text
    assert two.post(f"/approvals/{key}/approve", data={"csrf": token}).status_code == 422
    with db.read() as session:
        assert people.shown(session, people.named(session, "li")).roles == ["admin"]
    # Other roles are one admin's to give, as before.
    assert one.post("/people/li/areas", data={"csrf": token, "area-N1": "on", "reason": "x"}).status_code == 303
    with db.read() as session:
        assert people.shown(session, people.named(session, "li")).areas == []
    assert two.post("/approvals/F20200101-01/approve", data={"csrf": token}).status_code == 404
    assert one.post(f"/approvals/{key}/withdraw", data={"csrf": token}).status_code == 422
