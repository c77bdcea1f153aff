"""Passwords of cameras: encrypted on the box (AES-256-GCM, NIST SP 800-38D), named in site files, shown nowhere.

    <data_dir>/secrets.json       name -> nonce and ciphertext; bound to the name, so that none can be swapped
    <data_dir>/keys/secrets.key   mode 0600; `secrets.key_file` puts it elsewhere, for example where a TPM unseals it

What is copied without the key - a backup, a disk image without `keys` - tells nobody a password.
"""

import fcntl
import json
import os
import re
import secrets
import stat
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.errors import ConfigError
from contract.secretref import NAME
from edge.config import EdgeConfig
from edge.deliver.durable import folder_durable, write_durable

MOST_CHARACTERS = 512
_NONCE = 12
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class SecretStore:
    """The secrets of one box. Every method raises ConfigError, in one line, when the files cannot be used."""

    path: Path
    key_file: Path

    def names(self) -> list[str]:
        """What can be referred to."""
        return sorted(self._read())

    def get(self, name: str) -> str:
        """A secret. Raises KeyError when there is none of that name."""
        sealed = self._read()[name]
        try:
            raw = b64decode(sealed, validate=True)
            return AESGCM(self._key()).decrypt(raw[:_NONCE], raw[_NONCE:], _bound(name)).decode()
        except (InvalidTag, ValueError) as error:
            raise ConfigError(
                f"{self.path}: secret {name!r} does not open with {self.key_file} - restore the key, or set it anew"
            ) from error

    def set(self, name: str, value: str) -> None:
        """Keep `value` under `name`, in place of what was there. Raises ValueError for a name or value of no use."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name[:64]!r} is no name - letters, digits, '.', '_' and '-', at most 64")
        if not _PRINTABLE.fullmatch(value) or len(value) > MOST_CHARACTERS:
            raise ValueError(f"a secret is one line of 1 to {MOST_CHARACTERS} characters")
        with self._locked():
            known = self._read()
            nonce = secrets.token_bytes(_NONCE)
            sealed = AESGCM(self._key(make=not known)).encrypt(nonce, value.encode(), _bound(name))
            self._write(known | {name: b64encode(nonce + sealed).decode()})

    def remove(self, name: str) -> None:
        """Forget a secret. Raises KeyError when there is none of that name."""
        with self._locked():
            known = self._read()
            del known[name]
            self._write(known)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, str]:
        try:
            read = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be read ({error.strerror}) - mend its owner and mode") from error
        except ValueError as error:
            raise ConfigError(f"{self.path}: is not a file of secrets - restore it, or begin anew") from error
        if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
            raise ConfigError(f"{self.path}: is not a file of secrets - restore it, or begin anew")
        return read

    def _write(self, known: dict[str, str]) -> None:
        try:
            write_durable(self.path, json.dumps(known, indent=1, sort_keys=True).encode(), 0o600)
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written ({error.strerror}) - mend the disk") from error

    def _key(self, make: bool = False) -> bytes:
        """The key; with `make` (there is nothing yet that another has closed) it may be made."""
        try:
            handle = os.open(self.key_file, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError as error:
            if make:
                return self._new_key()
            raise ConfigError(
                f"{self.key_file}: the key of the secrets is gone - restore it, or remove {self.path} and set all anew"
            ) from error
        except OSError as error:
            raise ConfigError(f"{self.key_file}: cannot be read ({error.strerror}) - mend its rights") from error
        with os.fdopen(handle, "rb") as file:
            if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
                raise ConfigError(f"{self.key_file}: others can read the key of the secrets - `chmod 600` it")
            raw = file.read(1024)
        try:
            key = b64decode(raw.strip(), validate=True)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise ConfigError(f"{self.key_file}: is not a key of secrets (32 bytes, base64) - restore it")
        return key

    def _new_key(self) -> bytes:
        key = secrets.token_bytes(32)
        try:
            folder_durable(self.key_file.parent, 0o700)
            write_durable(self.key_file, b64encode(key), 0o600)
        except OSError as error:
            raise ConfigError(f"{self.key_file}: cannot be written ({error.strerror}) - mend the place") from error
        return key

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time; the lock goes with the process."""
        try:
            folder_durable(self.path.parent)
            handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise ConfigError(f"{self.path.parent}: cannot be used ({error.strerror}) - check data_dir") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def secrets_of(config: EdgeConfig) -> SecretStore:
    """The secrets of the box with these settings."""
    key_file = config.secrets.key_file or config.data_dir / "keys" / "secrets.key"
    return SecretStore(config.data_dir / "secrets.json", key_file)


def _bound(name: str) -> bytes:
    return b"sightline secret " + name.encode()


__all__ = ["SecretStore", "secrets_of"]
