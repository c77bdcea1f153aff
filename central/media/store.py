"""The one shape of a media store, whatever keeps the bytes: a folder, or a bucket of S3 with Object Lock."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from contract.errors import RunError

_NAME = re.compile(r"[0-9a-f]{64}")
#: What names begin with; a store is walked through by these, so that nobody ever holds all names in memory.
PREFIXES: Final = tuple(f"{number:02x}" for number in range(256))


class UploadError(RunError):
    """An upload that cannot be taken as it is.

    UploadError
    ├── WrongOffset     409  carries `have`, the bytes that are there
    ├── WrongHash       422  the bytes are not what the name says; the partial upload is thrown away
    ├── TooLarge        413
    ├── Busy            409  another upload of the same object is running
    ├── StoreFull       507  no room
    ├── OverQuota       507  the box has as much here as it may
    └── StoreAway       503  what keeps the bytes cannot be reached
    """

    status = 400


class WrongOffset(UploadError):  # noqa: N818
    """The upload must go on at `have` bytes."""

    status = 409

    def __init__(self, have: int) -> None:
        super().__init__(f"{have} bytes are here - go on from there")
        self.have = have


class WrongHash(UploadError):  # noqa: N818
    """The bytes are not what the name says."""

    status = 422


class TooLarge(UploadError):  # noqa: N818
    """The object is larger than this store takes."""

    status = 413


class Busy(UploadError):  # noqa: N818
    """Another upload of the same object is running."""

    status = 409


class StoreFull(UploadError):  # noqa: N818
    """The store has no room."""

    status = 507


class OverQuota(UploadError):  # noqa: N818
    """The box has as much here as it may: it keeps the file and tries again, slowly."""

    status = 507


class StoreAway(UploadError):  # noqa: N818
    """What keeps the bytes cannot be reached."""

    status = 503


class Locked(RunError):  # noqa: N818 - reads as a sentence
    """The object cannot be removed: a legal hold or a retention is on it."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the store has of an object: `size` bytes, and whether that is all of it."""

    size: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """A complete object: its name, its bytes, and when they came."""

    name: str
    size: int
    at: datetime


class MediaStore(Protocol):
    """Keeps objects under the SHA-256 of their bytes (64 hex digits). One test-suite holds every store to this.

    What cannot be reached is StoreAway in every method; a name that is none is ValueError.
    """

    def held(self, name: str, owner: str) -> Held | None:
        """What is here of `name`: complete, or the partial upload of `owner` (an edge id); None for nothing."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes of a complete object, None where there is none."""
        ...

    async def receive(self, name: str, owner: str, offset: int, total: int, body: AsyncIterator[bytes]) -> Held:
        """Append `body` at `offset` to the object of `total` bytes; verified and durable when it is complete.

        Raises UploadError. What arrived before the connection broke is kept for the next attempt.
        """
        ...

    def path(self, name: str) -> Path:
        """A local file with the bytes of a complete object. Raises FileNotFoundError."""
        ...

    def sweep(self, older_than_s: float) -> int:
        """Throw away partial uploads that nobody has touched for so long; returns how many."""
        ...

    def objects(self, prefix: str) -> Iterator[Stored]:
        """Every complete object whose name begins with `prefix`, one of PREFIXES."""
        ...

    def hold(self, name: str, on: bool) -> None:
        """Put an object under legal hold, or take it off; twice is no error. Raises FileNotFoundError."""
        ...

    def on_hold(self, name: str) -> bool:
        """Whether the store itself keeps the object under legal hold."""
        ...

    def remove(self, name: str) -> None:
        """Take a complete object away, for good; one that is not there is no error. Raises Locked."""
        ...


def checked_name(name: str) -> str:
    """`name` when it is 64 lower-case hex digits; else ValueError. Nothing else ever becomes part of a path."""
    if not _NAME.fullmatch(name):
        raise ValueError("a media name is the SHA-256 of its bytes in 64 lower-case hex digits")
    return name


def is_name(text: str) -> bool:
    """Whether `text` is the form of a name."""
    return _NAME.fullmatch(text) is not None


def checked_prefix(prefix: str) -> str:
    """`prefix` when it is one of PREFIXES; else ValueError."""
    if prefix not in PREFIXES:
        raise ValueError("objects are listed by the first two hex digits of their names")
    return prefix
