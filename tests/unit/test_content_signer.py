"""Who signs C2PA manifests: a file that is made once and is private, an authority's certificate, or one that was brought."""

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import open_db
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.ca import certificates
from central.ca.authority import Authority, key_pem, lone_content_signer, pem
from central.ca.certificates import Issuer
from central.credentials.signer import ContentSigner, content_signer
from central.db.database import Database
from contract.errors import ConfigError
from contract.events import now
from contract.provenance import leads

DAY = timedelta(days=1)


@pytest.fixture
def db(tmp_path: Path):
    made = open_db(tmp_path)
    yield made
    made.close()


def opened(path: Path, db: Database, issuer: Issuer | None = None) -> ContentSigner:
    return content_signer(path, "Traffic office", issuer, db)


def test_it_is_made_once_and_for_its_owner_alone(tmp_path: Path, db: Database) -> None:
    path = tmp_path / "new" / "c2pa.pem"
    made = opened(path, db)
    assert path.stat().st_mode & 0o777 == 0o600 and [one.name for one in path.parent.iterdir()] == ["c2pa.pem"]
    assert opened(path, db).fingerprint == made.fingerprint and len(made.fingerprint) == 64
    leaf, root = made.chain
    assert leads(made.chain) and leaf.subject != root.subject, "C2PA refuses what signs itself"
    assert leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Traffic office"
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    assert leaf.not_valid_after_utc - now() > 3600 * DAY
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others can read the key"):
        opened(path, db)


def test_its_key_is_in_no_log_that_shows_it(tmp_path: Path, db: Database) -> None:
    made = opened(tmp_path / "c2pa.pem", db)
    assert b"PRIVATE KEY" in made.key
    assert "PRIVATE" not in repr(made) and "key=" not in repr(made)


def test_exports_at_the_same_moment_make_one(tmp_path: Path, db: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = {one.fingerprint for one in pool.map(lambda _: opened(tmp_path / "c2pa.pem", db), range(16))}
    assert len(found) == 1


def test_centrals_authority_signs_it_and_lists_it(tmp_path: Path, db: Database) -> None:
    issuer = Issuer(Authority.create(tmp_path / "ca"), DAY)
    made = opened(tmp_path / "c2pa.pem", db, issuer)
    assert made.chain[1] == issuer.authority.certificate
    with db.read() as session:
        (row,) = certificates.given(session)
    assert (row.kind, row.serial) == ("c2pa", f"{made.chain[0].serial_number:x}")


def brought(path: Path, key: ec.EllipticCurvePrivateKey, *chain: x509.Certificate) -> Path:
    path.write_bytes(key_pem(key) + "".join(pem(one) for one in chain).encode())
    path.chmod(0o600)
    return path


def test_what_cannot_sign_is_refused_with_its_remedy(tmp_path: Path, db: Database) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    own, root = lone_content_signer("Office", key.public_key(), DAY)
    old, its = lone_content_signer("Office", key.public_key(), timedelta(seconds=-1))
    stranger = lone_content_signer("Office", key.public_key(), DAY)[1]
    assert opened(brought(tmp_path / "right.pem", key, own, root), db).algorithm == "es256"
    for name, chain, match in (
        ("other.pem", (lone_content_signer("O", other.public_key(), DAY)[0], root), "is not of its key"),
        ("lone.pem", (own,), "lead to no issuer"),
        ("added.pem", (own, stranger), "lead to no issuer"),
        ("longer.pem", (own, root, stranger), "lead to no issuer"),
        ("old.pem", (old, its), "ran out on"),
    ):
        with pytest.raises(ConfigError, match=match) as raised:
            opened(brought(tmp_path / name, key, *chain), db)
        assert name in str(raised.value) and "\n" not in str(raised.value)
    (tmp_path / "junk.pem").write_bytes(b"nothing")
    (tmp_path / "junk.pem").chmod(0o600)
    with pytest.raises(ConfigError, match="holds no key with its certificates"):
        opened(tmp_path / "junk.pem", db)


@pytest.mark.parametrize("algorithm", ["es384", "ed25519", "rsa"])
def test_a_key_of_another_kind_can_be_brought(tmp_path: Path, db: Database, algorithm: str) -> None:
    key = {
        "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
    }[algorithm]()
    own, root = lone_content_signer("Office", key.public_key(), DAY)
    path = tmp_path / "c2pa.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + (pem(own) + pem(root)).encode())
    path.chmod(0o600)
    if algorithm == "rsa":
        with pytest.raises(ConfigError, match="P-256, P-384, P-521 or Ed25519"):
            opened(path, db)
    else:
        assert opened(path, db).algorithm == algorithm


@pytest.mark.parametrize(("mine", "let_in"), [("client", True), ("content", False)])
def test_it_opens_no_door_at_a_broker(tmp_path: Path, mine: str, let_in: bool) -> None:
    """The same authority signs both: a server that asks for client certificates takes the box's and not this one."""
    authority, key = Authority.create(tmp_path / "ca"), ec.generate_private_key(ec.SECP256R1())
    server = authority.server(["localhost"], key.public_key(), DAY)
    own = (
        authority.client("edge-01", key.public_key(), DAY)
        if mine == "client"
        else authority.content_signer("Office", key.public_key(), DAY)
    )
    assert own.signature_hash_algorithm is not None and own.signature_hash_algorithm.name == hashes.SHA256().name
    for name, one in (("server", server), ("own", own)):
        brought(tmp_path / f"{name}.pem", key, one)
    asks = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca" / "ca.pem"))
    asks.load_cert_chain(tmp_path / "server.pem")
    asks.verify_mode = ssl.CERT_REQUIRED
    comes = ssl.create_default_context(cafile=str(tmp_path / "ca" / "ca.pem"))
    comes.load_cert_chain(tmp_path / "own.pem")
    ours, theirs = socket.socketpair()
    refused: list[str] = []

    def serve() -> None:
        try:
            with asks.wrap_socket(theirs, server_side=True) as talk:
                talk.sendall(b"in")
        except ssl.SSLError as error:
            refused.append(str(error))
            theirs.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with comes.wrap_socket(ours, server_hostname="localhost") as talk:
            got = talk.recv(2)
    except (ssl.SSLError, OSError):
        got = b""
    thread.join(10)
    assert (got == b"in") is let_in
    assert bool(refused) is not let_in and all("certificate" in one for one in refused)
