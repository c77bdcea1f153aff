"""The ledger's part of a bundle: its head, that it goes on from what was published, its stamp, and every entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cryptography import x509
from joserfc.jwk import OKPKey
from pydantic import BaseModel

from contract import bundle, stamp
from contract.errors import ConfigError, InputError, SealError
from contract.ledger import SignedHead, read_entry, read_head, read_line
from contract.merkle import consistent, included, leaf_hash
from sightline.evidence.opening import MOST

_SMALL = 100_000
_Parsed = TypeVar("_Parsed", bound=BaseModel)


class Files(Protocol):
    """The files of an archive by name."""

    @property
    def entries(self) -> Mapping[str, object]:
        """What there is."""

    def read(self, name: str, most: int) -> bytes:
        """A whole file of at most `most` bytes. Raises SealError."""


class Vouched(Protocol):
    """An archive whose files the office vouches for with `key`: a bundle, or a recording."""

    @property
    def archive(self) -> Files:
        """Its files."""

    @property
    def key(self) -> OKPKey:
        """The office's."""

    def parsed(self, name: str, model: type[_Parsed]) -> _Parsed:
        """A file as a model. Raises SealError."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry that is in the ledger at `place`."""

    place: int
    entry: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the bundle proves of the ledger: its head, the published head before it, and entries in their order."""

    head: SignedHead
    published: SignedHead
    stamped: datetime | None
    lines: tuple[Line, ...]

    def of(self, kind: str) -> list[Line]:
        """Entries of one kind."""
        return [line for line in self.lines if line.entry["kind"] == kind]


def proven(opened: Vouched, heads: Path | None, roots: list[x509.Certificate]) -> Ledger:
    """Check head, publication, stamp and entries. `heads` is the file that the office published, where one is at hand.

    Raises SealError with the first thing that does not hold.
    """
    head = _head(opened)
    published = _published(opened, head)
    if heads is not None:
        _among(published, heads, opened)
    stamped = _stamped(opened, head, roots)
    return Ledger(head, published, stamped, _lines(opened, head))


def _head(opened: Vouched) -> SignedHead:
    raw = opened.archive.read(bundle.HEAD, _SMALL)
    seal = opened.archive.read(bundle.HEAD_SEAL, _SMALL).decode("ascii", "replace")
    try:
        return read_head(raw, seal, opened.key)
    except SealError as error:
        raise SealError(f"{bundle.HEAD}: {error}") from error


def _published(opened: Vouched, head: SignedHead) -> SignedHead:
    given = opened.parsed(bundle.PUBLISHED, bundle.Published)
    try:
        old = read_head(given.head.encode(), given.jws, opened.key)
    except SealError as error:
        raise SealError(f"{bundle.PUBLISHED}: {error}") from error
    path = [bytes.fromhex(step) for step in given.path]
    before, after = old.head, head.head
    if not consistent(before.size, bytes.fromhex(before.root), after.size, bytes.fromhex(after.root), path):
        raise SealError(
            f"{bundle.PUBLISHED}: the ledger of {after.size} entries does not go on from the one of {before.size} "
            "that was published: its past was changed"
        )
    return old


def _among(published: SignedHead, heads: Path, opened: Vouched) -> None:
    """The published head of the bundle must be one of those that the world has seen."""
    try:
        lines = heads.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "not text"
        raise InputError(f"{heads}: cannot be read ({cause}) - give the file of published heads") from error
    for number, line in enumerate(lines, start=1):
        try:
            seen = read_line(line, opened.key)
        except SealError as error:
            raise SealError(f"{heads}: line {number}: {error}") from error
        if seen.raw == published.raw:
            return
    raise SealError(
        f"{bundle.PUBLISHED}: its head of {published.head.size} entries is not among the {len(lines)} "
        f"published in {heads.name}: this is not the ledger that was published"
    )


def _stamped(opened: Vouched, head: SignedHead, roots: list[x509.Certificate]) -> datetime | None:
    if bundle.HEAD_STAMP not in opened.archive.entries:
        return None
    try:
        trusted = roots or stamp.certificates(opened.archive.read(bundle.AUTHORITY, MOST), bundle.AUTHORITY)
        return stamp.checked(opened.archive.read(bundle.HEAD_STAMP, _SMALL), head.raw, trusted)
    except (ConfigError, SealError) as error:
        raise SealError(f"{bundle.HEAD_STAMP}: {error}") from error


def _lines(opened: Vouched, head: SignedHead) -> tuple[Line, ...]:
    given = opened.parsed(bundle.ENTRIES, bundle.Entries).entries
    root, size = bytes.fromhex(head.head.root), head.head.size
    lines = []
    for before, one in zip([None, *given], given, strict=False):
        if before is not None and before.place >= one.place:
            raise SealError(f"{bundle.ENTRIES}: entry {one.place} does not stand behind entry {before.place}")
        path = [bytes.fromhex(step) for step in one.path]
        if not included(leaf_hash(one.line.encode()), one.place, size, path, root):
            raise SealError(
                f"{bundle.ENTRIES}: entry {one.place} ({one.line[:80]}) is not in the ledger: it was changed or made up"
            )
        lines.append(Line(one.place, _read(one)))
    return tuple(lines)


def _read(one: bundle.Proven) -> dict[str, Any]:
    try:
        return read_entry(one.line)
    except ValueError as error:
        raise SealError(f"{bundle.ENTRIES}: entry {one.place} is no line of a ledger") from error


__all__ = ["Ledger", "Line", "proven"]
