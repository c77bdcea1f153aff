"""Checks an archive of an outbox, offline: every seal, every link, every file. It trusts nothing the archive says."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from contract.errors import InputError, SealError
from contract.events import MAX_EVENT_BYTES, Chain, CloudEvent, parse_event
from contract.sealing import import_public, sha256_hex, thumbprint, verify_detached
from edge.deliver.archive import FORMAT, INDEX, README

_MOST_INDEX_BYTES = 32 * 1024**2
#: What the entries may be unfolded beyond twice the archive's own size, in bytes.
_MOST_MORE_BYTES = 1024**3
_MOST_KEY_BYTES = 4096
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Checked:
    """What holds: `kids` are the keys that sealed, `holes` places of a chain whose neighbour is not in the archive.

    A hole is nothing bad: central has acknowledged that event. `absent` files are named and not in the archive.
    """

    edge_id: str
    events: int
    media: int
    unsealed: int
    kids: list[str]
    holes: int
    absent: int


def check(path: Path, more_keys: Iterable[Path] = ()) -> Checked:
    """Check all of it. `more_keys` are public JWK files, for events sealed before the box changed its key.

    Raises InputError for what is no archive of an outbox, SealError with the first thing that does not hold.
    """
    try:
        with ZipFile(path) as archive:
            _bounded(archive, path.stat().st_size)
            return _check(archive, more_keys)
    except (BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        if isinstance(error, InputError | SealError):
            raise
        raise InputError(
            f"{path}: cannot be read as an archive ({error}) - give what `edge outbox export` wrote"
        ) from error


def _bounded(archive: ZipFile, size: int) -> None:
    """Refuse what is made to fill memory or time; an entry is never read beyond the size that it declares."""
    if sum(info.file_size for info in archive.infolist()) > 2 * size + _MOST_MORE_BYTES:
        raise InputError(f"{archive.filename}: unfolds to far more than its {size} bytes - no outbox is like that")
    for info in archive.infolist():
        ways = {ZIP_STORED} if info.filename.startswith("media/") else {ZIP_STORED, ZIP_DEFLATED}
        if info.compress_type not in ways:
            raise InputError(f"{archive.filename}: {info.filename} is compressed as no `edge outbox export` does it")


def _check(archive: ZipFile, more_keys: Iterable[Path]) -> Checked:
    index = _index(archive)
    names = archive.namelist()
    if len(set(names)) != len(names):
        raise SealError("the archive holds a name twice")
    keys = _keys(archive, names, more_keys)
    expected = {INDEX, README} | {name for name in names if name.startswith("keys/")}
    sealed: dict[tuple[str, int], tuple[Chain, str]] = {}
    kids: dict[str, None] = {}
    for entry in index["events"]:
        file = str(entry["file"])
        kid = _event(archive, str(index["edge_id"]), entry, keys, sealed)
        kids[kid] = None
        expected |= {file, file.removesuffix(".json") + ".jws"}
    expected |= _unsealed(archive, index["unsealed"])
    expected |= _media(archive, index["media"])
    if foreign := sorted(set(names) - expected):
        raise SealError(f"{foreign[0]}: is in the archive and not in its index")
    return Checked(
        edge_id=str(index["edge_id"]),
        events=len(index["events"]),
        media=sum(1 for one in index["media"] if one["file"] is not None),
        unsealed=len(index["unsealed"]),
        kids=list(kids),
        holes=_holes(sealed),
        absent=sum(1 for one in index["media"] if one["file"] is None),
    )


def _index(archive: ZipFile) -> dict[str, Any]:
    try:
        index = json.loads(_read(archive, INDEX, _MOST_INDEX_BYTES))
        lists = [index[name] for name in ("events", "media", "unsealed")]
        fits = (
            index["format"] == FORMAT
            and isinstance(index["edge_id"], str)
            and all(isinstance(one, list) for one in lists)
        )
        fits = fits and all(isinstance(one, dict) and "file" in one for part in lists for one in part)
    except (ValueError, KeyError, TypeError, RecursionError):
        fits = False
    if not fits:
        raise InputError(f"{archive.filename}: its index.json is not that of an outbox ({FORMAT})")
    return dict(index)


def _read(archive: ZipFile, name: str, most: int) -> bytes:
    """The bytes of one name. Raises SealError when it is not there or too large."""
    try:
        with archive.open(name) as file:
            raw = file.read(most + 1)
    except KeyError:
        raise SealError(f"{name}: is not in the archive") from None
    if len(raw) > most:
        raise SealError(f"{name}: is over the limit of {most} bytes")
    return raw


def _keys(archive: ZipFile, names: list[str], more: Iterable[Path]) -> dict[str, OKPKey]:
    found = {}
    texts = [(name, _read(archive, name, _MOST_KEY_BYTES)) for name in names if name.startswith("keys/")]
    texts += [(str(path), path.read_bytes()[:_MOST_KEY_BYTES]) for path in more]
    for name, raw in texts:
        try:
            key = import_public({str(k): str(v) for k, v in json.loads(raw).items()})
        except (ValueError, AttributeError, SealError) as error:
            raise SealError(f"{name}: is not a public Ed25519 key (JWK)") from error
        found[thumbprint(key)] = key
    return found


def _event(
    archive: ZipFile,
    edge_id: str,
    entry: Mapping[str, Any],
    keys: Mapping[str, OKPKey],
    sealed: dict[tuple[str, int], tuple[Chain, str]],
) -> str:
    """Check one event and remember its place; the id of the key that sealed it."""
    file = str(entry["file"])
    raw = _read(archive, file, MAX_EVENT_BYTES)
    jws = _read(archive, file.removesuffix(".json") + ".jws", 4096).decode("utf-8", "replace")
    kid = _kid(jws)
    if kid not in keys:
        raise SealError(f"{file}: was sealed by key {kid!r}, which is not in the archive - give it with --key FILE")
    try:
        verify_detached(raw, jws, keys[kid])
    except SealError as error:
        raise SealError(f"{file}: {error}") from error
    event, link = _parsed(file, raw)
    if event.id != entry.get("id") or event.source.split("/")[2] != edge_id:
        raise SealError(f"{file}: is event {event.id} of {event.source}, the index says otherwise")
    if file != f"events/{link.id}/{link.seq:012d}.json":
        raise SealError(f"{file}: its own link says place {link.seq} of chain {link.id}")
    before = sealed.get((link.id, link.seq - 1))
    if before is not None and before[1] != link.prev:
        raise SealError(f"{file}: does not follow the event before it, whose bytes have another SHA-256")
    behind = sealed.get((link.id, link.seq + 1))
    if behind is not None and behind[0].prev != sha256_hex(raw):
        raise SealError(f"{file}: the event behind it follows other bytes than these")
    sealed[link.id, link.seq] = link, sha256_hex(raw)
    return kid


def _parsed(file: str, raw: bytes) -> tuple[CloudEvent, Chain]:
    try:
        event = parse_event(raw)
        return event, Chain.model_validate(event.data.get("chain"))
    except (ValidationError, ValueError, RecursionError) as error:
        raise SealError(f"{file}: is not an event with its link of the chain") from error


def _kid(jws: str) -> str:
    """The key id in the header of a JWS; empty when there is none."""
    head = jws.partition(".")[0]
    try:
        kid = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))).get("kid")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return kid if isinstance(kid, str) else ""


def _holes(sealed: Mapping[tuple[str, int], object]) -> int:
    """How many places between the first and the last of each chain are not there."""
    places: dict[str, list[int]] = {}
    for chain, seq in sealed:
        places.setdefault(chain, []).append(seq)
    return sum(max(seqs) - min(seqs) + 1 - len(seqs) for seqs in places.values())


def _unsealed(archive: ZipFile, entries: list[dict[str, Any]]) -> set[str]:
    for entry in entries:
        if _digest(archive, str(entry["file"])) != entry.get("sha256"):
            raise SealError(f"{entry['file']}: is not what the index says it is")
    return {str(entry["file"]) for entry in entries}


def _media(archive: ZipFile, entries: list[dict[str, Any]]) -> set[str]:
    present = [entry for entry in entries if entry["file"] is not None]
    for entry in present:
        file, name = str(entry["file"]), str(entry.get("sha256"))
        if file != f"media/{name}" or _digest(archive, file) != name:
            why = entry.get("why")
            raise SealError(f"{file}: its SHA-256 is not its name" + (f" - {why}" if why else ""))
    return {str(entry["file"]) for entry in present}


def _digest(archive: ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with archive.open(name) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except KeyError:
        raise SealError(f"{name}: is not in the archive") from None
    return digest.hexdigest()


__all__ = ["Checked", "check"]
