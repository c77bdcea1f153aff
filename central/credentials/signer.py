"""Who signs C2PA manifests: a key of its own with its certificates, in one file (0600), made at the first export.

    -----BEGIN PRIVATE KEY-----     PKCS #8, not encrypted: the file's mode guards it
    -----BEGIN CERTIFICATE-----     of that key
    -----BEGIN CERTIFICATE-----     of who signed the one before, and so on

It is not the office's key (`central.ledger.key`), so that a certificate that the world knows can take its place: an
office that got one puts it, with its key and chain, into this file. Otherwise central's own authority signs it, or
where there is none a root that is made for it alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from central.ca.authority import key_pem, lone_content_signer, pem
from central.ca.certificates import Issuer
from central.ca.files import read_private, write_once
from central.db.database import Database
from contract.errors import ConfigError
from contract.events import now
from contract.provenance import leads

#: Without a timestamp a manifest holds as long as this certificate, so it is made to hold long.
LIFE = timedelta(days=3650)
#: Under what a certificate for manifests is noted among those that central gave out.
C2PA = "c2pa"
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, slots=True)
class ContentSigner:
    """A key that signs C2PA manifests: its certificate first, each followed by its issuer's; C2PA's algorithm name."""

    chain: tuple[x509.Certificate, ...]
    algorithm: str
    key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of its certificate's DER."""
        return self.chain[0].fingerprint(hashes.SHA256()).hex()

    @property
    def pem(self) -> bytes:
        """Its certificates."""
        return _pem(self.chain)

    @property
    def sent(self) -> bytes:
        """Those of its certificates that stand in a manifest: without the root, which a reader has or trusts not."""
        return _pem(one for one in self.chain if one.issuer != one.subject)

    @property
    def issuers(self) -> bytes:
        """The certificates behind its own."""
        return _pem(self.chain[1:])


def content_signer(path: Path, organisation: str, issuer: Issuer | None, db: Database) -> ContentSigner:
    """The signer in `path`, made in the name of `organisation` when there is none. Raises ConfigError in one line."""
    if not path.exists():
        _make(path, organisation, issuer, db)
    raw = read_private(path)
    try:
        key = serialization.load_pem_private_key(raw, None)
        chain = tuple(x509.load_pem_x509_certificates(raw))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path}: holds no key with its certificates in PEM - restore it from its backup") from error
    if chain[0].public_key() != key.public_key():
        raise ConfigError(f"{path}: its first certificate is not of its key - put the key's own certificate first")
    if not leads(chain):
        raise ConfigError(f"{path}: its certificates lead to no issuer - put each issuer's behind the one before")
    if (end := chain[0].not_valid_after_utc) <= now():
        raise ConfigError(f"{path}: its certificate ran out on {end:%Y-%m-%d} - move it away, and a new one is made")
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ContentSigner(chain, _algorithm(key, path), secret)


def _make(path: Path, organisation: str, issuer: Issuer | None, db: Database) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    if issuer is None:
        own, root = lone_content_signer(organisation, public, LIFE)
    else:
        own, root = issuer.authority.content_signer(organisation, public, LIFE), issuer.authority.certificate
    try:
        write_once(path, key_pem(key) + _pem((own, root)), 0o600)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}) - check c2pa.signer_file") from error
    if issuer is not None:
        with db.write() as session:
            issuer.record(session, C2PA, C2PA, own, public)


def _pem(chain: Iterable[x509.Certificate]) -> bytes:
    return "".join(pem(one) for one in chain).encode("ascii")


def _algorithm(key: object, path: Path) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    raise ConfigError(f"{path}: C2PA signs here with P-256, P-384, P-521 or Ed25519 - bring a key of one of these")


__all__ = ["C2PA", "LIFE", "ContentSigner", "content_signer"]
