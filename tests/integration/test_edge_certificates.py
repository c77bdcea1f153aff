"""Certificates over HTTP: given at enrolment, renewed, exchanged on demand, refused; and the list of the revoked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import Box, open_db
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from central.app import create_app
from central.ca import certificates
from central.ca.authority import Authority
from central.ca.certificates import Issuer
from central.db.database import Database
from central.db.edges import Certificate, EnrolCode
from central.edges import enrolment, renewal
from central.jobs import Jobs
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.enrolment import enrolment_statement, renewal_statement
from contract.events import now
from contract.sealing import new_key, public_jwk, sign_detached

EDGE = "edge-01"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ca(tmp_path: Path) -> Issuer:
    return Issuer(Authority.create(tmp_path / "ca"), timedelta(days=90))


@pytest.fixture
def client(tmp_path: Path, db: Database, ca: Issuer) -> Iterator[TestClient]:
    with TestClient(create_app(db, FolderStore(tmp_path / "media", 1_000_000), Metrics(db), ca=ca)) as made:
        yield made


@dataclass
class Asking(Box):
    """A box that asks for certificates."""

    tls: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def request(self, name: str | None = None) -> str:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name or self.edge_id)])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self.tls, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def come(self, client: TestClient, code: str, **changes: str) -> Response:
        request = changes.pop("csr", self.request())
        proof = sign_detached(enrolment_statement(code, self.edge_id, request), self.key)
        body = {"code": code, "edge_id": self.edge_id, "public_key": public_jwk(self.key), "proof": proof}
        return client.post("/edge/v1/enrol", json=body | {"csr": request} | changes)

    def renew(self, client: TestClient, **changes: str) -> Response:
        request = changes.pop("csr", self.request())
        body = {"csr": request, "proof": sign_detached(renewal_statement(self.edge_id, request), self.key)}
        return client.post("/edge/v1/certificate", json=body | changes, headers={"Authorization": self.token()})

    def wanted(self, client: TestClient) -> bool:
        answer = client.get("/edge/v1/certificate", headers={"Authorization": self.token()})
        assert answer.status_code == 200
        return bool(answer.json()["renew"])


def code_for(db: Database, edge_id: str = EDGE) -> str:
    with db.write() as session:
        return enrolment.issue_code(session, edge_id)


def enrolled(client: TestClient, db: Database) -> tuple[Asking, x509.Certificate]:
    box = Asking(EDGE)
    answer = box.come(client, code_for(db))
    assert answer.status_code == 200, answer.text
    return box, x509.load_pem_x509_certificate(answer.json()["certificate"].encode())


def listed(client: TestClient, ca: Issuer) -> set[int]:
    """Serial numbers on the public list, which the authority has signed."""
    read = x509.load_pem_x509_crl(client.get("/edge/v1/crl.pem").content)
    assert read.is_signature_valid(ca.authority.certificate.public_key())
    assert (ca.authority.folder / "crl.pem").read_bytes() == read.public_bytes(serialization.Encoding.PEM)
    return {one.serial_number for one in read}


def test_a_box_gets_a_certificate_of_its_own_name_and_key(client: TestClient, db: Database, ca: Issuer) -> None:
    box = Asking(EDGE)
    said = box.come(client, code_for(db)).json()
    made = x509.load_pem_x509_certificate(said["certificate"].encode())
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(said["ca"].encode()))
    assert said["ca"] == ca.authority.pem
    assert [one.value for one in made.subject] == [EDGE] and made.public_key() == box.tls.public_key()
    assert timedelta(days=89) < made.not_valid_after_utc - now() <= timedelta(days=90)
    assert not box.wanted(client)


def test_a_code_is_used_once_and_a_replay_gets_nothing(client: TestClient, db: Database) -> None:
    box, code = Asking(EDGE), code_for(db)
    assert box.come(client, code).status_code == 200
    replayed, other = box.come(client, code), Asking(EDGE).come(client, code)
    assert [replayed.status_code, other.status_code] == [403, 403]
    assert "used" in replayed.json()["detail"] and "certificate" not in replayed.text.replace("certificate request", "")


def test_a_code_holds_fifteen_minutes(client: TestClient, db: Database) -> None:
    code = code_for(db)
    with db.write() as session:
        (row,) = session.execute(select(EnrolCode)).scalars()
        assert row.expires_at - row.created_at == timedelta(minutes=15)
        row.created_at -= timedelta(minutes=15)
        row.expires_at -= timedelta(minutes=15)
    assert Asking(EDGE).come(client, code).status_code == 403


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"csr": "nonsense"}, 400),
        ({"name": "edge-02"}, 403),
        ({"name": "central"}, 403),
        ({"swapped": "yes"}, 403),
    ],
)  # fmt: skip
def test_a_bad_request_gets_nothing_and_the_code_stays_good(
    client: TestClient, db: Database, changed: dict[str, str], status: int
) -> None:
    box, code = Asking(EDGE), code_for(db)
    if "name" in changed:
        answer = box.come(client, code, csr=box.request(changed["name"]))
    elif "swapped" in changed:  # somebody between puts a key of his own into what the box has signed
        request = box.request()
        proof = sign_detached(enrolment_statement(code, EDGE, request), box.key)
        answer = box.come(client, code, proof=proof, csr=Asking(EDGE).request())
    else:
        answer = box.come(client, code, csr=changed["csr"])
    assert answer.status_code == status, answer.text
    with db.read() as session:
        assert session.execute(select(Certificate)).first() is None
    assert box.come(client, code).status_code == 200


def test_enrolling_anew_ends_the_certificate_before(client: TestClient, db: Database, ca: Issuer) -> None:
    _, first = enrolled(client, db)
    assert listed(client, ca) == set()
    _, second = enrolled(client, db)
    assert listed(client, ca) == {first.serial_number} and second.serial_number != first.serial_number


def test_a_box_renews_and_the_old_one_holds_until_it_ends(client: TestClient, db: Database, ca: Issuer) -> None:
    box, first = enrolled(client, db)
    box.tls = ec.generate_private_key(ec.SECP256R1())
    answer = box.renew(client)
    made = x509.load_pem_x509_certificate(answer.json()["certificate"].encode())
    assert made.public_key() == box.tls.public_key() and made.serial_number != first.serial_number
    assert box.renew(client).json() == answer.json(), "a box that died before it had it on disk asks again"
    assert listed(client, ca) == set()


def test_central_can_ask_for_another_and_then_the_old_one_ends(client: TestClient, db: Database, ca: Issuer) -> None:
    box, first = enrolled(client, db)
    with db.write() as session:
        renewal.ask(session, EDGE)
        with pytest.raises(ValueError, match="no box 'edge-99'"):
            renewal.ask(session, "edge-99")
    assert box.wanted(client)
    assert box.renew(client).status_code == 403, "the key that may have been stolen does not get another certificate"
    box.tls = ec.generate_private_key(ec.SECP256R1())
    assert box.renew(client).status_code == 200
    assert not box.wanted(client) and listed(client, ca) == {first.serial_number}


def test_nobody_else_renews_for_a_box(client: TestClient, db: Database) -> None:
    box, _ = enrolled(client, db)
    thief = Asking(EDGE)
    assert thief.renew(client).status_code == 401, "not the box's key"
    # A token that was overheard, with a request of the thief's own, whatever he signs it with.
    for key in (thief.key, new_key()):
        request = thief.request()
        proof = sign_detached(renewal_statement(EDGE, request), key)
        assert box.renew(client, csr=request, proof=proof).status_code == 403
    # A proof of the box's, over another request.
    proof = sign_detached(renewal_statement(EDGE, box.request()), box.key)
    assert box.renew(client, csr=thief.request(), proof=proof).status_code == 403
    with db.read() as session:
        assert len(session.execute(select(Certificate)).all()) == 1


def test_a_box_that_is_shut_out_gets_none_and_is_on_the_list(client: TestClient, db: Database, ca: Issuer) -> None:
    box, first = enrolled(client, db)
    with db.write() as session:
        enrolment.revoke(session, EDGE)
    assert ca.publish(db) and not ca.publish(db)
    assert listed(client, ca) == {first.serial_number}
    box.tls = ec.generate_private_key(ec.SECP256R1())
    assert box.renew(client).status_code == 403
    with db.write() as session, pytest.raises(ValueError, match="no box"):
        renewal.ask(session, EDGE)


def test_a_box_that_asks_again_and_again_is_told_to_wait(client: TestClient, db: Database) -> None:
    box, _ = enrolled(client, db)
    answers = []
    for _ in range(6):
        box.tls = ec.generate_private_key(ec.SECP256R1())
        answers.append(box.renew(client).status_code)
    assert answers == [200] * 4 + [429] * 2


def test_a_list_that_a_crash_left_behind_is_mended_by_the_jobs(tmp_path: Path, client: TestClient, db: Database, ca: Issuer) -> None:  # fmt: skip
    _, first = enrolled(client, db)
    with db.write() as session:
        certificates.revoke(session, EDGE, certificates.EDGE)  # and the process died before it wrote the list
    assert listed(client, ca) == set()
    Jobs(db, FolderStore(tmp_path / "media", 1_000_000), ca=ca).round()
    assert listed(client, ca) == {first.serial_number}
    (ca.authority.folder / "crl.pem").write_text("torn")
    Jobs(db, FolderStore(tmp_path / "media", 1_000_000), ca=ca).round()
    assert listed(client, ca) == {first.serial_number}


def test_no_box_is_called_as_a_program_is(client: TestClient, db: Database, ca: Issuer) -> None:
    with db.write() as session:
        for name in ("central", "broker"):
            with pytest.raises(ValueError, match="a program's user"):
                enrolment.issue_code(session, name)
        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        made = ca.authority.client("signal-7", public, timedelta(days=1))
        ca.record(session, certificates.CLIENT, "signal-7", made, public)
        with pytest.raises(ValueError, match="a program's user"):
            enrolment.issue_code(session, "signal-7")


def test_a_central_without_an_authority_lets_boxes_in_without_certificates(tmp_path: Path, db: Database) -> None:
    with TestClient(create_app(db, FolderStore(tmp_path / "m", 1_000_000), Metrics(db))) as client:
        box = Asking(EDGE)
        answer = box.come(client, code_for(db))
        assert answer.status_code == 200 and set(answer.json()) == {"edge_id", "kid"}
        assert box.renew(client).status_code == 404 and client.get("/edge/v1/crl.pem").status_code == 404


def test_no_private_key_is_in_the_database(tmp_path: Path, client: TestClient, db: Database, ca: Issuer) -> None:
    box, _ = enrolled(client, db)
    private = [
        (ca.authority.folder / "private" / "ca.key").read_bytes(),
        box.tls.private_numbers().private_value.to_bytes(32),
        str(box.key.as_dict(private=True)["d"]).encode(),
    ]
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("central.sqlite*"))
    if db.engine.dialect.name == "sqlite":
        assert b"BEGIN CERTIFICATE" in kept
        assert not any(secret in kept for secret in private) and b"PRIVATE KEY" not in kept
