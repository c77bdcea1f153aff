"""The archive of an export: put together from what the database and the media store hold, the same bytes every time."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import update

from central.db.database import Database
from central.db.exports import Export
from central.export.errors import ExportGone
from central.export.service import MANIFEST
from central.media.store import MediaStore
from contract import bundle_archive
from contract.errors import RunError


def fetch(db: Database, store: MediaStore, export: Export, folder: Path) -> Path:
    """The archive as a file of `folder`, made when it is not there (a crash, another replica's machine).

    Raises ExportGone once its stills were deleted after their time, RunError when it would not be the same as before.
    """
    path = folder / f"{export.number}.zip"
    if path.is_file() and export.sha256 is not None and _digest(path) == export.sha256:
        return path
    with _beside(path) as part:
        with part.open("wb") as file:
            bundle_archive.write(file, list(_files(store, export)))
            file.flush()
            os.fsync(file.fileno())
        digest, size = _digest(part), part.stat().st_size
        if export.sha256 not in {None, digest}:
            raise RunError(
                f"export {export.number}: would not be the one of before - run `sightline evidence audit`: "
                "table, manifest or a still was changed"
            )
        part.replace(path)
    if export.sha256 is None:
        with db.write() as session:
            session.execute(
                update(Export).where(Export.id == export.id, Export.sha256.is_(None)).values(sha256=digest, size=size)
            )
        export.sha256, export.size = digest, size
    return path


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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A file of its own beside `path`, for two who make the same archive at once; gone when it was not taken."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


__all__ = ["fetch"]
