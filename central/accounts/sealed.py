"""Secrets of second factors, closed with a key of central's own (AES-256-GCM, NIST SP 800-38D).

The key is a file (0600) and never in the database: a copy of the database without it - a backup, a dump - tells nobody
a secret. It is made with the first second factor that is enrolled; replicas share it.
"""

import hashlib
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from central.ca.files import read_private, write_once
from contract.errors import ConfigError

_NONCE = 12
_BYTES = 32


@dataclass(frozen=True, slots=True)
class SecretKey:
    """The key; `id` tells it from another and nothing else of it."""

    id: str
    raw: bytes

    def __repr__(self) -> str:
        return f"SecretKey({self.id})"

    def close(self, user_id: int, secret: str) -> bytes:
        """`secret` of this person; it opens for no other."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.raw).encrypt(nonce, secret.encode(), _bound(user_id))

    def open(self, user_id: int, sealed: bytes) -> str:
        """The secret again. Raises ConfigError when it was not closed by this key for this person."""
        try:
            return AESGCM(self.raw).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(user_id)).decode()
        except (InvalidTag, ValueError) as error:
            raise ConfigError(
                f"the second factor of account {user_id} does not open with key {self.id} - restore accounts.key_file, "
                "or take it away with `sightline central user totp-reset`"
            ) from error


def key_of(path: Path, *, make: bool) -> SecretKey:
    """The key in `path`; `make`: nothing was ever closed, so it may be made. Raises ConfigError in one line."""
    if make and not path.exists():
        try:
            write_once(path, b64encode(secrets.token_bytes(_BYTES)), 0o600)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error.strerror}) - check accounts.key_file") from error
    try:
        raw = b64decode(read_private(path).strip(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != _BYTES:
        raise ConfigError(f"{path}: is not a key of second factors (32 bytes, base64) - restore it")
    return SecretKey(hashlib.sha256(raw).hexdigest()[:16], raw)


def _bound(user_id: int) -> bytes:
    return f"sightline second factor {user_id}".encode()


__all__ = ["SecretKey", "key_of"]
