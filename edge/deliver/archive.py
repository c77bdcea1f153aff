"""Everything that a box still holds for central, in one ZIP file that can be carried away and checked elsewhere.

    index.json                          what is in it, and what is not and why
    keys/<kid>.jwk                      the public half of the key that signs today
    events/<chain id>/<place>.json      the sealed bytes of an event, as they would be sent
    events/<chain id>/<place>.jws       the detached JWS over them
    media/<sha256>                      stills and clips that wait
    unsealed/<order>.json               handed over by a worker and not sealed yet (deliver does not run)

Nothing is taken out of the outbox: central may get all of it later, and knows what it has.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from contract.errors import InputError
from contract.events import now, rfc3339
from contract.sealing import public_jwk, sha256_hex, thumbprint
from edge.config import EdgeConfig
from edge.deliver.durable import beside, sync_folder
from edge.deliver.inventory import read
from edge.deliver.keys import KeyRing
from edge.deliver.media import CLIP
from edge.deliver.spool import SpoolItem

FORMAT = "sightline-outbox/1"
INDEX, README = "index.json", "README.txt"
_CHUNK = 1 << 20
_TEXT = """What a Sightline box still held for central when this file was made.

Check it on any machine:   sightline edge outbox verify THIS.zip
By hand: each events/<chain>/<place>.jws is a detached JWS (RFC 7515 appendix F, RFC 7797 b64=false, EdDSA) over the
bytes of the .json beside it; data.chain.prev is the SHA-256 of the event one place before; each file in media/ is
named by its SHA-256. Compare the key's name in keys/ with the one that central has for this box.
"""


@dataclass(slots=True)
class Index:
    """What stands in `index.json`."""

    edge_id: str
    kid: str
    at: str
    format: str = FORMAT
    events: list[dict[str, Any]] = field(default_factory=list)
    media: list[dict[str, Any]] = field(default_factory=list)
    unsealed: list[dict[str, Any]] = field(default_factory=list)

    def missing(self) -> list[dict[str, Any]]:
        """Files that are named and not in the archive."""
        return [one for one in self.media if one["file"] is None]


def export(config: EdgeConfig, path: Path) -> Index:
    """Write the archive, whole or not at all, while the box runs or stands.

    Raises InputError for a path that is taken or has no folder, RunError when there is no outbox, ConfigError when
    there is no key, OSError when the disk of `path` refuses.
    """
    if path.exists():
        raise InputError(f"{path}: is there already - choose another name, nothing is written over")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: is no folder - make it first")
    part = beside(path)
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w+b") as file:
            index = _write(config, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.absolute().parent)
    return index


def _write(config: EdgeConfig, file: Any) -> Index:
    key = KeyRing(config.data_dir / "keys").load()
    index = Index(config.edge_id, thumbprint(key), rfc3339(now()))
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr(README, _TEXT)
        archive.writestr(f"keys/{index.kid}.jwk", json.dumps(public_jwk(key)))
        # The spool before the database: what is admitted meanwhile is then in both, and never in neither.
        spooled = list(_spooled(config.data_dir / "spool" / "new"))
        with read(config.data_dir / "outbox") as db:
            db.execute("BEGIN")
            for row in _events(db):
                index.events.append(_event(archive, row))
            known = {str(one["id"]) for one in index.events}
            known |= {name for (name,) in db.execute("SELECT name FROM taken")}
            media = _media(db)
        for name, raw, item in spooled:
            if item is None or (item.event.id not in known and name not in known):
                archive.writestr(f"unsealed/{name}", raw)
                index.unsealed.append({"file": f"unsealed/{name}", "sha256": sha256_hex(raw)})
                for one in item.media if item else ():
                    media.setdefault(one.sha256, {"kind": "unsealed", "bytes": one.bytes, "state": "pending"})
        for sha256, facts in media.items():
            index.media.append({"sha256": sha256, **facts, **_file(archive, config.data_dir / "spool", sha256, facts)})
        archive.writestr(INDEX, json.dumps(vars_of(index), indent=1))
    return index


def vars_of(index: Index) -> dict[str, Any]:
    """Plain JSON of an index."""
    return {name: getattr(index, name) for name in index.__slots__}


def _events(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    yield from db.execute("SELECT id, chain_id, chain_seq, raw, jws, state, reason FROM event ORDER BY n")


def _event(archive: ZipFile, row: tuple[Any, ...]) -> dict[str, Any]:
    name, chain, seq, raw, jws, state, reason = row
    stem = f"events/{chain}/{seq:012d}"
    archive.writestr(f"{stem}.json", raw)
    archive.writestr(f"{stem}.jws", jws)
    return {"id": name, "file": f"{stem}.json", "sha256": sha256_hex(raw), "state": state, "reason": reason}


def _media(db: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Everything that waits or was given up, by its SHA-256."""
    rows = db.execute("SELECT sha256, size, event, rank, state, reason FROM media WHERE state != 'uploaded' ORDER BY n")
    return {
        sha256: {
            "kind": "clip" if rank == CLIP else "still",
            "bytes": size,
            "event": event,
            "state": state,
            "reason": reason,
        }
        for sha256, size, event, rank, state, reason in rows
    }


def _spooled(folder: Path) -> Iterator[tuple[str, bytes, SpoolItem | None]]:
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        try:
            raw = path.read_bytes()
        except FileNotFoundError:  # admitted in this moment
            continue
        try:
            yield path.name, raw, SpoolItem.model_validate_json(raw)
        except ValueError:
            yield path.name, raw, None


def _file(archive: ZipFile, spool: Path, sha256: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Put one file in, as it is, and say where it stands or why it is not there."""
    if facts["state"] != "pending":
        return {"file": None, "why": facts.get("reason") or facts["state"]}
    name, digest = f"media/{sha256}", hashlib.sha256()
    try:
        with (spool / "media" / sha256).open("rb") as source:
            info = ZipInfo(name)
            info.compress_type = ZIP_STORED
            with archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
    except FileNotFoundError:
        return {"file": None, "why": "it is no longer on this box: brought to central meanwhile, or lost"}
    if digest.hexdigest() != sha256:
        return {"file": name, "why": "altered on the box's disk: it is not what its name says"}
    return {"file": name}


__all__ = ["FORMAT", "INDEX", "README", "Index", "export", "vars_of"]
