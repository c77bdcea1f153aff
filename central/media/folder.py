"""A media store in a folder: `ab/abcdef...` for complete objects, `partial/<owner>/<name>` for uploads under way.

An object appears under its name only when its bytes are verified and on disk (fsync, then rename, then fsync of the
folder), so whatever is there is whole. `holds/<name>` is the mark of a legal hold.
"""

import errno
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from central.media.partial import Partials
from central.media.store import Held, Locked, Stored, checked_name, checked_prefix, is_name


class FolderStore:
    """A `MediaStore` in `folder`, for objects of at most `max_bytes`. Several processes may share the folder."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._partials = Partials(folder / "partial", max_bytes)

    def held(self, name: str, owner: str) -> Held | None:
        """See MediaStore."""
        whole = self.size(name)
        if whole is not None:
            return Held(whole, True)
        part = self._partials.size(name, owner)
        return None if part is None else Held(part, False)

    def size(self, name: str) -> int | None:
        """See MediaStore."""
        try:
            return self._whole(name).stat().st_size
        except FileNotFoundError:
            return None

    def path(self, name: str) -> Path:
        """See MediaStore."""
        file = self._whole(name)
        if not file.is_file():
            raise _missing(name)
        return file

    async def receive(self, name: str, owner: str, offset: int, total: int, body: AsyncIterator[bytes]) -> Held:
        """See MediaStore."""
        self._partials.check_total(total)
        held = self.held(name, owner)
        if held and held.complete:
            return held
        await self._partials.receive(name, owner, offset, total, body, lambda file: self._settle(name, file))
        return Held(total, True)

    def sweep(self, older_than_s: float) -> int:
        """See MediaStore."""
        return self._partials.sweep(older_than_s)

    def objects(self, prefix: str) -> Iterator[Stored]:
        """See MediaStore."""
        try:
            entries = list(os.scandir(self._folder / checked_prefix(prefix)))
        except FileNotFoundError:
            return
        for entry in filter(lambda one: is_name(one.name), entries):
            try:
                found = entry.stat()
            except FileNotFoundError:
                continue
            yield Stored(entry.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def hold(self, name: str, on: bool) -> None:
        """See MediaStore."""
        mark = self._mark(name)
        if not on:
            mark.unlink(missing_ok=True)
            return
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
        _sync_folder(mark.parent)
        if self.size(name) is None:
            mark.unlink(missing_ok=True)
            raise _missing(name)

    def on_hold(self, name: str) -> bool:
        """See MediaStore."""
        return self._mark(name).exists()

    def remove(self, name: str) -> None:
        """See MediaStore."""
        whole = self._whole(name)
        if self.on_hold(name):
            raise Locked(f"object {name} is under legal hold - release the hold first")
        try:
            whole.unlink()
        except FileNotFoundError:
            return
        _sync_folder(whole.parent)

    def _settle(self, name: str, partial: Path) -> None:
        whole = self._whole(name)
        if not whole.parent.is_dir():
            whole.parent.mkdir(exist_ok=True)
            _sync_folder(self._folder)
        partial.rename(whole)
        _sync_folder(whole.parent)

    def _whole(self, name: str) -> Path:
        return self._folder / checked_name(name)[:2] / name

    def _mark(self, name: str) -> Path:
        return self._folder / "holds" / checked_name(name)


def _missing(name: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "no such object in the media store", name)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
