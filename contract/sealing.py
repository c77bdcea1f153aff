"""Seals: a detached JWS over the raw bytes of an event, and the chain that links a box's events.

The signature is EdDSA (Ed25519), detached (RFC 7515 appendix F) with an unencoded payload (RFC 7797, `b64: false`),
so that nothing hangs on how a number is printed: what was received is what is checked. It travels in the MQTT 5
user property `jws`. `kid` is the RFC 7638 thumbprint of the public key.
"""

import hashlib
import warnings
from dataclasses import dataclass

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from contract.errors import SealError

JWS_PROPERTY = "jws"
#: The contract signs with the name EdDSA (RFC 8037), which every verifier in the field knows; Ed25519 (RFC 9864),
#: the newer name of the very same signature, is read as well. joserfc warns about the older name at each use.
_ALGORITHMS = ["EdDSA", "Ed25519"]
warnings.filterwarnings("ignore", message="EdDSA is deprecated via RFC 9864")
#: The library reads 128,000 bytes at most unless told otherwise; a block of a bad minute, and the index of a long
#: recording, have more. What reads from strangers has limits of its own.
_REGISTRY = jws.JWSRegistry(algorithms=_ALGORITHMS)
_REGISTRY.max_payload_length = 1 << 26
#: `prev` of the first event of a chain.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class ChainLink:
    """Where an event stands in its box's chain: `prev` is the SHA-256 (hex) of the bytes of the event before."""

    id: str
    seq: int
    prev: str


def new_key() -> OKPKey:
    """A fresh Ed25519 key. Made on the box, never leaves it."""
    return OKPKey.generate_key("Ed25519")


def thumbprint(key: OKPKey) -> str:
    """RFC 7638 SHA-256 thumbprint, base64url: the key's name in a signature."""
    return key.thumbprint()


def public_jwk(key: OKPKey) -> dict[str, str]:
    """The public half as a JWK, which is what central stores."""
    return {str(k): str(v) for k, v in key.as_dict(private=False).items() if isinstance(v, str)}


def import_public(jwk: dict[str, str]) -> OKPKey:
    """A key from a public JWK. Raises SealError when it is not an Ed25519 public key."""
    try:
        key = OKPKey.import_key(dict(jwk))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SealError("the public key is not an Ed25519 JWK") from error
    if key.as_dict(private=False).get("crv") != "Ed25519" or key.is_private:
        raise SealError("the public key is not an Ed25519 public JWK")
    return key


def sha256_hex(raw: bytes) -> str:
    """Hex SHA-256, as `chain.prev` and media names carry it."""
    return hashlib.sha256(raw).hexdigest()


def sign_detached(raw: bytes, key: OKPKey) -> str:
    """The detached compact JWS (`header..signature`) over the raw bytes of an event, which are UTF-8."""
    header = {"alg": "EdDSA", "kid": thumbprint(key), "b64": False, "crit": ["b64"]}
    token = jws.serialize_compact(header, raw, key, algorithms=_ALGORITHMS)
    head, _, tail = token.partition(".")
    return f"{head}..{tail.rpartition('.')[2]}"


def verify_detached(raw: bytes, signature: str, key: OKPKey) -> None:
    """Check a detached JWS over `raw`.

    Raises SealError with what does not hold: shape, algorithm, encoding, or the signature itself.
    """
    head, dots, tail = signature.partition("..")
    if not dots or "." in tail or len(signature) > 4096:
        raise SealError("the signature is not a detached JWS")
    try:
        seen = jws.deserialize_compact(f"{head}..{tail}", key, registry=_REGISTRY, payload=raw)
    except (JoseError, ValueError, TypeError) as error:
        raise SealError(f"the signature does not hold: {error}") from error
    if seen.headers().get("b64") is not False:
        raise SealError("the signature is not over the raw bytes (b64 must be false)")
