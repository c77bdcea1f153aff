"""The box's Ed25519 key: made here, never leaves, readable by its owner alone. There is no default key.

`<data_dir>/keys/edge.jwk` is the key that signs. `pending.jwk` is one whose enrolment has not been answered yet; the
key in force stays until central has said yes. Every try makes a new one: central takes a key once.
"""

import hmac
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from contract.errors import ConfigError
from contract.sealing import new_key, thumbprint
from edge.deliver.durable import folder_durable, sync_folder, write_durable


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one box, in `folder` (`<data_dir>/keys`, mode 0700)."""

    folder: Path

    @property
    def path(self) -> Path:
        """Where the signing key stands."""
        return self.folder / "edge.jwk"

    def load(self) -> OKPKey:
        """The signing key. Raises ConfigError when there is none, when others can read it, or when it is no key."""
        if not self.path.exists():
            raise ConfigError(f"{self.path}: this box has no key - run `sightline edge enrol CODE --config F`")
        return _read(self.path)

    def pending(self) -> OKPKey:
        """A fresh key to enrol with, on disk before anybody hears of it."""
        folder_durable(self.folder, 0o700)
        key = new_key()
        write_durable(self.folder / "pending.jwk", json.dumps(key.as_dict(private=True)).encode(), 0o600)
        return key

    def accept(self) -> OKPKey:
        """The pending key becomes the signing key, in one rename."""
        key = _read(self.folder / "pending.jwk")
        (self.folder / "pending.jwk").replace(self.path)
        sync_folder(self.folder)
        return key

    def mark_chain_begun(self, key: OKPKey) -> None:
        """Remember beside the key that a chain was begun with it: an empty outbox later means a lost disk."""
        write_durable(self.folder / "chain-begun", thumbprint(key).encode(), 0o600)

    def chain_was_begun(self, key: OKPKey) -> bool:
        """Whether a chain was ever begun with this key."""
        marker = self.folder / "chain-begun"
        return marker.is_file() and marker.read_text(encoding="ascii", errors="replace") == thumbprint(key)


def read_private(path: Path) -> bytes:
    """A key's bytes. Raises ConfigError when they cannot be read, or when others than the owner could."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise ConfigError(f"{path}: the key cannot be read ({error.strerror}) - mend its owner and mode") from error
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if stat.S_IMODE(facts.st_mode) & 0o077 or facts.st_uid != os.geteuid():
            raise ConfigError(f"{path}: others can read the key - `chmod 600` it, or enrol again if they may have")
        return file.read(65_536)


def connection_name(edge_id: str, key: OKPKey) -> str:
    """The box's client id at the broker: always the same, and nobody else can know it.

    A broker ends a connection when another client comes with its id; a neighbour that guessed it could keep a box out.
    """
    secret = str(key.as_dict(private=True)["d"]).encode()
    return f"edge-{edge_id}-{hmac.digest(secret, b'sightline mqtt client id', 'sha256').hex()[:16]}"


def _read(path: Path) -> OKPKey:
    raw = read_private(path)
    try:
        key = OKPKey.import_key(json.loads(raw))
    except (ValueError, TypeError, KeyError, JoseError) as error:
        raise ConfigError(f"{path}: is not an Ed25519 key - restore it or enrol again") from error
    if not key.is_private or key.as_dict(private=False).get("crv") != "Ed25519":
        raise ConfigError(f"{path}: is not a private Ed25519 key - restore it or enrol again")
    return key
