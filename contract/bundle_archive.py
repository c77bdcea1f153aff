"""The one form of a bundle's archive: a ZIP that any program opens, in which no byte is free.

Entries are stored (not compressed) one after another, with one fixed date and no extra fields, so the bytes follow from
names and contents alone. A reader therefore checks the frame of the archive by building it again; nothing can be
hidden in it, and nothing in it can unfold. Names are plain ASCII paths; no file has 4 GiB. An archive that passes 4 GiB
or 65,534 files, as recordings may and bundles may not, has the directory that ZIP64 asks for, and no other has.
"""

import hashlib
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from contract.errors import InputError, SealError

MOST_BYTES = 2**32 - 2
MOST_FILES = 60_000
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,120}(/[a-zA-Z0-9][a-zA-Z0-9._-]{0,120}){0,3}")
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
#: 1980-01-01, the first date that ZIP has; when a bundle was made stands in its signed index.
_DATE = 0x21
_CHUNK = 1 << 20
_FULL, _FULL_COUNT = 2**32 - 1, 2**16 - 1
_FAR, _END64, _POINTER = struct.Struct("<2HQ"), struct.Struct("<4sQ2H2I4Q"), struct.Struct("<4sIQI")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in an archive: where its bytes begin, how many there are, and their CRC-32."""

    name: str
    offset: int
    size: int
    crc: int


def write(
    target: BinaryIO,
    files: Iterable[tuple[str, Path | bytes]],
    most_bytes: int = MOST_BYTES,
    expected: Mapping[str, str] | None = None,
) -> None:
    """Write an archive of `files` in their order, of at most `most_bytes` before its directory.

    Raises InputError when it grows over what the form can hold, two files have one name, capitals or not, or a file is
    not of the SHA-256 that `expected` has for its name; OSError. Each file is read twice, in parts.
    """
    entries: list[Entry] = []
    names: set[str] = set()
    for name, source in files:
        if name.lower() in names:
            raise InputError(f"{name}: stands twice in one archive, and one would be written over the other")
        names.add(name.lower())
        size, crc = _measured(name, source, (expected or {}).get(name))
        head = _local(name, size, crc)
        if target.tell() + len(head) + size > most_bytes or len(entries) >= MOST_FILES or size >= _FULL:
            raise InputError(f"{name}: does not fit into one archive - export without copies, or a shorter span")
        target.write(head)
        entries.append(Entry(name, target.tell(), size, crc))
        again = 0
        for chunk in _chunks(source):
            again = zlib.crc32(chunk, again)
            target.write(chunk)
        if again != crc or target.tell() != entries[-1].offset + size:
            raise InputError(f"{name}: was changed while it was put into the archive - export again")
    target.write(directory(entries, target.tell()))


class Archive:
    """An archive that is open for reading, its frame checked. Raises SealError where it is not as it was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        found = list(walked(file))
        closed(file, found)
        self.entries = {entry.name: entry for entry in found}

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a file, in parts. Raises SealError when there is none of that name or its CRC is another."""
        entry = self.entries.get(name)
        if entry is None:
            raise SealError(f"{name}: is not in the bundle")
        self._file.seek(entry.offset)
        left, crc = entry.size, 0
        while left:
            chunk = self._file.read(min(left, _CHUNK))
            if not chunk:
                raise SealError(f"{name}: the archive ends in the middle of it")
            left, crc = left - len(chunk), zlib.crc32(chunk, crc)
            yield chunk
        if crc != entry.crc:
            raise SealError(f"{name}: its bytes are not those that were put into the archive")

    def read(self, name: str, most: int) -> bytes:
        """A whole file of at most `most` bytes. Raises SealError."""
        if name in self.entries and self.entries[name].size > most:
            raise SealError(f"{name}: has {self.entries[name].size} bytes, over the {most} that are read")
        return b"".join(self.chunks(name))


def walked(file: BinaryIO) -> Iterator[Entry]:
    """The entries from the front, one by one, whether or not a directory follows; contents are not looked at.

    Ends where no header follows. Raises SealError at one that is not as it was written.
    """
    at, count, names = 0, 0, set[str]()
    while True:
        file.seek(at)
        head = file.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            return
        _, _, _, _, _, _, crc, size, _, length, _ = _LOCAL.unpack(head)
        name = file.read(length).decode("ascii", "replace")
        if len(name) < length:
            return
        if count >= MOST_FILES:
            raise SealError(f"the archive: has more than {MOST_FILES} files: it is none of ours")
        if not _NAME.fullmatch(name):
            raise SealError(f"the archive: the name of the file at byte {at} is not one that a bundle has")
        if name in names:
            raise SealError(f"the archive: {name} at byte {at} stands in it twice: it was repeated")
        if head + name.encode() != _local(name, size, crc):
            raise SealError(f"the archive: the header of {name} at byte {at} is not as it was written")
        yield Entry(name, at + _LOCAL.size + length, size, crc)
        names.add(name)
        at, count = at + _LOCAL.size + length + size, count + 1


def framed(name: str, size: int) -> int:
    """How many bytes a file of `size` bytes takes, its header with it, before the directory."""
    return _LOCAL.size + len(name) + size


def closed(file: BinaryIO, entries: Sequence[Entry]) -> None:
    """The directory at the end must be the one that follows from the entries, and the last thing in the file."""
    at = entries[-1].offset + entries[-1].size if entries else 0
    wanted = directory(entries, at)
    file.seek(at)
    if not entries or file.read(len(wanted) + 1) != wanted:
        where = f"after {entries[-1].name}" if entries else "at its beginning"
        raise SealError(f"the archive: is cut short or was changed {where} (byte {at})")


def _local(name: str, size: int, crc: int) -> bytes:
    return _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, _DATE, crc, size, size, len(name), 0) + name.encode("ascii")


def directory(entries: Sequence[Entry], at: int) -> bytes:
    """What stands behind the last entry, which ends at byte `at`."""
    lines = b"".join(_line(one) for one in entries)
    count = len(entries)
    far = b""
    if at >= _FULL or count >= _FULL_COUNT or len(lines) >= _FULL:
        fields = (_END64.size - 12, 0x032D, 45, 0, 0, count, count, len(lines), at)
        far = _END64.pack(b"PK\x06\x06", *fields) + _POINTER.pack(b"PK\x06\x07", 0, at + len(lines), 1)
    short = min(count, _FULL_COUNT)
    return lines + far + _END.pack(b"PK\x05\x06", 0, 0, short, short, min(len(lines), _FULL), min(at, _FULL), 0)


def _line(one: Entry) -> bytes:
    head = one.offset - _LOCAL.size - len(one.name)
    far = _FAR.pack(1, 8, head) if head >= _FULL else b""
    needs = 45 if far else 20
    sizes = (one.crc, one.size, one.size, len(one.name))
    fields = (0x0300 | needs, needs, 0, 0, 0, _DATE, *sizes, len(far), 0, 0, 0, 0o100644 << 16, min(head, _FULL))
    return _CENTRAL.pack(b"PK\x01\x02", *fields) + one.name.encode("ascii") + far


def _measured(name: str, source: Path | bytes, sha256: str | None) -> tuple[int, int]:
    size, crc, digest = 0, 0, hashlib.sha256()
    for chunk in _chunks(source):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        if sha256 is not None:
            digest.update(chunk)
    if sha256 is not None and digest.hexdigest() != sha256:
        raise InputError(f"{name}: is not what was to be put there - its bytes have another SHA-256 than {sha256}")
    return size, crc


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


__all__ = ["MOST_BYTES", "MOST_FILES", "Archive", "Entry", "closed", "directory", "framed", "walked", "write"]
