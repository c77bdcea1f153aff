"""A media store in a bucket of S3: `<prefix><sha256>`, with retention and legal hold where the bucket has Object Lock.

Uploads come in on this machine's disk first (`partial/`), because what Object Lock keeps nobody can take back: only
verified bytes go into the bucket. A replica without that disk begins an upload anew. Viewers are given a copy
(`cache/`) that was verified when it was fetched; where the newest version is hidden or altered, an older one that is
what its name says is given instead.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from central.media.bucket import Bucket
from central.media.cache import Cache
from central.media.partial import Partials
from central.media.store import Held, Stored, checked_name, checked_prefix, is_name


class S3Store:
    """A `MediaStore` in `bucket`, under `prefix`; `folder` is for uploads under way and copies (`cache_bytes`)."""

    def __init__(self, bucket: Bucket, prefix: str, folder: Path, max_bytes: int, cache_bytes: int) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._partials = Partials(folder / "partial", max_bytes)
        self._cache = Cache(folder / "cache", cache_bytes)

    def held(self, name: str, owner: str) -> Held | None:
        """See MediaStore."""
        whole = self.size(name)
        if whole is not None:
            return Held(whole, True)
        part = self._partials.size(name, owner)
        return None if part is None else Held(part, False)

    def size(self, name: str) -> int | None:
        """See MediaStore."""
        return self._bucket.size(self._key(name))

    async def receive(self, name: str, owner: str, offset: int, total: int, body: AsyncIterator[bytes]) -> Held:
        """See MediaStore. Where the bucket is away the verified upload waits here for the next attempt."""
        self._partials.check_total(total)
        held = await asyncio.to_thread(self.held, name, owner)
        if held and held.complete:
            return held
        await self._partials.receive(name, owner, offset, total, body, lambda file: self._settle(name, file))
        return Held(total, True)

    def path(self, name: str) -> Path:
        """See MediaStore."""
        key = self._key(name)
        copy = self._cache.path(name) or self._fetched(name, None)
        if copy is not None:
            return copy
        for version in self._bucket.versions(key):
            if not version.marker and (copy := self._fetched(name, version.id)) is not None:
                return copy
        raise _missing(name)

    def sweep(self, older_than_s: float) -> int:
        """See MediaStore."""
        return self._partials.sweep(older_than_s)

    def objects(self, prefix: str) -> Iterator[Stored]:
        """See MediaStore."""
        for one in self._bucket.objects(self._prefix + checked_prefix(prefix)):
            name = one.key.removeprefix(self._prefix)
            if is_name(name):
                yield Stored(name, one.size, one.at)

    def hold(self, name: str, on: bool) -> None:
        """See MediaStore. Without Object Lock the bucket is told nothing, and central's own hold stands alone."""
        versions = self._versions(name)
        if not versions:
            if on:
                raise _missing(name)
            return
        if self._bucket.locks:
            for version in versions:
                self._bucket.hold(self._key(name), version, on)

    def on_hold(self, name: str) -> bool:
        """See MediaStore."""
        if not self._bucket.locks:
            return False
        return any(self._bucket.on_hold(self._key(name), version) for version in self._versions(name))

    def remove(self, name: str) -> None:
        """See MediaStore. Every version goes, or the first that is locked ends it."""
        key = self._key(name)
        for version in sorted(self._bucket.versions(key), key=lambda one: one.marker):
            self._bucket.remove(key, version.id)
        self._cache.drop(name)

    def _settle(self, name: str, file: Path) -> None:
        self._bucket.put(self._key(name), file, name)
        file.unlink()

    def _fetched(self, name: str, version: str | None) -> Path | None:
        try:
            return self._cache.fill(name, self._bucket.read(self._key(name), version))
        except FileNotFoundError:
            return None

    def _versions(self, name: str) -> list[str]:
        return [one.id for one in self._bucket.versions(self._key(name)) if not one.marker]

    def _key(self, name: str) -> str:
        return self._prefix + checked_name(name)


def _missing(name: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "no such object in the media store", name)


__all__ = ["S3Store"]
