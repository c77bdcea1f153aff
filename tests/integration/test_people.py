"""Accounts from the first password to the last: sessions that end, roles, second factors, and all of it on record."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from central_kit import open_db
from fastapi.testclient import TestClient
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from central.accounts import limits, passwords, people, second, signing_in
from central.accounts.errors import BadAccount, SignInRefused, TooManyAttempts
from central.accounts.roles import OFFICER, Role
from central.accounts.rules import AccountRules
from central.app import create_app
from central.db import migrate
from central.db.accounts import AccountLog, Attempt, SecondFactor, User, UserSession
from central.db.database import Database
from central.ledger import audit, audit_accounts, entries
from central.ledger.keeper import catch_up
from central.ledger.key import office_key
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.events import now
from sightline.cli import app

PASSWORD = "correct horse battery"
RULES = AccountRules(second_factor_for=frozenset({Role.ADMIN, Role.CHIEF}))


class Office:
    """Central with two replicas over one database, and browsers before them."""

    def __init__(self, folder: Path) -> None:
        self.db = open_db(folder)
        self.rules = AccountRules(RULES.idle, RULES.second_factor_for, folder / "people.key")
        self.store = FolderStore(folder / "media", 1_000_000)

    def browser(self) -> TestClient:
        made = create_app(self.db, self.store, Metrics(self.db), accounts=self.rules)
        return TestClient(made, headers={"Accept": "text/html", "Accept-Language": "en"}, follow_redirects=False)

    def add(self, name: str, *roles: Role) -> None:
        with self.db.write() as session:
            people.add(session, name, roles or OFFICER, PASSWORD)

    def actions(self, name: str) -> list[str]:
        with self.db.read() as session:
            user = people.named(session, name)
            query = select(AccountLog.action).where(AccountLog.user_id == user.id).order_by(AccountLog.id)
            return list(session.execute(query).scalars())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.db.close()


def sign_in(browser: TestClient, name: str, password: str = PASSWORD) -> str:
    """Where it leads, or `code` when a code is asked for."""
    answer = browser.post("/sign-in", data={"name": name, "password": password})
    return answer.headers.get("location", "code" if "One more step" in answer.text else str(answer.status_code))


def csrf(browser: TestClient) -> str:
    return browser.get("/api/v1/session").json()["csrf"]


def post(browser: TestClient, path: str, **form: str) -> object:
    return browser.post(path, data={"csrf": csrf(browser), **form})


def code(db: Database, rules: AccountRules, name: str, step: int = 0) -> str:
    """What the app of `name` shows, `step` time steps from now."""
    with db.read() as session:
        user = people.named(session, name)
        row = session.get_one(SecondFactor, user.id)
        secret = second._opened(second._key(session, rules), row)
    return pyotp.TOTP(secret).at(now(), counter_offset=step)


def enrolled(office: Office, browser: TestClient, name: str) -> list[str]:
    """Enrol a second factor on the page; the recovery codes."""
    page = browser.get("/me/second").text
    shown = re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    answer = post(browser, "/me/second", code=pyotp.TOTP(shown).at(now(), counter_offset=-1))
    assert answer.status_code == 200
    return re.findall(r"<li>([a-z2-9-]{14})</li>", answer.text)


def test_an_invited_person_chooses_a_password_before_all_else(office: Office) -> None:
    office.add("chen", Role.ADMIN)
    with office.db.write() as session:
        password = people.invite(session, "wang", OFFICER, "chen")
    browser = office.browser()
    assert sign_in(browser, "wang", password) == "/"
    assert browser.get("/").headers["location"] == browser.get("/cases/X").headers["location"] == "/me/password"
    assert browser.get("/api/v1/cases").status_code == 403
    other = office.browser()
    sign_in(other, "wang", password)
    change = {"old": password, "new": PASSWORD, "again": PASSWORD}
    assert post(browser, "/me/password", **change | {"again": "another one"}).status_code == 422
    assert post(browser, "/me/password", **change | {"old": "wrong"}).status_code == 401
    assert post(browser, "/me/password", **change | {"new": "short", "again": "short"}).status_code == 422
    assert post(browser, "/me/password", **change).headers["location"] == "/"
    assert browser.get("/").status_code == 200
    assert other.get("/").headers["location"] == "/sign-in"  # its session ended with the password
    assert sign_in(office.browser(), "wang", password) == "401"
    assert office.actions("wang") == ["added", "signed in", "signed in", "password changed"]


def test_a_one_time_password_ends_by_itself(office: Office) -> None:
    with office.db.write() as session:
        password = people.invite(session, "wang", OFFICER, "cli:root")
        people.named(session, "wang").password_until = now()
    assert sign_in(office.browser(), "wang", password) == "401"


def test_who_is_closed_is_out_at_once_on_every_replica_and_the_name_stays_theirs(office: Office) -> None:
    office.add("li")
    one, two = office.browser(), office.browser()
    sign_in(one, "li")
    two.cookies = one.cookies
    assert two.get("/").status_code == 200
    with office.db.write() as session:
        people.disable(session, "li", "chen")
    assert one.get("/").headers["location"] == two.get("/").headers["location"] == "/sign-in"
    assert sign_in(one, "li") == "401"
    for name in ("li", "LI"):
        with pytest.raises(BadAccount, match="never given twice"), office.db.write() as session:
            people.add(session, name, OFFICER, PASSWORD)
    with office.db.write() as session:
        people.enable(session, "li", "chen")
    assert sign_in(one, "li") == "/"
    assert office.actions("li") == ["added", "signed in", "disabled", "enabled", "signed in"]


def test_an_admin_keeps_accounts_and_sees_no_case(office: Office) -> None:
    office.rules = AccountRules()
    office.add("chen", Role.ADMIN)
    office.add("li")
    admin, officer = office.browser(), office.browser()
    sign_in(admin, "chen")
    sign_in(officer, "li")
    assert admin.get("/").headers["location"] == "/people"
    assert "li" in admin.get("/people").text
    made = post(admin, "/people", name="zhao", **{"role-monitor": "on", "role-auditor": "on"})
    once = re.search(r'id="one-time">([a-z2-9-]{19})<', made.text)[1]
    zhao = office.browser()
    assert sign_in(zhao, "zhao", once) == "/"
    assert [
        post(admin, "/people", name=name, **{"role-monitor": "on"}).status_code for name in ("ZHAO", "a b", "")
    ] == [422] * 3
    assert "at least one role" in post(admin, "/people", name="sun").text
    assert post(admin, "/people/li/roles", **{"role-dispatcher": "on"}).status_code == 303
    assert officer.get("/").headers["location"] == "/sign-in"  # with other roles one signs in anew
    with office.db.read() as session:
        assert people.shown(session, people.named(session, "li")).roles == ["dispatcher"]
    assert post(admin, "/people/li/disable").status_code == post(admin, "/people/li/enable").status_code == 303
    assert post(admin, "/people/li/enable").status_code == 422
    assert post(admin, "/people/li/fly").status_code == 422
    assert post(admin, "/people/nobody/reset").status_code == 404
    assert "another admin" in post(admin, "/people/chen/disable").text.lower()
    for page in ("/people/li", "/people/zhao", "/me"):
        assert admin.get(page).status_code == 200


def test_the_last_admin_stays(office: Office) -> None:
    office.add("chen", Role.ADMIN)
    for step in (
        lambda s: people.disable(s, "chen", "cli:x"),
        lambda s: people.set_roles(s, "chen", [Role.CHIEF], "cli:x"),
    ):
        with pytest.raises(BadAccount, match="the only admin"), office.db.write() as session:
            step(session)
    office.add("zhou", Role.ADMIN)
    with office.db.write() as session:
        people.disable(session, "chen", "zhou")


def test_a_session_that_nobody_uses_ends_and_a_page_by_itself_is_no_use(office: Office) -> None:
    office.add("li")
    browser = office.browser()
    sign_in(browser, "li")

    def ago(minutes: float) -> None:
        with office.db.write() as session:
            session.execute(update(UserSession).values(last_seen_at=now() - timedelta(minutes=minutes)))

    def seen_s() -> float:
        with office.db.read() as session:
            return (now() - session.execute(select(UserSession.last_seen_at)).scalar_one()).total_seconds()

    ago(29)
    assert browser.get("/", headers={"HX-Request": "true"}).status_code == 200
    assert browser.get("/", headers={"X-Sightline-Background": "1"}).status_code == 200
    assert seen_s() > 1700
    assert browser.get("/").status_code == 200
    assert seen_s() < 60
    ago(30.1)
    assert browser.get("/").headers["location"] == "/sign-in"


def test_own_sessions_are_listed_and_ended(office: Office) -> None:
    office.add("li")
    browsers = [office.browser() for _ in range(3)]
    for number, browser in enumerate(browsers):
        browser.headers["User-Agent"] = f"browser-{number}\x1b[31m<b>"
        sign_in(browser, "li")
    page = browsers[0].get("/me").text
    assert page.count("browser-") == 3
    assert "<b>" not in page
    name = re.search(r'name="id" value="([0-9a-f]{16})"', page)[1]
    assert post(browsers[0], "/me/sessions", id=name).status_code == 303
    assert sorted(one.get("/").status_code for one in browsers) == [200, 200, 303]
    post(browsers[0], "/me/sessions")
    assert [one.get("/").status_code for one in browsers] == [200, 303, 303]


def test_who_must_have_a_second_factor_is_led_to_it_and_asked_from_then_on(office: Office, capsys) -> None:
    office.add("chen", Role.ADMIN)
    browser = office.browser()
    assert sign_in(browser, "chen") == "/"
    assert browser.get("/people").headers["location"] == "/me/second"
    assert post(browser, "/me/second", code="000000").status_code in {422, 404}
    before = office.browser()
    assert sign_in(before, "chen") == "/"  # somebody who has the password, and waits
    codes = enrolled(office, browser, "chen")
    assert len(set(codes)) == 10
    assert before.get("/people").headers["location"].startswith("/sign-in")
    assert browser.get("/people").status_code == 200
    again = office.browser()
    assert sign_in(again, "chen") == "code"
    # With the password alone one is nobody.
    assert again.get("/people").headers["location"] == "/sign-in?next=%2Fpeople"
    assert again.get("/api/v1/session").status_code == 401
    right = code(office.db, office.rules, "chen")
    assert again.post("/sign-in/second", data={"code": "000000", "next": "/people"}).status_code == 401
    assert again.post("/sign-in/second", data={"code": right, "next": "/people"}).headers["location"] == "/people"
    assert again.get("/people").status_code == 200
    third = office.browser()
    sign_in(third, "chen")
    assert third.post("/sign-in/second", data={"code": right}).status_code == 401  # a code is taken once
    assert third.post("/sign-in/second", data={"code": codes[3].upper()}).status_code == 303
    sign_in(third, "chen")
    assert third.post("/sign-in/second", data={"code": codes[3]}).status_code == 401  # and a recovery code, too
    assert office.actions("chen").count("recovery code used") == 1
    logged = capsys.readouterr().out
    assert "request refused" in logged
    assert [one for one in (PASSWORD, right, *codes, *(one.replace("-", "") for one in codes)) if one in logged] == []


@pytest.mark.parametrize(("step", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_one_step_around(step: int, taken: bool) -> None:
    secret, at = pyotp.random_base32(), now()
    given = pyotp.TOTP(secret).at(at, counter_offset=step)
    here = int(at.timestamp()) // 30
    assert second._step(secret, given, None, at) == (here + step if taken else None)
    assert second._step(secret, given, here + step, at) is None  # of this step one was taken already
    assert second._step(secret, f"{given[:3]} {given[3:]}", None, at) == (here + step if taken else None)


def test_the_codes_are_those_of_the_standard() -> None:
    # RFC 6238, appendix B, SHA-1, last six of eight digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, said in ((59, "287082"), (1111111109, "081804"), (2000000000, "279037")):
        assert second._step(secret, said, None, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


def test_guessing_codes_ends_soon_wherever_it_comes_from(office: Office) -> None:
    office.rules = AccountRules(key_file=office.rules.key_file)
    office.add("li")
    browser = office.browser()
    sign_in(browser, "li")
    enrolled(office, browser, "li")
    given = {"name": "li", "password": PASSWORD}
    asked = browser.post("/api/v1/session", json=given)
    assert (asked.status_code, "second factor" in asked.json()["detail"]) == (401, True)
    wrong = [browser.post("/api/v1/session", json=given | {"code": "123"}).status_code for _ in range(6)]
    assert wrong == [401] * 5 + [429]
    right = given | {"code": code(office.db, office.rules, "li", 1)}
    assert browser.post("/api/v1/session", json=right).status_code == 429
    with office.db.write() as session:
        people.unlock(session, "li", "chen")
    assert browser.post("/api/v1/session", json=right).status_code == 201
    with office.db.write() as session:
        session.execute(delete(Attempt))


def test_a_second_factor_is_taken_away_with_a_code_or_by_an_admin_and_sealed_at_rest(office: Office) -> None:
    office.rules = AccountRules(key_file=office.rules.key_file)
    office.add("li")
    browser = office.browser()
    sign_in(browser, "li")
    codes = enrolled(office, browser, "li")
    with office.db.read() as session:
        user = people.named(session, "li")
        row = session.get_one(SecondFactor, user.id)
        key = second._key(session, office.rules)
        secret = key.open(user.id, row.sealed)
        raw = "".join(str(one) for one in session.execute(text("SELECT * FROM second_factors")).all())
        raw += "".join(str(one) for one in session.execute(text("SELECT * FROM recovery_codes")).all())
    assert secret.encode() not in row.sealed
    assert not any(one in raw or one.replace("-", "") in raw for one in (secret, *codes))
    assert key.raw.hex() not in repr(key)
    assert office.rules.key_file.stat().st_mode & 0o777 == 0o600
    assert post(browser, "/me/second/off", code="000000").status_code == 401
    assert post(browser, "/me/second/codes", code=codes[0]).status_code == 200
    assert post(browser, "/me/second/off", code=codes[1]).status_code == 401  # new codes end the old ones
    with office.db.write() as session:
        people.second_off(session, "li", "cli:root")
    assert sign_in(browser, "li") == "/"
    assert office.actions("li")[-2:] == ["second factor off", "signed in"]


def test_a_key_that_is_gone_lets_nobody_past_it_and_is_told_in_the_log(office: Office, capsys) -> None:
    office.rules = AccountRules(key_file=office.rules.key_file)
    office.add("li")
    browser = office.browser()
    sign_in(browser, "li")
    enrolled(office, browser, "li")
    given = {"name": "li", "password": PASSWORD, "code": code(office.db, office.rules, "li", 1)}
    office.rules.key_file.write_bytes(b"A" * 43 + b"=")
    for _ in range(2):
        answer = browser.post("/api/v1/session", json=given)
        assert (answer.status_code, "people.key" in answer.text) == (503, False)
        assert "people.key" in capsys.readouterr().out
        office.rules.key_file.unlink(missing_ok=True)  # and it is not made anew


def test_a_password_of_before_is_hashed_anew_when_it_is_used(office: Office) -> None:
    office.add("li")
    old = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),)).hash(PASSWORD)
    with office.db.write() as session:
        people.named(session, "li").password_hash = old
    assert sign_in(office.browser(), "li") == "/"
    with office.db.read() as session:
        renewed = session.execute(select(User.password_hash)).scalar_one()
    assert renewed != old
    assert "m=65536" in renewed
    assert sign_in(office.browser(), "li") == "/"


def test_what_is_done_to_accounts_enters_the_ledger_and_stays(office: Office) -> None:
    office.add("li")
    with office.db.write() as session:
        people.set_roles(session, "li", [Role.CHIEF], "chen")
    with office.db.read() as session:
        waiting = list(session.execute(text("SELECT kind, ref FROM ledger_waiting ORDER BY id")).all())
        assert [kind for kind, _ in waiting] == ["account", "account"]
        lines = entries.lines(session, [(kind, ref) for kind, ref in waiting])
    assert all(b'"account":"li"' in line for line in lines.values())
    assert any(b'"before":["reviewer","second_reviewer"]' in line for line in lines.values())
    with pytest.raises(ValueError, match="only added to"), office.db.write() as session:
        session.execute(select(AccountLog)).scalars().first().actor = "somebody else"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a table, of either kind."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path}/x.sqlite")
    else:
        made = Database(request.getfixturevalue("postgres").create("people"))
    yield made
    made.close()


def test_accounts_of_before_keep_what_they_may(empty: Database) -> None:
    db = empty
    migrate.upgrade(db, "0006")
    with db.engine.begin() as connection:
        for number, (name, role) in enumerate({"li": "officer", "zhou": "auditor", "chen": "admin"}.items(), start=1):
            connection.exec_driver_sql(
                f"INSERT INTO users (id, name, password_hash, role, created_at) "
                f"VALUES ({number}, '{name}', 'x', '{role}', '2026-01-01')"
            )
    migrate.upgrade(db, "0007")
    with db.engine.begin() as connection:
        rows = connection.exec_driver_sql("SELECT user_id, role FROM user_roles ORDER BY 1, 2").all()
        assert rows == [(1, "reviewer"), (1, "second_reviewer"), (2, "auditor"), (3, "admin")]
        assert connection.exec_driver_sql("SELECT count(*) FROM ledger_waiting WHERE kind = 'account'").scalar() == 3
        connection.exec_driver_sql(
            "INSERT INTO users (id, name, password_hash, created_at, disabled_at, password_until) VALUES "
            "(4, 'mo', 'x', '2026-01-01', NULL, NULL), (5, 'di', 'x', '2026-01-01', '2026-02-01', NULL), "
            "(6, 'on', 'once', '2026-01-01', NULL, '2099-01-01')"
        )
        connection.exec_driver_sql(
            "INSERT INTO user_roles VALUES (4, 'monitor'), (4, 'installer'), (3, 'chief'), (5, 'dispatcher'), "
            "(6, 'auditor')"
        )
    migrate.downgrade(db, "0006")
    with db.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT name, role, disabled_at IS NULL FROM users ORDER BY id").all()
        hashed = connection.exec_driver_sql("SELECT password_hash FROM users ORDER BY id").scalars().all()
    # A monitor sees no case, and the version before shows every case to every role.
    assert rows == [
        ("li", "officer", 1), ("zhou", "auditor", 1), ("chen", "officer", 1), ("mo", "away-im", 0),
        ("di", "shut-d", 0), ("on", "auditor", 1),
    ]  # fmt: skip
    # The version before knows no end of a one-time password: it must not become a lasting one.
    assert [one == "x" for one in hashed] == [True] * 5 + [False]
    assert not passwords.verified("once", hashed[5])[0]
    migrate.upgrade(db, "0007")
    with db.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT user_id, role FROM user_roles WHERE user_id > 3 ORDER BY 1, 2").all()
        assert rows == [(4, "installer"), (4, "monitor"), (5, "dispatcher"), (6, "auditor")]
        query = "SELECT id FROM users WHERE disabled_at IS NULL ORDER BY id"
        assert connection.exec_driver_sql(query).scalars().all() == [1, 2, 3, 4, 6]
    migrate.upgrade(db)


def test_names_of_before_that_differ_in_capitals_stay_and_no_more_are_made(empty: Database) -> None:
    migrate.upgrade(empty, "0012")
    with empty.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO users (id, name, password_hash, created_at) VALUES (1, 'Li', 'x', '2026-01-01'), "
            "(2, 'li', 'x', '2026-01-01'), (3, 'LI', 'x', '2026-01-01'), (4, 'mo', 'x', '2026-01-01')"
        )
        connection.exec_driver_sql(
            "INSERT INTO second_factors (user_id, sealed, key_id, created_at) VALUES (1, 'x', 'k', '2026-01-01')"
        )
    migrate.upgrade(empty)
    with empty.engine.connect() as connection:
        folded = connection.exec_driver_sql("SELECT folded FROM users ORDER BY id").scalars().all()
        assert folded == ["li", "li 2", "li 3", "mo"]
        assert connection.exec_driver_sql("SELECT count(*) FROM second_factors").scalar() == 0
    with pytest.raises(IntegrityError), empty.write() as session:
        session.add(User(name="lI", password_hash="x", created_at=now()))
    migrate.downgrade(empty, "0012")
    migrate.upgrade(empty)


def command(config: Path, *words: str, text: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, ["central", "user", *words, "--config", str(config)], input=text)
    return done.exit_code, done.output.strip() or str(done.exception)


def test_accounts_are_kept_at_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTLINE_TEST_DATABASE", raising=False)
    config = tmp_path / "central.yaml"
    config.write_text("data_dir: data\ndatabase: {url: sqlite:///data/central.sqlite}\n")
    assert command(config, "add", "li", "--role", "officer", "--password-stdin", text=f"{PASSWORD}\n") == (
        0, "officer li can sign in",
    )  # fmt: skip
    code_, said = command(config, "add", "ma", "--role", "reviewer", "--role", "dispatcher", "--one-time")
    assert code_ == 0
    assert re.fullmatch(r"reviewer, dispatcher ma can sign in\n([a-z2-9]{4}-){3}[a-z2-9]{4}", said)
    assert command(config, "role", "ma", "--role", "admin") == (0, "ma is admin")
    for word in ("disable", "role"):
        given = ("--role", "auditor") if word == "role" else ()
        refused, why = command(config, word, "ma", *given)
        assert (refused != 0, "the only admin" in why) == (True, True)
    assert command(config, "disable", "li") == (0, "li is closed")
    assert "no account 'wu'" in command(config, "reset", "wu")[1]
    assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", command(config, "reset", "ma")[1])
    assert "has no second factor" in command(config, "totp-reset", "ma")[1]
    assert command(config, "unlock", "ma")[0] == command(config, "enable", "li")[0] == 0
    listed = command(config, "list")[1].splitlines()
    assert [line.split("  ")[:3] for line in listed] == [
        ["li", "reviewer,second_reviewer", "password only"],
        ["ma", "admin", "password only"],
    ]
    assert "one-time password until" in listed[1]


def test_who_guesses_codes_in_a_crowd_has_no_more_guesses(office: Office) -> None:
    office.rules = AccountRules(key_file=office.rules.key_file)
    office.add("li")
    browser = office.browser()
    sign_in(browser, "li")
    enrolled(office, browser, "li")
    with office.db.read() as session:
        user_id = people.named(session, "li").id

    def guess(number: int) -> type[Exception]:
        try:
            signing_in.code_is(office.db, user_id, f"99999{number}", f"10.0.0.{number}", office.rules, lambda _: None)
        except (SignInRefused, TooManyAttempts) as error:
            return type(error)
        raise AssertionError("a guess was right")

    with ThreadPoolExecutor(10) as crowd:
        said = list(crowd.map(guess, range(10)))
    assert said.count(SignInRefused) == signing_in.FAILURES_BY_CODE


@pytest.mark.parametrize(
    ("by_hand", "found"),
    [
        ("INSERT INTO user_roles VALUES (1, 'admin')", "account li: has the roles reviewer, second_reviewer, admin"),
        ("DELETE FROM user_roles WHERE role = 'reviewer'", "account li: has the roles second_reviewer, and its"),
        ("UPDATE users SET disabled_at = NULL WHERE name = 'wang'", "account wang: is open, and its history says"),
        ("UPDATE users SET disabled_at = '2026-01-01' WHERE name = 'li'", "account li: is closed, and its history"),
        (
            "INSERT INTO users (id, name, folded, password_hash, created_at) VALUES (9, 'x', 'x', 'x', '2026-01-01')",
            "account x: has no history",
        ),
        (
            "INSERT INTO second_factors (user_id, sealed, key_id, created_at, confirmed_at) "
            "VALUES (1, 'x', 'k', '2026-01-01', '2026-01-01')",
            "account li: has a second factor",
        ),
    ],
)
def test_what_somebody_does_to_accounts_by_hand_is_found(office: Office, by_hand: str, found: str) -> None:
    office.add("li")
    office.add("wang", Role.CHIEF)
    with office.db.write() as session:
        people.set_roles(session, "wang", [Role.AUDITOR, Role.ADMIN], "chen")
        people.add(session, "chen", Role.ADMIN, PASSWORD)
        people.disable(session, "wang", "chen")
    with office.db.read() as session:
        assert list(audit_accounts.accounts(session)) == []
    with office.db.write() as session:
        session.execute(text(by_hand))
    with office.db.read() as session:
        (said,) = audit_accounts.accounts(session)
    assert said.startswith(found)


HERE = "http://testserver"


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),
        ({"Origin": HERE}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://behind-a-proxy"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://testserver.evil.example"}, False),
        ({"Origin": "http://testserver:81"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://["}, False),
        ({"Referer": "http://evil.example/testserver"}, False),
        ({"Referer": f"{HERE}/sign-in"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": HERE}, False),
    ],
)
def test_nobody_is_signed_in_by_a_page_elsewhere(office: Office, headers: dict[str, str], let_in: bool) -> None:
    """Over plain http a browser sends no Sec-Fetch-Site, and before signing in there is no token."""
    office.add("li")
    given = {"name": "li", "password": PASSWORD}
    form = office.browser().post("/sign-in", data=given, headers=headers)
    assert (form.status_code, "set-cookie" in form.headers) == ((303, True) if let_in else (403, False))
    api = office.browser().post("/api/v1/session", json=given, headers=headers | {"Accept": "*/*"})
    assert (api.status_code, "set-cookie" in api.headers) == ((201, True) if let_in else (403, False))


def test_a_network_of_one_customer_is_one_address(office: Office) -> None:
    office.add("li")
    for number in range(5):
        with pytest.raises(SignInRefused):
            signing_in.sign_in(office.db, "li", "wrong wrong wrong", f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooManyAttempts):
        signing_in.sign_in(office.db, "li", PASSWORD, "2001:db8:1:2:ffff::9")
    assert signing_in.sign_in(office.db, "li", PASSWORD, "2001:db8:1:3::9").user.name == "li"
    counted = ["2001:db8::1", "::ffff:192.0.2.7", "192.0.2.7", "fe80::1%eth0", "unknown", "x" * 99]
    assert [limits.network(one) for one in counted] == [
        "2001:db8::/64", "192.0.2.7", "192.0.2.7", "fe80::/64", "unknown", "x" * 64,
    ]  # fmt: skip


def test_a_line_that_is_changed_or_put_in_past_the_ledger_is_found(office: Office, tmp_path: Path) -> None:
    office.add("li")
    with office.db.write() as session:
        people.set_roles(session, "li", [Role.CHIEF], "chen")
    catch_up(office.db)
    heads = tmp_path / "heads.jsonl"
    with office.db.read() as session:
        key = office_key(session, tmp_path / "office.jwk")
        assert list(audit.findings(session, key, heads)) == []
    with office.db.write() as session:
        session.execute(text("UPDATE account_log SET actor = 'wang' WHERE action = 'roles'"))
        session.execute(text("DELETE FROM account_log WHERE action = 'added'"))
    with office.db.read() as session:
        found = " ".join(audit.findings(session, key, heads))
    assert "line of the account log 2 (entry 1): is not what was entered in the ledger: it was changed" in found
    assert "line of the account log 1 (entry 0): is in the ledger and not in the database: it was removed" in found
