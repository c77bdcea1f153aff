"""The spool: how camera workers hand events to deliver, so that neither needs the other to be alive.

    <folder>/new/<order>.json     one event and the names of its media, written whole or not at all
    <folder>/media/<sha256>       the media themselves, named by their content, there before the event that names them
    <folder>/bad/                 what deliver could not read, with the reason beside it; it never blocks the rest

Names rise, so that what one worker put first is taken first; a clock set back cannot turn that round.
"""

import errno
import hashlib
import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from contract.events import CloudEvent, Hex64, Model, parse_data
from edge.deliver.durable import beside, folder_durable, sync_folder, write_durable

_CHUNK = 1 << 20
_MAX_ITEM_BYTES = 4_000_000
#: What a disk says of a file that no patience will bring back.
_FOR_EVER = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE})


class SpooledMedia(Model):
    """One file that an event names: hex SHA-256 and size in bytes."""

    sha256: Hex64
    bytes: int


class SpoolItem(Model):
    """What stands in a spool file."""

    event: CloudEvent
    media: list[SpooledMedia] = Field(default=[])


@dataclass(frozen=True, slots=True)
class Taken:
    """One item read back: the name of its file and what is in it."""

    name: str
    item: SpoolItem


class MediaGone(ValueError):  # noqa: N818 - reads as a sentence
    """A file that an event names cannot be handed over, now or ever: `sha256` names it, the text says why."""

    def __init__(self, sha256: str, why: str) -> None:
        super().__init__(why)
        self.sha256 = sha256


class Spool:
    """A folder between workers (who `put`) and deliver (who takes). Any number of workers, one deliver."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder_durable(folder, 0o700)
        self.new = folder_durable(folder / "new", 0o700)
        self.media = folder_durable(folder / "media", 0o700)
        self.bad = folder_durable(folder / "bad", 0o700)
        self._last = max((_stamp(name) for name in self._names()), default=0)
        self._count = itertools.count()

    def put(self, event: CloudEvent, files: Mapping[str, Path]) -> None:
        """Hand over `event` with its `files` (hex SHA-256 -> path). On disk, whole, when this returns.

        The files are linked or copied and stay the caller's. Raises MediaGone when a file is not there any more or its
        content is not what its name says, OSError when the disk refuses; then deliver never sees the event.
        """
        media = [self._store(sha256, path) for sha256, path in files.items()]
        if media:
            sync_folder(self.media)
        self._last = max(self._last + 1, time.time_ns())
        name = f"{self._last:020d}-{os.getpid()}-{next(self._count)}.json"
        raw = SpoolItem(event=event, media=media).model_dump_json(by_alias=True).encode()
        write_durable(self.new / name, raw)

    def take(self, limit: int = 100, skip: frozenset[str] = frozenset()) -> Iterator[Taken]:
        """Up to `limit` items, oldest first. What cannot be read is moved to `bad/` and `refused` tells why."""
        names = itertools.islice((name for name in sorted(self._names()) if name not in skip), limit)
        for name in names:
            try:
                yield Taken(name, self._read(self.new / name))
            except FileNotFoundError:
                continue
            except ValueError as error:
                self.refuse(name, str(error))

    def refuse(self, name: str, reason: str) -> None:
        """Put an item aside, its bytes untouched, with the reason beside it."""
        source = self.new / name
        write_durable(self.bad / f"{name}.why", (" ".join(reason.split())[:500] + "\n").encode())
        source.replace(self.bad / name)
        sync_folder(self.bad)

    def done(self, names: list[str]) -> None:
        """Remove items that are committed elsewhere; they are gone from disk when this returns."""
        for name in names:
            (self.new / name).unlink(missing_ok=True)
        if names:
            sync_folder(self.new)

    def refused(self) -> list[str]:
        """Names of the items in `bad/`."""
        return sorted(path.name for path in self.bad.glob("*.json"))

    def sweep(self, named: frozenset[str], older_than_s: float = 3600.0) -> list[str]:
        """Remove media that no item and nothing in `named` names: a worker died between the two halves of `put`.

        Young files stay, because their event may be about to arrive. Returns what was removed.
        """
        waiting = {one.sha256 for taken in self.take(limit=1_000_000) for one in taken.item.media}
        horizon = time.time() - older_than_s
        gone = []
        for path in self.media.iterdir():
            if path.name not in named and path.name not in waiting and path.stat().st_mtime < horizon:
                path.unlink(missing_ok=True)
                gone.append(path.name)
        return gone

    def _names(self) -> list[str]:
        return [path.name for path in self.new.iterdir() if path.suffix == ".json" and not path.name.startswith(".")]

    def _read(self, path: Path) -> SpoolItem:
        raw = path.read_bytes()
        if len(raw) > _MAX_ITEM_BYTES:
            raise ValueError(f"a spool item of {len(raw)} bytes is over the limit of {_MAX_ITEM_BYTES}")
        try:
            item = SpoolItem.model_validate_json(raw)
            parse_data(item.event)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        return item

    def _store(self, sha256: str, source: Path) -> SpooledMedia:
        target = self.media / sha256
        try:
            seen, size = _digest(source)
        except OSError as error:
            if error.errno not in _FOR_EVER:
                raise
            if not target.is_file():  # it may have been brought by an earlier try
                raise MediaGone(sha256, f"{source}: cannot be read ({error.strerror})") from error
            seen, size = _digest(target)
        if seen != sha256:
            why = f"{source}: its SHA-256 is {seen}, not {sha256} - the file changed after it was named"
            raise MediaGone(sha256, why)
        if not (target.is_file() and target.stat().st_size == size):
            self._bring(source, target)
        # An older copy counts as fresh again: the sweep must not take it before its event arrives.
        os.utime(target)
        return SpooledMedia(sha256=sha256, bytes=size)

    def _bring(self, source: Path, target: Path) -> None:
        temporary = beside(target)
        temporary.unlink(missing_ok=True)
        try:
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
            temporary.unlink(missing_ok=True)  # a rename between two names of one file leaves both
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _stamp(name: str) -> int:
    head = name.partition("-")[0]
    return int(head) if head.isdigit() else 0
