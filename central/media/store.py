"""The one shape of a media store, whatever keeps the bytes (a folder now, S3 with Object Lock later)."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from contract.errors import RunError

_NAME = re.compile(r"[0-9a-f]{64}")


class UploadError(RunError):
    """An upload that cannot be taken as it is.

    UploadError
    ├── WrongOffset     409  carries `have`, the bytes that are there
    ├── WrongHash       422  the bytes are not what the name says; the partial upload is thrown away
    ├── TooLarge        413
    ├── Busy            409  another upload of the same object is running
    └── StoreFull       507  no room
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


@dataclass(frozen=True, slots=True)
class Held:
    """What the store has of an object: `size` bytes, and whether that is all of it."""

    size: int
    complete: bool


class MediaStore(Protocol):
    """Keeps objects under the SHA-256 of their bytes (64 hex digits). One test-suite holds every store to this."""

    def held(self, name: str, owner: str) -> Held | None:
        """What is here of `name`: complete, or the partial upload of `owner` (an edge id); None for nothing."""
        ...

    async def receive(self, name: str, owner: str, offset: int, total: int, body: AsyncIterator[bytes]) -> Held:
        """Append `body` at `offset` to the object of `total` bytes; verified and durable when it is complete.

        Raises UploadError. What arrived before the connection broke is kept for the next attempt.
        """
        ...

    def path(self, name: str) -> Path:
        """A local file with the bytes of a complete object. Raises FileNotFoundError."""
        ...


def checked_name(name: str) -> str:
    """`name` when it is 64 lower-case hex digits; else ValueError. Nothing else ever becomes part of a path."""
    if not _NAME.fullmatch(name):
        raise ValueError("a media name is the SHA-256 of its bytes in 64 lower-case hex digits")
    return name
