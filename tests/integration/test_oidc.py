"""Signing in at an OpenID provider: real providers on loopback, one of them with everything that can be wrong."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pyotp
import pytest
from central_kit import open_db
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey
from oidc_peer import CLIENT, SECRET, Peer, unsigned, with_secret
from pydantic import ValidationError
from sqlalchemy import select, text

from central.accounts import people, second, sessions, signing_in
from central.accounts.errors import SignInRefused
from central.accounts.oidc import flow
from central.accounts.oidc.provider import Provider, ProviderAway
from central.accounts.oidc.settings import Oidc
from central.accounts.roles import OFFICER, Role
from central.accounts.rules import AccountRules
from central.app import create_app
from central.db.accounts import AccountLog
from central.db.database import Database
from central.db.identities import Identity
from central.ledger import audit_accounts
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.events import now

PASSWORD = "correct horse battery"
HERE = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def running() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def peer(running: Peer) -> Iterator[Peer]:
    kept = dict(running.__dict__)
    yield running
    running.__dict__.update(kept)


class House:
    """Central with a provider, and browsers before it."""

    def __init__(self, folder: Path, issuer: str, **said: Any) -> None:
        self.db: Database = open_db(folder)
        values = {"issuer": issuer, "client_id": CLIENT, "client_secret_file": folder / "secret", "url": HERE} | said
        self.provider = Provider(Oidc(**values), SECRET)
        self.rules = AccountRules(
            second_factor_for=frozenset({Role.CHIEF, Role.ADMIN}), key_file=folder / "people.key",
            admins_only=self.provider.said.passwords == "admins",
        )  # fmt: skip
        store = FolderStore(folder / "media", 1_000_000)
        self.app = create_app(self.db, store, Metrics(self.db), accounts=self.rules, provider=self.provider)
        with self.db.write() as session:
            people.add(session, "li", OFFICER, PASSWORD)

    def browser(self) -> TestClient:
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        return TestClient(self.app, base_url=HERE, headers=headers, follow_redirects=False)

    def linked(self, peer: Peer, browser: TestClient) -> httpx.Response:
        """`li`, signed in with a password, links the identity that the provider vouches for."""
        browser.post("/sign-in", data={"name": "li", "password": PASSWORD})
        token = browser.get("/api/v1/session").json()["csrf"]
        page = browser.post("/me/identity", data={"csrf": token, "password": PASSWORD})
        way = re.search(r'href="(http[^"]+/authorize[^"]+)"', page.text)[1].replace("&amp;", "&")
        return browser.get("/sign-in/oidc/back", params=peer.authorize(way))

    def came(self, peer: Peer, browser: TestClient, **change: str | None) -> httpx.Response:
        way = browser.get("/sign-in/oidc?next=/me").headers["location"]
        given = {name: value for name, value in (peer.authorize(way) | change).items() if value is not None}
        return browser.get("/sign-in/oidc/back", params=given)

    def actions(self, name: str) -> list[str]:
        with self.db.read() as session:
            user = people.named(session, name)
            query = select(AccountLog.action).where(AccountLog.user_id == user.id).order_by(AccountLog.id)
            return list(session.execute(query).scalars())


@pytest.fixture
def house(tmp_path: Path, peer: Peer) -> House:
    return House(tmp_path, peer.issuer)


def signed_in(browser: TestClient) -> str | None:
    return browser.get("/api/v1/session").json().get("name")


def test_who_has_linked_an_identity_signs_in_with_it_and_nobody_by_an_e_mail(house: House, peer: Peer) -> None:
    stranger = house.browser()
    # The same e-mail and name as an account are nothing: only what was linked opens it.
    peer.claims = {"sub": "s-1", "email": "li@office.example", "email_verified": True, "preferred_username": "li"}
    assert house.came(peer, stranger).status_code == 401 and signed_in(stranger) is None
    own = house.browser()
    assert house.linked(peer, own).headers["location"] == "/me"
    assert "An identity is linked" in own.get("/me").text
    other = house.browser()
    answer = house.came(peer, other)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    assert signed_in(other) == "li"
    peer.claims = {"sub": "s-2", "email": "li@office.example", "email_verified": True}
    third = house.browser()
    assert house.came(peer, third).status_code == 401 and signed_in(third) is None
    # An identity opens one account.
    with house.db.write() as session:
        people.add(session, "wang", OFFICER, PASSWORD)
    wang = house.browser()
    wang.post("/sign-in", data={"name": "wang", "password": PASSWORD})
    peer.claims = {"sub": "s-1"}
    token = wang.get("/api/v1/session").json()["csrf"]
    page = wang.post("/me/identity", data={"csrf": token, "password": PASSWORD})
    way = re.search(r'href="(http[^"]+/authorize[^"]+)"', page.text)[1].replace("&amp;", "&")
    assert "opens another account" in wang.get("/sign-in/oidc/back", params=peer.authorize(way)).text
    # Closed is closed, and unlinked is unlinked; all of it is on record.
    with house.db.write() as session:
        people.disable(session, "li", "chen")
    assert house.came(peer, house.browser()).status_code == 401
    with house.db.write() as session:
        people.enable(session, "li", "chen")
    assert house.came(peer, other).status_code == 303
    form = {"csrf": other.get("/api/v1/session").json()["csrf"], "off": "1"}
    assert other.post("/me/identity", data=form | {"password": "wrong"}).status_code == 422
    assert other.post("/me/identity", data=form | {"password": PASSWORD}).status_code == 303
    assert signed_in(other) is None
    assert house.came(peer, house.browser()).status_code == 401
    with house.db.read() as session:
        assert list(audit_accounts.accounts(session)) == []
    with house.db.write() as session:
        session.execute(text(f"INSERT INTO user_identities VALUES ('{peer.issuer}', 's-8', 1, '2026-01-01')"))
    with house.db.read() as session:
        assert any("linked by hand" in said for said in audit_accounts.accounts(session))
    assert house.actions("li") == [
        "added", "signed in", "identity linked", "signed in", "disabled", "enabled", "signed in", "identity unlinked",
    ]  # fmt: skip


def _nonce(claims: dict[str, Any]) -> None:
    claims["nonce"] = "another"


WRONG = {
    "nonce": _nonce,
    "no nonce": lambda claims: claims.pop("nonce"),
    "issuer": lambda claims: claims.update(iss="http://127.0.0.1:1"),
    "no issuer": lambda claims: claims.pop("iss"),
    "audience": lambda claims: claims.update(aud="another"),
    "audience of many": lambda claims: claims.update(aud=[CLIENT, "another"]),
    "party": lambda claims: claims.update(azp="another"),
    "expired": lambda claims: claims.update(exp=claims["iat"] - 120),
    "no end": lambda claims: claims.pop("exp"),
    "not yet": lambda claims: claims.update(nbf=claims["iat"] + 3600),
    "from tomorrow": lambda claims: claims.update(iat=claims["iat"] + 86400),
    "hash": lambda claims: claims.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "nobody": lambda claims: claims.pop("sub"),
    "blank": lambda claims: claims.update(sub=""),
    "number": lambda claims: claims.update(sub=1),
    "long": lambda claims: claims.update(sub="x" * 300),
    "nul": lambda claims: claims.update(sub="s-1\x00"),
}


def test_a_token_that_says_something_wrong_opens_nothing(house: House, peer: Peer) -> None:
    house.linked(peer, house.browser())
    browser = house.browser()
    for what, wrong in WRONG.items():
        peer.wrong = wrong
        answer = house.came(peer, browser)
        assert answer.status_code == 401 and "That did not sign you in" in answer.text, what
        assert signed_in(browser) is None
    peer.wrong = lambda claims: None
    assert house.came(peer, browser).status_code == 303


def test_a_token_that_others_have_signed_opens_nothing(house: House, peer: Peer) -> None:
    house.linked(peer, house.browser())
    own, foreign = peer.key, RSAKey.generate_key(2048, {"kid": "one"})
    for sign in (unsigned, with_secret(own)):
        peer.sign = sign
        assert house.came(peer, house.browser()).status_code == 401
    peer.sign, peer.key = None, foreign
    assert house.came(peer, house.browser()).status_code == 401
    # Keys that the provider changes are taken from it, not from the token.
    peer.header = {"alg": "RS256", "kid": "one", "jwk": foreign.as_dict(private=False)}
    assert house.came(peer, house.browser()).status_code == 401
    peer.key, peer.header = own, {"alg": "RS256", "kid": "one"}
    assert house.came(peer, house.browser()).status_code == 303


def test_an_answer_that_was_changed_opens_nothing(house: House, peer: Peer) -> None:
    house.linked(peer, house.browser())
    browser = house.browser()
    for change in (
        {"state": "another"}, {"state": None}, {"code": "another"}, {"code": None}, {"iss": "http://evil"},
        {"code": None, "error": "access_denied"}, {"state": "a\x00"},
    ):  # fmt: skip
        assert house.came(peer, browser, **change).status_code == 401, change
        assert signed_in(browser) is None
    # What was begun nowhere guesses at nothing: a page elsewhere that sends browsers here locks nobody out.
    for _ in range(40):
        assert house.came(peer, browser, state="another").status_code == 401
    # Whoever tries on with what they began is told to wait, as with passwords.
    for _ in range(30):
        house.came(peer, browser, code="another")
    assert house.came(peer, browser).status_code == 429


def test_what_was_begun_is_of_use_once_in_its_browser_and_for_ten_minutes(house: House, peer: Peer) -> None:
    house.linked(peer, house.browser())
    one, other = house.browser(), house.browser()
    given = peer.authorize(one.get("/sign-in/oidc").headers["location"])
    # An attacker's answer in somebody else's browser would sign them in as the attacker.
    other.get("/sign-in/oidc")
    assert other.get("/sign-in/oidc/back", params=given).status_code == 401
    assert one.get("/sign-in/oidc/back", params=given).status_code == 401  # it was used up by that
    given = peer.authorize(one.get("/sign-in/oidc").headers["location"])
    with house.db.write() as session:
        session.execute(text("UPDATE oidc_flows SET expires_at = '2020-01-01'"))
    assert one.get("/sign-in/oidc/back", params=given).status_code == 401
    assert house.came(peer, one).status_code == 303
    with house.db.read() as session:
        kept = session.execute(text("SELECT state, browser FROM oidc_flows")).all()
        assert all(len(one) == 64 for row in kept for one in row)


def test_a_crowd_on_its_way_to_the_provider_is_bounded(
    house: House, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.linked(peer, house.browser())
    monkeypatch.setattr(flow, "MOST", 3)
    assert [house.browser().get("/sign-in/oidc").status_code for _ in range(4)] == [303, 303, 303, 429]
    with house.db.write() as session:
        session.execute(text("UPDATE oidc_flows SET expires_at = '2020-01-01'"))
    assert house.came(peer, house.browser()).status_code == 303


def test_linking_wants_the_session_that_began_it(house: House, peer: Peer) -> None:
    browser = house.browser()
    browser.post("/sign-in", data={"name": "li", "password": PASSWORD})
    token = browser.get("/api/v1/session").json()["csrf"]
    assert browser.post("/me/identity", data={"csrf": "another's", "password": PASSWORD}).status_code == 403
    assert browser.post("/me/identity", data={"csrf": token, "password": "wrong"}).status_code == 422
    page = browser.post("/me/identity", data={"csrf": token, "password": PASSWORD})
    way = re.search(r'href="(http[^"]+/authorize[^"]+)"', page.text)[1].replace("&amp;", "&")
    with house.db.write() as session:
        people.reset(session, "li", "chen")
    assert browser.get("/sign-in/oidc/back", params=peer.authorize(way)).headers["location"] == "/sign-in"
    with house.db.read() as session:
        assert session.execute(select(Identity)).first() is None


def test_accounts_and_roles_are_the_providers_where_the_settings_say_so(tmp_path: Path, peer: Peer) -> None:
    house = House(
        tmp_path, peer.issuer, make_accounts=True, role_claim="groups", domains=["office.example"],
        roles={"desk": ["reviewer"], "heads": ["chief", "reviewer"]},
    )  # fmt: skip
    said = {"sub": "s-9", "groups": ["desk", "others"], "preferred_username": "mo", "email": "mo@office.example",
            "email_verified": True}  # fmt: skip
    browser = house.browser()
    for wrong in ({"email_verified": False}, {"email": "mo@evil.example"}, {"email": "mo@office.example.evil"},
                  {"email": "x"}, {"groups": ["admins"]}, {"groups": "others"}, {"preferred_username": "LI"}):  # fmt: skip
        peer.claims = said | wrong
        assert house.came(peer, browser).status_code == 401, wrong
    peer.claims = said
    assert house.came(peer, browser).status_code == 303
    assert browser.get("/api/v1/session").json()["roles"] == ["reviewer"]
    with pytest.raises(SignInRefused):
        signing_in.sign_in(house.db, "mo", "", "::1")
    peer.claims = said | {"groups": "heads"}
    assert house.came(peer, house.browser()).status_code == 303
    with house.db.read() as session:
        assert people.shown(session, people.named(session, "mo")).roles == ["reviewer", "chief"]
        assert list(audit_accounts.accounts(session)) == []
    peer.claims = said | {"groups": []}
    assert house.came(peer, house.browser()).status_code == 401
    assert signed_in(browser) is None  # other roles had ended that session


def test_the_second_factor_is_the_providers_or_our_own(tmp_path: Path, peer: Peer) -> None:
    house = House(tmp_path, peer.issuer, second_factor_acr=["loa3"], second_factor_amr=["otp"])
    browser = house.browser()
    house.linked(peer, browser)
    with house.db.write() as session:
        people.set_roles(session, "li", [Role.CHIEF], "chen")
    # A chief must have one: led to enrol it, unless the provider has seen one.
    house.came(peer, browser)
    assert browser.get("/").headers["location"] == "/me/second"
    for claims in ({"acr": "loa3"}, {"amr": ["pwd", "otp"]}):
        peer.claims = {"sub": "s-1"} | claims
        assert house.came(peer, browser).status_code == 303
        assert browser.get("/").status_code == 200
    for claims in ({"acr": "loa1"}, {"amr": "otp"}, {"amr": ["pwd"]}, {"acr": ["loa3"]}):
        peer.claims = {"sub": "s-1"} | claims
        house.came(peer, browser)
        assert browser.get("/").status_code != 200, claims
    # With one of central's own a code is asked for, unless the provider has seen one.
    with house.db.write() as session:
        user = people.named(session, "li")
        token = sessions.opened(session, user, "::1", "").token
        shown = pyotp.TOTP(second.offer(session, user, token, house.rules).secret.replace(" ", ""))
        assert second.confirm(session, user, token, shown.at(now(), counter_offset=-1), house.rules)
    peer.claims = {"sub": "s-1"}
    half = house.browser()
    assert "One more step" in house.came(peer, half).text and signed_in(half) is None
    assert half.post("/sign-in/second", data={"code": shown.at(now()), "next": "/me"}).headers["location"] == "/me"
    peer.claims = {"sub": "s-1", "acr": "loa3"}
    assert house.came(peer, house.browser()).status_code == 303


def test_passwords_may_be_for_admins_alone(tmp_path: Path, peer: Peer) -> None:
    house = House(tmp_path, peer.issuer, passwords="admins")
    with house.db.write() as session:
        people.add(session, "chen", Role.ADMIN, PASSWORD)
    assert house.browser().post("/sign-in", data={"name": "li", "password": PASSWORD}).status_code == 401
    given = {"name": "li", "password": PASSWORD}
    assert house.browser().post("/api/v1/session", json=given).status_code == 401
    assert house.browser().post("/sign-in", data={"name": "chen", "password": PASSWORD}).status_code == 303


def test_a_provider_that_is_away_or_calls_itself_otherwise_is_said_to_be(tmp_path: Path, peer: Peer) -> None:
    away = House(tmp_path, "http://127.0.0.1:1")
    answer = away.browser().get("/sign-in/oidc")
    assert answer.status_code == 503 and "cannot be reached" in answer.text
    assert "Sign in with OpenID" in away.browser().get("/sign-in").text
    peer.issuer_says = "http://another"
    provider = Provider(Oidc(issuer=peer.issuer, client_id=CLIENT, client_secret_file=tmp_path, url=HERE), SECRET)
    with pytest.raises(ProviderAway, match="calls itself"):
        provider.way("s", "n", "v")


@pytest.mark.parametrize(
    "wrong", [{"issuer": "http://provider.example"}, {"url": "http://central.example"}, {"roles": {"x": ["admin"]}},
              {"make_accounts": True}, {"scopes": ["email"]}, {"domains": ["x"], "scopes": ["openid"]}],
)  # fmt: skip
def test_settings_that_would_be_dangerous_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    good = {"issuer": "https://p.example", "client_id": "c", "client_secret_file": tmp_path / "s", "url": HERE}
    assert Oidc(**good).redirect == f"{HERE}/sign-in/oidc/back"
    with pytest.raises(ValidationError):
        Oidc(**(good | wrong))


def test_with_another_implementation_of_a_provider(tmp_path: Path) -> None:
    """oidc-provider-mock: Authlib's own server in Flask, with its pages, on loopback."""
    mock = pytest.importorskip("oidc_provider_mock")
    with mock.run_server_in_thread(require_nonce=True, user_claims=[mock.User(sub="s-7", claims={})]) as server:
        issuer = f"http://localhost:{server.server_port}"
        house = House(tmp_path, issuer)
        browser = house.browser()
        with house.db.write() as session:
            user = people.named(session, "li")
            session.add(Identity(issuer=issuer, subject="s-7", user_id=user.id, linked_at=now()))
        way = browser.get("/sign-in/oidc").headers["location"]
        agreed = httpx.post(way, data={"sub": "s-7"}, follow_redirects=False)
        assert agreed.status_code == 302, agreed.text
        back = parse_qs(urlsplit(agreed.headers["location"]).query)
        answer = browser.get(f"/sign-in/oidc/back?{urlencode({name: value[0] for name, value in back.items()})}")
        assert answer.status_code == 303
        assert signed_in(browser) == "li"
