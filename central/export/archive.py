"""The archive of an export: put together from what the database and the media store hold, the same bytes every time."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import update

from central.db.database import Database
from central.db.exports import Export
from central.export.errors import ExportGone
from central.export.service import MANIFEST
from central.media.store import MediaStore
from contract import bundle_archive
from contract.errors import RunError


def build(db: Database, store: MediaStore, export: Export, folder: Path) -> Path:
    """The archive as a new file in `folder`, which whoever asked removes: nothing of it outlives its stills here.

    Raises ExportGone once its stills were deleted after their time, RunError when it would not be the same as before.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f"{export.number}-", suffix=".zip", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            bundle_archive.write(file, list(_files(store, export)))
        _same(db, export, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _same(db: Database, export: Export, path: Path) -> None:
    """It is the archive of before; the first one ever built says which that is."""
    with path.open("rb") as file:
        digest, size = hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    if export.sha256 not in {None, digest}:
        raise RunError(
            f"export {export.number}: would not be the one of before - run `sightline evidence audit`: "
            "table, manifest or a still was changed"
        )
    if export.sha256 is None:
        with db.write() as session:
            first = update(Export).where(Export.id == export.id, Export.sha256.is_(None))
            session.execute(first.values(sha256=digest, size=size))
        export.sha256, export.size = digest, size


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
                    "are no longer kept"
                ) from error


__all__ = ["build"]
