"""Uploads under way, in a folder: `<owner>/<name>`, hashed as they come, resumed where they broke.

A partial upload belongs to one edge: nobody can spoil another's. It is handed on only when its bytes are what its name
says and are on disk. A process that is killed leaves what it had written; the next one goes on from there.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from central.media.store import Busy, StoreFull, TooLarge, WrongHash, WrongOffset, checked_name
from contract.topics import check_identifier

_CHUNK = 1024 * 1024


class Partials:
    """Partial uploads in `folder`, of at most `max_bytes` each. Several processes may share the folder."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        folder.mkdir(parents=True, exist_ok=True)

    def size(self, name: str, owner: str) -> int | None:
        """Bytes that are here of the upload of `owner`, None for none."""
        try:
            return self._file(name, owner).stat().st_size
        except FileNotFoundError:
            return None

    def check_total(self, total: int) -> None:
        """Raise TooLarge for an object of more than `max_bytes`."""
        if total > self._max_bytes:
            raise TooLarge(f"an object of {total} bytes is over the limit of {self._max_bytes} (media.max_bytes)")

    async def receive(
        self,
        name: str,
        owner: str,
        offset: int,
        total: int,
        body: AsyncIterator[bytes],
        settle: Callable[[Path], None],
    ) -> None:
        """Append `body` at `offset`; `settle` is given the verified file, in a thread, and must move or remove it.

        Raises UploadError, also what `settle` raises: then the whole upload is kept, and the next attempt settles it.
        """
        self.check_total(total)
        file = self._file(name, owner)
        if (self.size(name, owner) or 0) > total:
            # An earlier attempt announced another length: nothing of it can be of use.
            file.unlink(missing_ok=True)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with _alone(file) as opened:
                digest = await asyncio.to_thread(_resumed, opened, offset)
                await _append(opened, digest, offset, total, body)
                if digest.hexdigest() != name:
                    file.unlink()
                    raise WrongHash("the bytes are not what the name says - the upload was thrown away, send it anew")
                await asyncio.to_thread(settle, file)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreFull("the media store has no room - try again later") from error
            raise

    def sweep(self, older_than_s: float) -> int:
        """Throw away what nobody has touched for so long; returns how many."""
        swept = 0
        for file in self._folder.glob("*/*"):
            try:
                if time.time() - file.stat().st_mtime > older_than_s:
                    file.unlink()
                    swept += 1
            except FileNotFoundError:
                continue
        return swept

    def _file(self, name: str, owner: str) -> Path:
        return self._folder / check_identifier(owner, "edge id") / checked_name(name)


@contextmanager
def _alone(partial: Path) -> Iterator[BinaryIO]:
    """The partial file, opened for reading and appending, while no other upload has it."""
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy("another upload of the same object is running - try again later") from error
        if not _same(partial, file):
            raise Busy("another upload of the same object has just ended - ask again how much is here")
        yield file


def _same(partial: Path, file: BinaryIO) -> bool:
    """Whether the file is still under its name: who held the lock before us may have finished or thrown it away."""
    try:
        return partial.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _resumed(file: BinaryIO, offset: int) -> "hashlib._Hash":
    """The hash of what is there, which must be exactly `offset` bytes. Raises WrongOffset."""
    have = os.fstat(file.fileno()).st_size
    if have != offset:
        raise WrongOffset(have)
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest


async def _append(file: BinaryIO, digest: "hashlib._Hash", offset: int, total: int, body: AsyncIterator[bytes]) -> None:
    """Write what comes, hashing it on the way; durable at the end, and also when the sender goes away."""
    have = offset
    try:
        async for chunk in body:
            if have + len(chunk) > total:
                raise TooLarge(f"more than the {total} bytes of Upload-Length were sent")
            await asyncio.to_thread(_write, file, digest, chunk)
            have += len(chunk)
    finally:
        await asyncio.to_thread(os.fsync, file.fileno())
    if have != total:
        raise WrongOffset(have)


def _write(file: BinaryIO, digest: "hashlib._Hash", chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]
    digest.update(chunk)


__all__ = ["Partials"]
