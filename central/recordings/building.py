"""Puts an archive together in the folder that replicas share: one at a time, whole or not at all.

Who builds holds a lock on a file there, which ends with the process; what lies about half-written is nobody's then.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from joserfc.jwk import OKPKey

from central.recordings.rules import archive_of
from contract.recording_archive import Parts, write_archive

_LOCK: Final = "building.lock"
_PART: Final = ".part"
#: So much stays free on the disk beside an archive. Bytes.
ROOM: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Built:
    """The archive's SHA-256 and size in bytes."""

    sha256: str
    size: int


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else builds in `folder` meanwhile, on any replica. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / _LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def room(folder: Path, size: int) -> bool:
    """Whether an archive of `size` bytes of segments has its place."""
    return shutil.disk_usage(folder).free >= size + ROOM


def clear(folder: Path, kept: set[str]) -> int:
    """Remove what a process that was killed left, and archives of no request in `kept`; how many. Held: `alone`."""
    gone = 0
    for path in (*folder.glob(f"F*{_PART}"), *(one for one in folder.glob("F*.zip") if one.stem not in kept)):
        path.unlink(missing_ok=True)
        gone += 1
    return gone


def build(folder: Path, request: str, parts: Parts, key: OKPKey) -> Built:
    """Write it, on disk under its name when this returns. Raises InputError or OSError: then nothing of it is there."""
    target = archive_of(folder, request)
    part = target.with_suffix(_PART)
    try:
        with part.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            write_archive(file, parts, key)
            file.flush()
            os.fsync(file.fileno())
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = part.stat().st_size
        part.replace(target)
        _sync(folder)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Built(digest, size)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


__all__ = ["ROOM", "Built", "alone", "build", "clear", "room"]
