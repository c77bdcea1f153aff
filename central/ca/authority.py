"""The authority: a P-256 key in a file of its own, and what is signed with it (X.509 v3, RFC 5280).

    ca/private/ca.key   mode 0600, never in the database
    ca/ca.pem           its certificate, for brokers and boxes
    ca/crl.pem          who was shut out; the broker reads it (`crlfile`)

The common name of a client's certificate is its user at the broker, on which the access list hangs.
"""

import ipaddress
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.ca.files import read_private, write_file
from contract.errors import ConfigError
from contract.events import now

AUTHORITY_LIFE = timedelta(days=20 * 365)
#: A box or broker whose clock is so far behind still takes a certificate that was made now.
_BACKDATED = timedelta(hours=1)
#: Who signs C2PA manifests. With blanks it is the name of no box and no program.
_EXPORT = "Sightline evidence export"


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority, opened. Safe to share between threads."""

    folder: Path
    certificate: x509.Certificate
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, folder: Path) -> Self:
        """A new authority in `folder`. Raises ConfigError when one is there or nothing can be written."""
        if (folder / "ca.pem").exists() or (folder / "private").exists():
            raise ConfigError(f"{folder}: an authority is there - a new one would shut out every box; move it away")
        key = ec.generate_private_key(ec.SECP256R1())
        made = cls(folder, _root(key), key)
        fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        try:
            (fresh / "private").mkdir(parents=True)
            (fresh / "private").chmod(0o700)
            write_file(fresh / "private" / "ca.key", key_pem(key), 0o600)
            write_file(fresh / "ca.pem", made.pem.encode())
            write_file(fresh / "crl.pem", made.revocations([]))
            fresh.replace(folder)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise ConfigError(f"{folder}: cannot be made ({error.strerror}) - check ca.folder") from error
        return made

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The authority in `folder`. Raises ConfigError when there is none, or its key is another or not private."""
        path = folder / "ca.pem"
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"{path}: there is no authority - run `sightline central ca init --config F`") from error
        except ValueError as error:
            raise ConfigError(f"{path}: is not a certificate - restore it from a copy") from error
        secret = folder / "private" / "ca.key"
        try:
            key = serialization.load_pem_private_key(read_private(secret), None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"{secret}: is not a key - restore it from a copy") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ConfigError(f"{secret}: is not the key of {path} - restore it from a copy")
        return cls(folder, certificate, key)

    @property
    def pem(self) -> str:
        """Its certificate."""
        return pem(self.certificate)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of its certificate's DER."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def client(self, name: str, public: ec.EllipticCurvePublicKey, life: timedelta) -> x509.Certificate:
        """A certificate that lets `name` in at the broker as the user of that name."""
        return self._signed(_called(name), public, life, ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def server(self, hosts: list[str], public: ec.EllipticCurvePublicKey, life: timedelta) -> x509.Certificate:
        """A certificate by which clients know the broker at `hosts` (names or addresses, at least one)."""
        places = [_place(host) for host in hosts]
        return self._signed(_called("broker"), public, life, ExtendedKeyUsageOID.SERVER_AUTH, places)

    def content_signer(self, organisation: str, public: ec.EllipticCurvePublicKey, life: timedelta) -> x509.Certificate:
        """A certificate for signing C2PA manifests in the name of `organisation`; it opens no door at the broker.

        C2PA asks for an extended key usage (specification 2.4, section 14.5). Of those that it lists the readers take
        e-mail protection with the settings they come with (c2pa-rs 0.91 takes document signing only when told to).
        """
        return self._signed(_called(_EXPORT, organisation), public, life, ExtendedKeyUsageOID.EMAIL_PROTECTION, [])

    def revocations(self, revoked: Iterable[tuple[int, datetime]]) -> bytes:
        """The list (PEM) of serial numbers and when they were revoked.

        It holds as long as the authority: a list that ran out would shut every box out (OpenSSL takes none for all).
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now())
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now().timestamp() * 1000)), critical=False)
        )
        for serial, at in revoked:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            builder = builder.add_revoked_certificate(one)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _signed(
        self,
        name: x509.Name,
        public: ec.EllipticCurvePublicKey,
        life: timedelta,
        usage: x509.ObjectIdentifier,
        places: list[x509.GeneralName],
    ) -> x509.Certificate:
        begin, end = now() - _BACKDATED, min(now() + life, self.certificate.not_valid_after_utc)
        builder = _builder(name, self.certificate.subject, public, begin, end).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if places:
            builder = builder.add_extension(x509.SubjectAlternativeName(places), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        for extension in (x509.BasicConstraints(ca=False, path_length=None), _usage(signs_others=False)):
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(self._key, hashes.SHA256())


def lone_content_signer(
    organisation: str, public: ec.EllipticCurvePublicKey, life: timedelta
) -> tuple[x509.Certificate, x509.Certificate]:
    """A certificate as `Authority.content_signer` gives, where central has no authority; and its root's.

    C2PA refuses a certificate that signs itself. The root's key is forgotten here: nobody can sign a second with it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    root = Authority(Path(), _root(key), key)
    return root.content_signer(organisation, public, life), root.certificate


def _called(name: str, organisation: str | None = None) -> x509.Name:
    whose = [] if organisation is None else [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    return x509.Name([*whose, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _root(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    subject = _called(f"Sightline CA {os.urandom(4).hex()}")
    begin = now()
    builder = _builder(subject, subject, key.public_key(), begin - _BACKDATED, begin + AUTHORITY_LIFE)
    for extension in (x509.BasicConstraints(ca=True, path_length=0), _usage(signs_others=True)):
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_others,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_others,
        crl_sign=signs_others,
        encipher_only=False,
        decipher_only=False,
    )


def _place(host: str) -> x509.GeneralName:
    """Raises ValueError for what is neither an address nor a name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def pem(certificate: x509.Certificate) -> str:
    """A certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as it stands in a file (PKCS #8, not encrypted: the file's mode guards it)."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


__all__ = ["Authority", "key_pem", "lone_content_signer", "pem"]
