"""Two who change the same account in one moment, on both databases: whoever closes or resets it is never undone."""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from central.accounts import people, second, sessions, signing_in
from central.accounts.errors import BadAccount, NotSignedIn, SignInRefused
from central.accounts.roles import OFFICER, Role
from central.accounts.rules import AccountRules
from central.db.database import Database
from contract.events import now
from tests.schema_kit import SharedPostgres, sqlite_at

PASSWORD = "correct horse battery"


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = sqlite_at(tmp_path / "x.sqlite")
    else:
        made = request.getfixturevalue("postgres").migrated("people")
    with made.write() as session:
        people.add(session, "li", OFFICER, PASSWORD)
    yield made
    made.close()


@pytest.fixture
def rules(tmp_path: Path) -> AccountRules:
    return AccountRules(key_file=tmp_path / "people.key")


def waits(db: Database, work: Future[Any]) -> None:
    """Until the other thread waits for a lock of ours (SQLite tells nobody: for a moment)."""
    end = time.monotonic() + 5
    while time.monotonic() < end and not work.done():
        if db.engine.dialect.name == "sqlite":
            time.sleep(0.4)
            return
        with db.engine.connect() as other:
            if other.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar():
                return
        time.sleep(0.02)
    assert not work.done(), "it did not wait for the other"


def between(db: Database, admin: Callable[[Any], object], owner: Callable[[], object]) -> Future[Any]:
    """`owner` begins while what `admin` does is done and not committed."""
    with ThreadPoolExecutor(1) as pool, db.write() as session:
        admin(session)
        work = pool.submit(owner)
        waits(db, work)
    return work


def opened(db: Database, name: str = "li") -> str:
    return signing_in.sign_in(db, name, PASSWORD, "127.0.0.1").token


def enrolled(db: Database, rules: AccountRules) -> pyotp.TOTP:
    token = opened(db)
    with db.write() as session:
        user = sessions.held(session, people.named(session, "li").id, token)
        shown = pyotp.TOTP(second.offer(session, user, token, rules).secret.replace(" ", ""))
        assert second.confirm(session, user, token, shown.at(now(), counter_offset=-1), rules)
    return shown


def id_of(db: Database, name: str = "li") -> int:
    with db.read() as session:
        return people.named(session, name).id


@pytest.mark.parametrize("act", [people.disable, people.reset])
def test_a_sign_in_beside_an_admin_who_closes_or_resets_is_refused(db: Database, act: Any) -> None:
    work = between(
        db, lambda session: act(session, "li", "chen"), lambda: signing_in.sign_in(db, "li", PASSWORD, "::1")
    )
    with pytest.raises(SignInRefused):
        work.result()
    with db.read() as session:
        assert sessions.open_of(session, id_of(db), AccountRules()) == []


@pytest.mark.parametrize("act", [people.disable, people.reset])
def test_a_code_shown_beside_an_admin_who_closes_or_resets_opens_nothing(
    db: Database, act: Any, rules: AccountRules
) -> None:
    app = enrolled(db, rules)
    half = signing_in.sign_in(db, "li", PASSWORD, "127.0.0.1")
    assert half.half
    code = app.at(now())
    work = between(
        db,
        lambda session: act(session, "li", "chen"),
        lambda: signing_in.show_code(db, half.token, code, "::1", rules=rules),
    )
    with pytest.raises(NotSignedIn):
        work.result()
    with db.read() as session:
        assert sessions.open_of(session, id_of(db), AccountRules()) == []
    # With name, password and code in one request, as programs do.
    if act is people.disable:
        with db.write() as session:
            people.enable(session, "li", "chen")
        with pytest.raises(SignInRefused):
            between(
                db,
                lambda session: people.disable(session, "li", "chen"),
                lambda: signing_in.sign_in(
                    db, "li", PASSWORD, "::1", code=app.at(now(), counter_offset=1), rules=rules
                ),
            ).result()


def test_a_password_change_does_not_undo_a_reset(db: Database) -> None:
    token, user_id = opened(db), id_of(db)

    def change() -> None:
        proved = signing_in.password_is(db, user_id, PASSWORD, "::1")
        with db.write() as session:
            people.change_password(session, user_id, proved, "another long one", token)

    with pytest.raises(NotSignedIn):
        between(db, lambda session: people.reset(session, "li", "chen"), change).result()
    for password in (PASSWORD, "another long one"):
        with pytest.raises(SignInRefused):
            signing_in.sign_in(db, "li", password, "::1")


def test_a_password_changed_twice_in_one_moment_is_the_first(db: Database) -> None:
    token, user_id = opened(db), id_of(db)
    proved = signing_in.password_is(db, user_id, PASSWORD, "::1")
    with db.write() as session:
        people.change_password(session, user_id, proved, "the first of two", token)
    with pytest.raises(BadAccount, match="meanwhile"), db.write() as session:
        people.change_password(session, user_id, proved, "the second of two", token)


def test_an_offered_secret_is_of_no_use_to_another_session_and_ends_with_its_own(
    db: Database, rules: AccountRules
) -> None:
    """Somebody at a browser left open reads the secret, and its owner enrols later, or has the password reset."""
    user_id, thief, owner = id_of(db), opened(db), opened(db)

    def offered(token: str) -> pyotp.TOTP:
        with db.write() as session:
            user = sessions.held(session, user_id, token)
            return pyotp.TOTP(second.offer(session, user, token, rules).secret.replace(" ", ""))

    stolen = offered(thief)
    assert offered(thief).secret == stolen.secret
    own = offered(owner)
    assert own.secret != stolen.secret
    with db.write() as session:
        user = sessions.held(session, user_id, thief)
        for app in (stolen, own):
            with pytest.raises(BadAccount, match="open the page again"):
                second.confirm(session, user, thief, app.at(now()), rules)
    with db.write() as session:
        people.reset(session, "li", "chen")
    with db.read() as session:
        assert session.execute(text("SELECT count(*) FROM second_factors")).scalar() == 0
    with pytest.raises(NotSignedIn), db.write() as session:
        sessions.held(session, user_id, owner)


def test_two_pages_at_once_offer_one_secret(db: Database, rules: AccountRules) -> None:
    token, user_id = opened(db), id_of(db)

    def offered(_: int) -> str:
        with db.write() as session:
            return second.offer(session, sessions.held(session, user_id, token), token, rules).secret

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(offered, range(8)))) == 1


def test_two_admins_who_close_each_other_leave_one(db: Database) -> None:
    names = ("chen", "wang")
    with db.write() as session:
        for name in names:
            people.add(session, name, Role.ADMIN, PASSWORD)

    def close(name: str) -> str:
        try:
            with db.write() as session:
                people.disable(session, name, "the other")
        except BadAccount as error:
            return error.key
        return "closed"

    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            assert sorted(pool.map(close, names)) == ["bad.last_admin", "closed"]
            with db.write() as session:
                for row in people.listed(session):
                    if row.disabled_at is not None:
                        people.enable(session, row.name, "the other")


def test_names_that_differ_in_capitals_are_one_also_in_one_moment(db: Database) -> None:
    def invite() -> None:
        with db.write() as session:
            people.invite(session, "WANG", OFFICER, "chen")

    with pytest.raises(BadAccount, match="never given twice"):
        between(db, lambda session: people.invite(session, "wang", OFFICER, "chen"), invite).result()


def test_own_sessions_ended_beside_an_admin_who_ends_them_is_no_deadlock(db: Database) -> None:
    user_id, rules = id_of(db), AccountRules()

    def by_owner() -> None:
        with db.write() as session:
            token = sessions.opened(session, people.named(session, "li", lock=True), "::1", "").token
        sessions.asking(db, token, rules, active=True)
        try:
            with db.write() as session:
                sessions.held(session, user_id, token)
                sessions.end_all(session, user_id, but=token)
                people.log.note(session, user_id, "li", "sessions ended")
        except NotSignedIn:
            pass

    def by_admin() -> None:
        with db.write() as session:
            people.end_sessions(session, "li", "chen")

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(one) for _ in range(12) for one in (by_owner, by_admin)]:
            done.result()


def test_what_a_statement_was_given_stands_in_no_error(postgres: SharedPostgres) -> None:
    made = Database(postgres.create(f"hidden_{secrets.token_hex(6)}"))
    with pytest.raises(DataError) as caught, made.write() as session:
        session.execute(text("SELECT :secret"), {"secret": "hunter2\x00"})
    assert "hunter2" not in str(caught.value)
    assert re.search(r"parameters hidden|hidden due to", str(caught.value))
    made.close()
