"""What a broker that reads no list of revoked certificates asks central, in the words that EMQX sends."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import Box, open_db
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient

from central.app import create_app
from central.ca import certificates
from central.ca.authority import Authority
from central.ca.certificates import CLIENT, Issuer
from central.db.database import Database
from central.edges import enrolment
from central.media.folder import FolderStore
from central.metrics import Metrics

Ask = Callable[[str], str]
#: What EMQX puts before every question (apps/emqx_auth_http, default_headers).
HEADERS = {"content-type": "application/json", "accept": "application/json", "cache-control": "no-cache"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ask(db: Database, tmp_path: Path) -> Iterator[Ask]:
    with TestClient(create_app(db, FolderStore(tmp_path / "media", 1_000_000), Metrics(db))) as client:

        def answer(name: str) -> str:
            given = client.post("/edge/v1/broker/access", json={"username": name}, headers=HEADERS)
            # Anything but 200 and JSON would be no answer to EMQX.
            assert (given.status_code, given.headers["content-type"]) == (200, "application/json")
            return str(given.json()["result"])

        yield answer


def test_a_box_that_is_shut_out_is_denied_until_it_is_let_in_again(ask: Ask, db: Database) -> None:
    box, other = Box(), Box("edge-02")
    box.enrol(db)
    other.enrol(db)
    assert (ask("edge-01"), ask("edge-02")) == ("ignore", "ignore")
    with db.write() as session:
        enrolment.revoke(session, "edge-01")
    assert (ask("edge-01"), ask("edge-02")) == ("deny", "ignore")
    Box().enrol(db)
    assert ask("edge-01") == "ignore"


def test_a_program_is_denied_when_none_of_its_certificates_holds(ask: Ask, db: Database, tmp_path: Path) -> None:
    issuer = Issuer(Authority.create(tmp_path / "ca"), timedelta(days=90))
    with db.write() as session:
        for _ in range(2):
            public = ec.generate_private_key(ec.SECP256R1()).public_key()
            made = issuer.authority.client("signal-7", public, issuer.life)
            issuer.record(session, CLIENT, "signal-7", made, public)
    assert ask("signal-7") == "ignore"
    with db.write() as session:
        (first, _) = certificates.given(session)
        certificates.revoke(session, "signal-7", CLIENT, but=first.pem)
    assert ask("signal-7") == "ignore"
    with db.write() as session:
        certificates.revoke(session, "signal-7", CLIENT)
    assert ask("signal-7") == "deny"


@pytest.mark.parametrize("name", ["", "nobody", "edge-01\x00", "../edge-01", "字" * 64, "x" * 256])
def test_of_a_name_that_it_does_not_know_central_has_no_word(ask: Ask, name: str) -> None:
    assert ask(name) == "ignore"


def test_while_the_database_is_away_there_is_no_answer(db: Database, tmp_path: Path) -> None:
    app = create_app(db, FolderStore(tmp_path / "media", 1_000_000), Metrics(db))
    with TestClient(app, raise_server_exceptions=False) as client:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE edges RENAME TO gone")
        given = client.post("/edge/v1/broker/access", json={"username": "edge-01"}, headers=HEADERS)
    assert given.status_code >= 500 and "result" not in given.json()
