"""The one form of a bundle's archive: a ZIP that any program opens, in which no byte is free.

Entries are stored (not compressed) one after another, with one fixed date and no extra fields, so the bytes follow from
names and contents alone. A reader therefore checks the frame of the archive by building it again; nothing can be
hidden in it, and nothing in it can unfold. Names are plain ASCII paths; at most 4 GiB in all.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from contract.errors import InputError, SealError

MOST_BYTES = 2**32 - 2
MOST_FILES = 20_000
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,120}(/[a-zA-Z0-9][a-zA-Z0-9._-]{0,120}){0,3}")
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
#: 1980-01-01, the first date that ZIP has; when a bundle was made stands in its signed index.
_DATE = 0x21
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in an archive: where its bytes begin, how many there are, and their CRC-32."""

    name: str
    offset: int
    size: int
    crc: int


def write(target: BinaryIO, files: Sequence[tuple[str, Path | bytes]]) -> None:
    """Write an archive of `files` in their order.

    Raises InputError when it grows over what the form can hold, or two files have one name, capitals or not.
    """
    entries: list[Entry] = []
    names: set[str] = set()
    for name, source in files:
        if name.lower() in names:
            raise InputError(f"{name}: stands twice in one archive, and one would be written over the other")
        names.add(name.lower())
        size, crc = _measured(source)
        head = _local(name, size, crc)
        if target.tell() + len(head) + size > MOST_BYTES or len(entries) >= MOST_FILES:
            raise InputError(f"{name}: does not fit into one bundle of 4 GiB - export without copies")
        target.write(head)
        entries.append(Entry(name, target.tell(), size, crc))
        for chunk in _chunks(source):
            target.write(chunk)
    target.write(_directory(entries, target.tell()))


class Archive:
    """An archive that is open for reading, its frame checked. Raises SealError where it is not as it was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.entries = {entry.name: entry for entry in _walked(file)}

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


def _walked(file: BinaryIO) -> list[Entry]:
    file.seek(0)
    entries: list[Entry] = []
    names: set[str] = set()
    while True:
        at = file.tell()
        head = file.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            break
        _, _, _, _, _, _, crc, size, _, length, _ = _LOCAL.unpack(head)
        name = file.read(length).decode("ascii", "replace")
        if not _NAME.fullmatch(name) or name in names or len(entries) >= MOST_FILES:
            raise SealError(f"the archive: the name of the file at byte {at} is not one that a bundle has")
        if head + name.encode() != _local(name, size, crc):
            raise SealError(f"the archive: the header of {name} at byte {at} is not as it was written")
        entries.append(Entry(name, file.tell(), size, crc))
        names.add(name)
        file.seek(size, 1)
    _closed(file, at, entries)
    return entries


def _closed(file: BinaryIO, at: int, entries: list[Entry]) -> None:
    """The directory at the end must be the one that follows from the entries, and the last thing in the file."""
    wanted = _directory(entries, at)
    file.seek(at)
    if not entries or file.read(len(wanted) + 1) != wanted:
        where = f"after {entries[-1].name}" if entries else "at its beginning"
        raise SealError(f"the archive: is cut short or was changed {where} (byte {at})")


def _local(name: str, size: int, crc: int) -> bytes:
    return _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, _DATE, crc, size, size, len(name), 0) + name.encode("ascii")


def _directory(entries: Sequence[Entry], at: int) -> bytes:
    lines = b"".join(_line(one) for one in entries)
    return lines + _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(lines), at, 0)


def _line(one: Entry) -> bytes:
    head = one.offset - _LOCAL.size - len(one.name)
    sizes = (one.crc, one.size, one.size, len(one.name))
    fields = (0x0314, 20, 0, 0, 0, _DATE, *sizes, 0, 0, 0, 0, 0o100644 << 16, head)
    return _CENTRAL.pack(b"PK\x01\x02", *fields) + one.name.encode("ascii")


def _measured(source: Path | bytes) -> tuple[int, int]:
    size, crc = 0, 0
    for chunk in _chunks(source):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return size, crc


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


__all__ = ["Archive", "Entry", "write"]
