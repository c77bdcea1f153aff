"""Writing so that a power cut leaves either the old file or the new one: fsync, rename, fsync of the folder."""

import os
import threading
from pathlib import Path


def beside(path: Path) -> Path:
    """A name in the folder of `path` for what shall become it: no other thread of any process has the same."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")


def sync_folder(folder: Path) -> None:
    """Make names created, renamed or removed in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, raw: bytes) -> None:
    """Replace `path` by `raw`, atomically for whoever reads it, with no word about a power cut. Raises OSError."""
    temporary = beside(path)
    try:
        temporary.write_bytes(raw)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_durable(path: Path, raw: bytes, mode: int = 0o644) -> None:
    """Replace `path` by `raw`, atomically and on disk when this returns. Raises OSError, and then nothing is left.

    Any number of threads may write one path: the last one wins.
    """
    temporary = beside(path)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def folder_durable(folder: Path, mode: int = 0o755) -> Path:
    """Make `folder` with its parents and have its name on disk."""
    if not folder.is_dir():
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        sync_folder(folder.parent)
    return folder
