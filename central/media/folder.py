"""A media store in a folder: `ab/abcdef...` for complete objects, `partial/<owner>/<name>` for uploads under way.

An object appears under its name only when its bytes are verified and on disk (fsync, then rename, then fsync of the
folder), so whatever is there is whole. Partial uploads belong to one edge: nobody can spoil another's.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from central.media.store import Busy, Held, StoreFull, TooLarge, WrongHash, WrongOffset, checked_name
from contract.topics import check_identifier

_CHUNK = 1024 * 1024


class FolderStore:
    """A `MediaStore` in `folder`, for objects of at most `max_bytes`. Several processes may share the folder."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        (folder / "partial").mkdir(parents=True, exist_ok=True)

    def held(self, name: str, owner: str) -> Held | None:
        """See MediaStore."""
        for file, complete in ((self._whole(name), True), (self._partial(name, owner), False)):
            try:
                return Held(file.stat().st_size, complete)
            except FileNotFoundError:
                continue
        return None

    def path(self, name: str) -> Path:
        """See MediaStore."""
        file = self._whole(name)
        if not file.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such object in the media store", name)
        return file

    async def receive(self, name: str, owner: str, offset: int, total: int, body: AsyncIterator[bytes]) -> Held:
        """See MediaStore."""
        if total > self._max_bytes:
            raise TooLarge(f"an object of {total} bytes is over the limit of {self._max_bytes} (media.max_bytes)")
        held = self.held(name, owner)
        if held and held.complete:
            return held
        partial = self._partial(name, owner)
        if held and held.size > total:
            # An earlier attempt announced another length: nothing of it can be of use.
            partial.unlink(missing_ok=True)
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            with _alone(partial) as file:
                digest = await asyncio.to_thread(_resumed, file, offset)
                await _append(file, digest, offset, total, body)
                await asyncio.to_thread(self._settle, name, partial, digest.hexdigest())
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreFull("the media store has no room - try again later") from error
            raise
        return Held(total, True)

    def sweep(self, older_than_s: float) -> int:
        """Throw away partial uploads that nobody has touched for so long; returns how many."""
        swept = 0
        for file in (self._folder / "partial").glob("*/*"):
            try:
                if time.time() - file.stat().st_mtime > older_than_s:
                    file.unlink()
                    swept += 1
            except FileNotFoundError:
                continue
        return swept

    def _settle(self, name: str, partial: Path, digest: str) -> None:
        if digest != name:
            partial.unlink()
            raise WrongHash("the bytes are not what the name says - the upload was thrown away, send it anew")
        whole = self._whole(name)
        if not whole.parent.is_dir():
            whole.parent.mkdir(exist_ok=True)
            _sync_folder(self._folder)
        partial.rename(whole)
        _sync_folder(whole.parent)

    def _whole(self, name: str) -> Path:
        return self._folder / checked_name(name)[:2] / name

    def _partial(self, name: str, owner: str) -> Path:
        return self._folder / "partial" / check_identifier(owner, "edge id") / checked_name(name)


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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
