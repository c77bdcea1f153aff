"""The files of an archive of a recording, read from its front: what is there, and whether it is what was signed.

The statement names every file that follows, in its order, so nothing is looked up in the archive's directory: that is
compared at the end. A file that ends early is a download that broke off; anything else is a fault.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn, TypeVar

from joserfc.jwk import OKPKey
from pydantic import BaseModel

from contract import fmp4, recording
from contract.bundle_archive import Entry, directory, framed, walked
from contract.errors import SealError
from contract.recording import Filed, Segment, Statement
from contract.recording_check import Told, span_words
from contract.sealing import import_public, thumbprint, verify_detached
from sightline.evidence.opening import MOST, parsed

_CHUNK = 1 << 20
#: Files that do not belong are named up to so many; then the archive is given up.
_MOST_ADDED = 100
#: By how much the box joins segments that follow one another (edge/record/tiles.py), in microseconds.
_JOINED_US = 101_000
_Parsed = TypeVar("_Parsed", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Held:
    """Small files, as `sightline.evidence.proofs` reads those of a bundle."""

    entries: Mapping[str, bytes]

    def read(self, name: str, most: int) -> bytes:
        """A whole file of at most `most` bytes. Raises SealError."""
        if name not in self.entries:
            raise SealError(f"{name}: is not in the archive")
        if len(self.entries[name]) > most:
            raise SealError(f"{name}: has {len(self.entries[name])} bytes, over the {most} that are read")
        return self.entries[name]


@dataclass(frozen=True, slots=True)
class Front:
    """What stands before the segments: the statement, signed with `key`, and its small files, each as it was signed."""

    archive: Held
    statement: Statement
    key: OKPKey

    def parsed(self, name: str, model: type[_Parsed]) -> _Parsed:
        """A file as a model. Raises SealError."""
        return parsed(self.archive.read(name, MOST), name, model)


@dataclass
class Read:
    """What was found of the segments.

    `good`: those that are as they were recorded, by SHA-256; `faults` and `cut`, where the file broke off: sentences;
    `differ`: files whose pictures are not as the blocks tell, which only the box can have brought about.
    """

    good: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    cut: str | None = None
    pictures: int = 0
    differ: list[str] = field(default_factory=list)


class Reading:
    """One way through an archive, from its front to its end: first `front`, then `segments`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        self._walk = walked(file)
        self._entries: list[Entry] = []

    def front(self) -> Front:
        """Everything before the segments. Raises SealError with the first thing that is not as it was signed."""
        held = {name: self._small(name) for name in recording.FRONT}
        key = _key(held[recording.OFFICE_KEY])
        statement = _statement(held, key)
        for file in statement.files:
            if file.name.startswith("segments/"):
                break
            if file.name not in held:
                held[file.name] = self._small(file.name, file.bytes)
            if len(held[file.name]) != file.bytes or hashlib.sha256(held[file.name]).hexdigest() != file.sha256:
                raise SealError(f"{file.name}: is not what the signed statement names: its bytes were changed")
        return Front(Held(held), statement, key)

    def segments(self, front: Front, told: Told) -> Read:
        """Every segment that is here, held to the statement, and then the end of the archive."""
        files = [one for one in front.statement.files if one.name.startswith("segments/")]
        look = _Look(front.statement.station.timezone, told, {one.name: n for n, one in enumerate(files)}, files)
        read, torn = Read(), False
        try:
            for entry in self._walk:
                torn = entry.offset + entry.size > self._size
                if torn:
                    look.promised(entry)
                    break
                self._entries.append(entry)
                self._segment(entry, look, read)
        except SealError as error:
            read.faults.insert(0, str(error))
            look.next, torn = len(files), False
        at = self._end()
        rest = self._size - at
        cut = torn or (look.next < len(files) and rest < framed(files[look.next].name, 0))
        if not cut and look.next == len(files) and not read.faults:
            cut = self._directory(at, read)
        if cut:
            read.cut = self._broke_off(front.statement, at, look)
        else:
            look.next = len(files)
        lost = [one for one in files[: look.next] if one.name not in look.seen]
        read.faults += [f"{look.when(one.sha256)}: {one.name} is missing: it was removed" for one in lost]
        return read

    def _segment(self, entry: Entry, look: "_Look", read: Read) -> None:
        place = look.places.get(entry.name)
        if place is None:
            look.added += 1
            if look.added > _MOST_ADDED:
                raise SealError(f"the archive: has more than {_MOST_ADDED} files that do not belong: it is given up")
            read.faults.append(f"{entry.name}: is in the archive and not in its signed statement: it was added")
            return
        file = look.files[place]
        if place < look.next:
            read.faults.append(f"{look.when(file.sha256)}: {entry.name} stands behind what came after it: it was moved")
        look.next = max(look.next, place + 1)
        look.seen.add(entry.name)
        digest = self._hashed(entry)
        if digest != file.sha256:
            read.faults.append(f"{look.when(file.sha256)}: {entry.name} {look.instead(digest, entry, file)}")
            return
        read.good.add(file.sha256)
        look.timed(self._file, entry, file.sha256, read)

    def _hashed(self, entry: Entry) -> str:
        """SHA-256 of a file. Raises SealError where its CRC is another, which programs that unpack it would find."""
        digest, crc, left = hashlib.sha256(), 0, entry.size
        self._file.seek(entry.offset)
        while left and (chunk := self._file.read(min(left, _CHUNK))):
            left, crc = left - len(chunk), zlib.crc32(chunk, crc)
            digest.update(chunk)
        return digest.hexdigest() if crc == entry.crc else "of another CRC than its header says"

    def _small(self, name: str, size: int = MOST) -> bytes:
        """The next file, which must be `name`."""
        entry = next(self._walk, None)
        if entry is None:
            self._torn(name)
        if entry.name != name:
            raise SealError(f"{name}: is not where it must stand, {entry.name} is: it was removed, or that was added")
        if entry.size > size:
            raise SealError(f"{name}: has {entry.size} bytes, over the {size} that belong there")
        if entry.offset + entry.size > self._size:
            self._torn(name)
        self._entries.append(entry)
        self._file.seek(entry.offset)
        raw = self._file.read(entry.size)
        if zlib.crc32(raw) != entry.crc:
            raise SealError(f"{name}: its bytes are not those that were put into the archive")
        return raw

    def _torn(self, name: str) -> NoReturn:
        rest = self._size - self._end()
        self._file.seek(self._end())
        if rest >= framed(name, 0) and self._file.read(4) != b"PK\x03\x04":
            raise SealError(f"{name}: is not where it must stand (byte {self._end()}): the archive was changed there")
        raise SealError(
            f"the download broke off at byte {self._size}, within {name} and before the first second: "
            "nothing of the recording can be checked yet - go on with the download"
        )

    def _end(self) -> int:
        return self._entries[-1].offset + self._entries[-1].size if self._entries else 0

    def _directory(self, at: int, read: Read) -> bool:
        """Whether the archive breaks off within its directory; one that is another is a fault."""
        wanted = directory(self._entries, at)
        self._file.seek(at)
        found = self._file.read(len(wanted) + 1)
        if found != wanted and wanted.startswith(found):
            return True
        if found != wanted:
            read.faults.append(f"the archive: what stands behind its last file (byte {at}) was changed")
        return False

    def _broke_off(self, statement: Statement, at: int, look: "_Look") -> str:
        """Where a download broke off, and how much of it there is to come."""
        entries = list(self._entries[:2])
        whole = entries[1].offset + entries[1].size
        for one in statement.files:
            whole += framed(one.name, one.bytes)
            entries.append(Entry(one.name, whole - one.bytes, one.bytes, 0))
        whole += len(directory(entries, whole))
        kept = (
            f"all {len(look.files)} segments are whole"
            if look.next == len(look.files)
            else "what came before is told below"
        )
        return (
            f"the download broke off at byte {self._size} of {whole}: {kept}; what stands from "
            f"byte {at} on is not verified - go on with the download (curl -C -)"
        )


@dataclass
class _Look:
    """What is known of the segments while they are read; `next` is the place behind the furthest that was seen."""

    zone: str
    told: Told
    places: Mapping[str, int]
    files: Sequence[Filed]
    next: int = 0
    added: int = 0
    seen: set[str] = field(default_factory=set)
    _by: dict[str, Segment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by = {one.recorded.sha256: one for one in self.told.segments}

    def promised(self, entry: Entry) -> None:
        """A file that the archive ends within is of the size it must have. Raises SealError."""
        place = self.places.get(entry.name)
        if place is None or entry.size != self.files[place].bytes:
            raise SealError(f"{entry.name}: its header speaks of {entry.size} bytes that nobody signed: it was changed")

    def when(self, sha256: str) -> str:
        """The seconds that a segment holds."""
        return "; ".join(span_words(self.zone, *span) for span in self._by[sha256].spans)

    def instead(self, digest: str, entry: Entry, file: Filed) -> str:
        """What stands in the place of a segment."""
        if digest in self._by:
            return f"holds the pictures of {self.when(digest)}: they were swapped or repeated"
        if entry.size != file.bytes:
            return f"has {entry.size} bytes where the box recorded {file.bytes}: it was cut or encoded anew"
        return "is not what the box recorded: its bytes were changed"

    def timed(self, file: BinaryIO, entry: Entry, sha256: str, read: Read) -> None:
        """Hold the file's own decode times to the blocks. Bytes that match were so when the box signed them."""
        one, found = self._by[sha256], fmp4.times(file, entry.offset, entry.size)
        read.pictures += one.recorded.pictures
        if found is None:
            read.differ.append(f"differs  {self.when(sha256)}: the box recorded a file whose times cannot be read")
        elif found.pictures != one.recorded.pictures:
            read.differ.append(
                f"differs  {self.when(sha256)}: the box told {one.recorded.pictures} pictures, it has {found.pictures}"
            )
        elif one.whole_us > found.length_us + _JOINED_US:
            read.differ.append(
                f"differs  {self.when(sha256)}: the pictures are shown for {found.length_us / 1e6:.3f} s alone"
            )


def _key(raw: bytes) -> OKPKey:
    try:
        return import_public(json.loads(raw))
    except (SealError, ValueError, TypeError, RecursionError) as error:
        raise SealError(f"{recording.OFFICE_KEY}: is no Ed25519 public key") from error


def _statement(held: Mapping[str, bytes], key: OKPKey) -> Statement:
    raw, seal = held[recording.STATEMENT], held[recording.SEAL].decode("ascii", "replace")
    try:
        verify_detached(raw, seal, key)
    except SealError as error:
        raise SealError(
            f"{recording.STATEMENT}: is not what the office signed ({recording.SEAL}): changed, or signed by another"
        ) from error
    statement = parsed(raw, recording.STATEMENT, Statement)
    if statement.office != thumbprint(key):
        raise SealError(
            f"{recording.STATEMENT}: names the office {statement.office}, and is signed by {thumbprint(key)}"
        )
    names = [one.name for one in statement.files]
    first = next((n for n, name in enumerate(names) if name.startswith("segments/")), len(names))
    if len(set(names)) != len(names) or any(not name.startswith("segments/") for name in names[first:]):
        raise SealError(f"{recording.STATEMENT}: its files are not in their order, or one is named twice")
    if recording.root_of(statement.files) != statement.root:
        raise SealError(f"{recording.STATEMENT}: its Merkle root is not that of the files it names")
    return statement


__all__ = ["Front", "Read", "Reading"]
