"""The office's Ed25519 key, which signs heads and bundles: a file of its own (0600), never in the database.

Whoever checks evidence compares its thumbprint with the one that the office has published. It is made once, when the
ledger has no head yet; a second one would look like a forger's, so a lost key is restored from its backup.
"""

import json
import os
import stat
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy.orm import Session

from central.ca.files import write_once
from central.ledger import heads
from contract.errors import ConfigError, RunError
from contract.sealing import new_key, thumbprint


def office_key(session: Session, path: Path) -> OKPKey:
    """The key in `path`, made when there never was one. Raises ConfigError or RunError in one line."""
    signed = heads.last_kid(session)
    if not path.exists() and signed is None:
        write_once(path, json.dumps(new_key().as_dict(private=True)).encode(), 0o600)
    key = _read(path)
    if signed is not None and signed != thumbprint(key):
        raise RunError(
            f"{path}: is not the key {signed} that signed the ledger's heads - restore that key from its backup"
        )
    return key


def _read(path: Path) -> OKPKey:
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            raw = file.read(65_536)
    except OSError as error:
        raise ConfigError(
            f"{path}: the office's key cannot be read ({error.strerror}) - restore it from its backup (ledger.key_file)"
        ) from error
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise ConfigError(f"{path}: others can read the office's key - `chmod 600` it")
    try:
        key = OKPKey.import_key(json.loads(raw))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{path}: holds no Ed25519 key - restore it from its backup") from error
    if not key.is_private:
        raise ConfigError(f"{path}: holds no private key - restore it from its backup")
    return key


__all__ = ["office_key"]
