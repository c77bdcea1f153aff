"""Opening a bundle: the frame of the archive, the office's key, the signed index, and the hash of every file."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from joserfc.jwk import OKPKey
from pydantic import BaseModel, ValidationError

from contract import bundle
from contract.bundle_archive import Archive
from contract.errors import InputError, SealError
from contract.sealing import import_public, thumbprint, verify_detached

#: The most that is read of a file that is parsed, in bytes.
MOST = 64 * 1024**2
_SMALL = 100_000
_Parsed = TypeVar("_Parsed", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle whose index is signed by `key` and whose files are those that the index names."""

    archive: Archive
    index: bundle.Index
    key: OKPKey

    def named(self, what: str) -> list[bundle.BundleFile]:
        """Its files of one kind, in their order."""
        return [file for file in self.index.files if file.what == what]

    def parsed(self, name: str, model: type[_Parsed]) -> _Parsed:
        """A JSON file of the bundle. Raises SealError."""
        return parsed(self.archive.read(name, MOST), name, model)


def open_bundle(path: Path) -> BinaryIO:
    """The file. Raises InputError when it cannot be read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}) - give a bundle (.zip)") from error


def opened(file: BinaryIO, trust: str | None) -> Opened:
    """Check frame, key, index and hashes. `trust` is the thumbprint that the office has published.

    Raises SealError with the first thing that does not hold.
    """
    archive = Archive(file)
    key = _office_key(archive)
    name = thumbprint(key)
    if trust is not None and trust != name:
        raise SealError(f"{bundle.OFFICE_KEY}: is the key {name}, not the office's {trust}: somebody else signed this")
    raw = archive.read(bundle.INDEX, MOST)
    _signed(raw, archive.read(bundle.SEAL, _SMALL), key)
    index = parsed(raw, bundle.INDEX, bundle.Index)
    if index.office != name:
        raise SealError(f"{bundle.INDEX}: names the office {index.office}, and is signed by {name}")
    _complete(archive, index)
    return Opened(archive, index, key)


def parsed(raw: bytes, name: str, model: type[_Parsed]) -> _Parsed:
    """`raw` as a model. Raises SealError naming the file and the place in it."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise SealError(f"{name}: is not of the form of a bundle (at {where or 'its beginning'})") from error


def _office_key(archive: Archive) -> OKPKey:
    raw = archive.read(bundle.OFFICE_KEY, _SMALL)
    try:
        return import_public(json.loads(raw))
    except (SealError, ValueError, TypeError, RecursionError) as error:
        raise SealError(f"{bundle.OFFICE_KEY}: is no Ed25519 public key") from error


def _signed(raw: bytes, seal: bytes, key: OKPKey) -> None:
    try:
        verify_detached(raw, seal.decode("ascii", "replace"), key)
    except SealError as error:
        raise SealError(f"{bundle.INDEX}: is not what the office signed ({bundle.SEAL}): it was changed") from error


def _complete(archive: Archive, index: bundle.Index) -> None:
    """The archive holds the files of the index, byte for byte, and no other."""
    named = {file.name: file for file in index.files}
    if len(named) != len(index.files):
        raise SealError(f"{bundle.INDEX}: names a file twice")
    for name in archive.entries:
        if name not in named and name not in {bundle.INDEX, bundle.SEAL}:
            raise SealError(f"{name}: is in the bundle and not in its signed index: it was added")
    for name, file in named.items():
        if name not in archive.entries:
            raise SealError(f"{name}: the signed index names it and the bundle lacks it: it was removed")
        digest = hashlib.sha256()
        for chunk in archive.chunks(name):
            digest.update(chunk)
        if digest.hexdigest() != file.sha256 or archive.entries[name].size != file.bytes:
            raise SealError(f"{name}: is not what the signed index names: its bytes were changed")


__all__ = ["MOST", "Opened", "open_bundle", "opened", "parsed"]
