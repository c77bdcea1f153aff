"""The box's client certificate: its key is made here and never leaves; central's authority signs the request for it.

<data_dir>/keys/client.pem          key and certificate in one file, mode 0600: both change in one rename
<data_dir>/keys/ca.pem              the authority, by which the broker is known too
<data_dir>/keys/client-pending.key  a key whose request has not been answered yet
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contract.errors import CentralError, ConfigError
from contract.settings import Broker
from edge.config import EdgeConfig
from edge.deliver.durable import folder_durable, write_durable
from edge.deliver.keys import read_private


@dataclass(frozen=True, slots=True)
class Held:
    """The certificate in force: from when until when, and its serial number (hexadecimal)."""

    begin: datetime
    end: datetime
    serial: str


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The certificate of the box, in `folder` (`<data_dir>/keys`). Every method raises ConfigError or OSError."""

    folder: Path

    @property
    def path(self) -> Path:
        """Key and certificate."""
        return self.folder / "client.pem"

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.pem"

    def held(self) -> Held | None:
        """What the certificate in force says; None when the box has none."""
        if not self.path.exists():
            return None
        try:
            read = x509.load_pem_x509_certificate(read_private(self.path))
        except ValueError as error:
            raise ConfigError(f"{self.path}: holds no certificate - enrol the box again") from error
        return Held(read.not_valid_before_utc, read.not_valid_after_utc, f"{read.serial_number:x}")

    def request(self, edge_id: str, fresh: bool) -> str:
        """A request (PKCS #10, PEM) in the name of the box, with a new key if `fresh`, else with the pending one."""
        if fresh:
            self.discard()
        key = self._pending()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, edge_id)])
        made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def accept(self, edge_id: str, certificate: str, ca: str, fingerprint: str | None = None) -> None:
        """Put what central answered in force.

        `fingerprint` (SHA-256 of the authority, hex) is what the QR code said. Raises CentralError when the answer is
        not a certificate for this box and its key by that authority.
        """
        key = self._pending()
        given, authority = _read(certificate), _read(ca)
        if fingerprint is not None and authority.fingerprint(hashes.SHA256()).hex() != fingerprint:
            raise CentralError("central showed another authority than the QR code names - somebody stands between")
        try:
            given.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise CentralError("central's certificate is not signed by the authority it names") from error
        names = [one.value for one in given.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if names != [edge_id] or given.public_key() != key.public_key():
            raise CentralError("central's certificate is for another box or key")
        write_durable(self.ca, authority.public_bytes(serialization.Encoding.PEM), 0o600)
        both = _key_pem(key) + given.public_bytes(serialization.Encoding.PEM)
        write_durable(self.path, both, 0o600)
        self.discard()

    def same_authority(self, ca: str) -> bool:
        """Whether that is the authority which the box trusts since it was enrolled."""
        return _read(ca) == _read(self.ca.read_text(encoding="ascii"))

    def forget(self) -> None:
        """The box has no certificate any longer: it was enrolled anew where none are given."""
        for path in (self.path, self.ca):
            path.unlink(missing_ok=True)
        self.discard()

    def discard(self) -> None:
        """Forget the pending key: central does not take it."""
        (self.folder / "client-pending.key").unlink(missing_ok=True)

    def _pending(self) -> ec.EllipticCurvePrivateKey:
        path = self.folder / "client-pending.key"
        if path.exists():
            try:
                key = serialization.load_pem_private_key(read_private(path), None)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                key = None
            if isinstance(key, ec.EllipticCurvePrivateKey):
                return key
        made = ec.generate_private_key(ec.SECP256R1())
        folder_durable(self.folder, 0o700)
        write_durable(path, _key_pem(made), 0o600)
        return made


def broker_of(config: EdgeConfig) -> Broker:
    """How the box meets the broker: with its own certificate, where the settings name neither user nor certificates."""
    own = ClientCertificate(config.data_dir / "keys")
    named = config.broker.username is not None or config.broker.tls_ca is not None
    if named or own.held() is None:
        return config.broker
    return config.broker.model_copy(update={"tls_ca": own.ca, "tls_cert": own.path, "tls_key": own.path})


def _read(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode("ascii"))
    except ValueError as error:
        raise CentralError("central answered with something that is no certificate") from error


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


__all__ = ["ClientCertificate", "Held", "broker_of"]
