"""The archive of an export: put together from what the database and the media store hold, the same bytes every time."""

import hashlib
import json
import os
import re
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import update

from central.db.database import Database
from central.db.exports import Export
from central.export.errors import ExportGone
from central.export.fieldmap import MANIFEST
from central.media.store import MediaStore
from contract import bundle_archive
from contract.errors import InputError, RunError

#: An archive that nobody has written to for so long (s) was left by a process that was killed: whoever fetches one has
#: it open by then, and an open file outlives its name.
LEFT_S: Final = 900.0
_OURS = re.compile(r"X\d{8}-\d{2,}-[a-z0-9_]{8}\.zip")


def build(db: Database, store: MediaStore, export: Export, folder: Path) -> Path:
    """The archive as a new file in `folder`, which whoever asked removes: nothing of it outlives its stills here.

    Raises ExportGone once its stills were deleted after their time, RunError when it would not be the same as before,
    or does not hold what its manifest says.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f"{export.number}-", suffix=".zip", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _write(file, store, export)
        _same(db, export, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def clear(folder: Path, older_s: float = LEFT_S) -> int:
    """Remove what a process that was killed has left in `folder`; how many files."""
    gone = 0
    for path in sorted(folder.glob("X*.zip")):
        try:
            if _OURS.fullmatch(path.name) and path.stat().st_mtime < time.time() - older_s:
                path.unlink()
                gone += 1
        except FileNotFoundError:
            # Another process was first.
            continue
    return gone


def _write(file: Any, store: MediaStore, export: Export) -> None:
    try:
        bundle_archive.write(file, list(_files(store, export)))
    except InputError as error:
        raise RunError(f"export {export.number}: cannot be put together ({error})") from error


def _same(db: Database, export: Export, path: Path) -> None:
    """It is the archive of before; the first one ever built holds what the manifest says, and says which that is."""
    with path.open("rb") as file:
        digest, size = hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    if digest == export.sha256:
        return
    wrong = next(_unlike(export, path), None)
    if export.sha256 is not None:
        raise RunError(
            f"export {export.number}: would not be the one of before ({wrong or 'the manifest was changed'}) - "
            "run `sightline evidence audit`: table, manifest or a still was changed"
        )
    if wrong is not None:
        raise RunError(f"export {export.number}: {wrong} - run `sightline evidence audit` and restore it from a backup")
    with db.write() as session:
        first = update(Export).where(Export.id == export.id, Export.sha256.is_(None))
        session.execute(first.values(sha256=digest, size=size))
    export.sha256, export.size = digest, size


def _unlike(export: Export, path: Path) -> Iterator[str]:
    """What in the archive is not what the manifest says of it, a part of a sentence each."""
    said = json.loads(export.manifest)
    with zipfile.ZipFile(path) as held:
        if _digest(held, export.table_name) != said["table"]["sha256"]:
            yield f"{export.table_name} is not the table that the manifest names"
        for case in said["cases"]:
            for one in case["files"]:
                if _digest(held, one["name"]) != one["sha256"]:
                    yield (
                        f"{one['name']} of case {case['number']} is not the file that the manifest names: "
                        f"{one['sha256'][:12]} was changed in the store"
                    )


def _digest(held: zipfile.ZipFile, name: str) -> str:
    with held.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _files(store: MediaStore, export: Export) -> Iterator[tuple[str, Path | bytes]]:
    yield export.table_name, bytes(export.table)
    yield MANIFEST, bytes(export.manifest)
    for case in json.loads(export.manifest)["cases"]:
        for one in case["files"]:
            try:
                yield one["name"], store.path(one["sha256"])
            except FileNotFoundError as error:
                raise ExportGone(
                    f"export {export.number} cannot be put together again: stills or clips of case {case['number']} "
                    "are no longer kept",
                    "export.gone", number=export.number, case=case["number"],
                ) from error  # fmt: skip


__all__ = ["LEFT_S", "build", "clear"]
