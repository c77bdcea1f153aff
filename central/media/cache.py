"""Copies of objects on this machine's disk, for viewers: fetched once, verified, the least used thrown away."""

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from uuid import uuid4

from central.media.store import checked_name

#: A copy that somebody was given so lately is not thrown away: it may just be opened (s).
FRESH_S: Final = 600.0


class Cache:
    """At most about `max_bytes` of copies in `folder`. Several threads and processes may share it."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path | None:
        """The copy of an object, None where there is none."""
        file = self._folder / checked_name(name)
        try:
            os.utime(file)
        except FileNotFoundError:
            return None
        return file

    def fill(self, name: str, body: Iterable[bytes]) -> Path | None:
        """Keep `body` as the copy of `name`; None, and nothing kept, when it is not what the name says."""
        file, coming = self._folder / checked_name(name), self._folder / f"coming-{uuid4().hex}"
        digest = hashlib.sha256()
        try:
            with coming.open("xb") as out:
                for chunk in body:
                    out.write(chunk)
                    digest.update(chunk)
            if digest.hexdigest() != name:
                return None
            coming.rename(file)
        finally:
            coming.unlink(missing_ok=True)
        self._shrink()
        return file

    def drop(self, name: str) -> None:
        """Forget an object."""
        (self._folder / checked_name(name)).unlink(missing_ok=True)

    def _shrink(self) -> None:
        """Throw away what was asked for longest ago, and what a killed process left half-way."""
        files = sorted((found for one in os.scandir(self._folder) if (found := _looked(one))), reverse=True)
        held = 0
        for at, size, name in files:
            held += size
            if held > self._max_bytes and time.time() - at > FRESH_S:
                (self._folder / name).unlink(missing_ok=True)


def _looked(entry: "os.DirEntry[str]") -> tuple[float, int, str] | None:
    try:
        found = entry.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime, found.st_size, entry.name


__all__ = ["FRESH_S", "Cache"]
