"""RFC 3161 timestamps over a head of the ledger: an authority outside of the office vouches for its time.

Made with and checked by `rfc3161-client`; the certificates of the authority come from whoever checks, or travel with
the evidence, and then only say which authority it was.
"""

from datetime import datetime

import rfc3161_client as tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contract.errors import ConfigError, SealError


def request(message: bytes) -> tsp.TimeStampRequest:
    """A request for a stamp over SHA-256 of `message`, with a nonce and for the authority's certificate."""
    return tsp.TimestampRequestBuilder().data(message).hash_algorithm(tsp.HashAlgorithm.SHA256).nonce().build()


def checked(
    response: bytes, message: bytes, roots: list[x509.Certificate], asked: tsp.TimeStampRequest | None = None
) -> datetime:
    """The time that the authority gave `message`. Raises SealError when the stamp is not over it or not theirs."""
    try:
        found = tsp.decode_timestamp_response(response)
        builder = tsp.VerifierBuilder.from_request(asked) if asked else tsp.VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        builder.build().verify_message(found, message)
        moment = found.tst_info.gen_time
    except (ValueError, TypeError, tsp.VerificationError) as error:
        said = (str(error).splitlines() or ["?"])[0][:120]
        raise SealError(f"the timestamp does not hold ({said})") from error
    return moment


def certificates(pem: bytes, where: str) -> list[x509.Certificate]:
    """The certificates in a PEM file. Raises ConfigError naming `where`."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigError(f"{where}: holds no certificate in PEM - give the root of the timestamp authority") from error


def as_pem(roots: list[x509.Certificate]) -> bytes:
    """The same certificates as PEM."""
    return b"".join(root.public_bytes(Encoding.PEM) for root in roots)


__all__ = ["as_pem", "certificates", "checked", "request"]
