"""What a box asks its certificate with: a PKCS #10 request (RFC 2986), of which only the key and the name are used."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contract.sealing import sha256_hex

#: A request of ours has some 500 bytes.
MAX_REQUEST = 4096


class RequestRefused(Exception):  # noqa: N818 - reads as a sentence
    """No certificate for this request. The message is told to who sent it; `status` is 400, 403 or 429."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def public_key_of(request: str, name: str) -> ec.EllipticCurvePublicKey:
    """The key of a request (PEM) that `name` made. Raises RequestRefused.

    The request is signed with that key, which shows that who asks has it. Whatever extensions it wishes for are not
    looked at.
    """
    try:
        read = x509.load_pem_x509_csr(request.encode("ascii"))
        signed, key = read.is_signature_valid, read.public_key()
        names = [str(one.value) for one in read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise RequestRefused("the certificate request cannot be read - it is PKCS #10, as PEM") from error
    if not signed:
        raise RequestRefused("the certificate request is not signed with its own key")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RequestRefused("the key of a certificate request must be of the curve P-256")
    if names != [name]:
        raise RequestRefused("the certificate request is in another name than the box's", 403)
    return key


def key_digest(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 (hex) of the key's point: names it, whatever it was wrapped in."""
    numbers = key.public_numbers()
    return sha256_hex(numbers.x.to_bytes(32) + numbers.y.to_bytes(32))


__all__ = ["MAX_REQUEST", "RequestRefused", "key_digest", "public_key_of"]
