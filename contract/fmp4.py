"""When the pictures of a fragmented MP4 (ISO/IEC 14496-12) are, read from its boxes; nothing is decoded."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

#: The most that is read of one box of a head or of a fragment, in bytes, and the most boxes that are looked at.
_MOST_BOX, _MOST_BOXES = 4_000_000, 200_000
_TFHD_BASE, _TFHD_INDEX, _TFHD_DURATION = 0x1, 0x2, 0x8
_TRUN_OFFSET, _TRUN_FLAGS = 0x1, 0x4
_SAMPLE = ((0x100, "duration"), (0x200, "size"), (0x400, "flags"), (0x800, "offset"))


@dataclass(frozen=True, slots=True)
class Times:
    """How many pictures a file has, and for how long they are shown by their decode times, in microseconds."""

    pictures: int
    length_us: int


@dataclass
class _Track:
    scale: int = 0
    usual: int = 0
    begin: int | None = None
    end: int = 0
    pictures: int = 0


def times(file: BinaryIO, at: int, size: int) -> Times | None:
    """The times of the first track of the MP4 of `size` bytes at byte `at`; None where it is none that this reads."""
    track = _Track()
    try:
        for kind, begin, length in _boxes(file, at, at + size):
            if kind not in {b"moov", b"moof"}:
                continue
            if length > _MOST_BOX:
                return None
            file.seek(begin)
            held = io.BytesIO(file.read(length))
            if kind == b"moov":
                _head(held, length, track)
            else:
                _fragment(held, length, track)
    except (struct.error, ValueError):
        return None
    if not track.scale or track.begin is None:
        return None
    return Times(track.pictures, round((track.end - track.begin) * 1_000_000 / track.scale))


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, where the content begins, and its length, of each box from `at` to `end`. Raises ValueError."""
    count = 0
    while at < end:
        count += 1
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            head = 16
        elif length == 0:
            length = end - at
        if length < head or at + length > end or count > _MOST_BOXES:
            raise ValueError("not a box")
        yield kind, at + head, length - head
        at += length


def _inner(file: BinaryIO, at: int, length: int, *path: bytes) -> Iterator[bytes]:
    """The contents of every box on a path of kinds."""
    for kind, begin, size in _boxes(file, at, at + length):
        if kind == path[0] and path[1:]:
            yield from _inner(file, begin, size, *path[1:])
        elif kind == path[0]:
            file.seek(begin)
            yield file.read(size)


def _head(file: BinaryIO, length: int, track: _Track) -> None:
    for raw in _inner(file, 0, length, b"trak", b"mdia", b"mdhd"):
        track.scale = struct.unpack_from(">I", raw, 20 if raw[0] else 12)[0]
        break
    for raw in _inner(file, 0, length, b"mvex", b"trex"):
        track.usual = struct.unpack_from(">I", raw, 12)[0]
        break


def _fragment(file: BinaryIO, length: int, track: _Track) -> None:
    usual, at = track.usual, track.end
    for raw in _inner(file, 0, length, b"traf", b"tfhd"):
        flags = int.from_bytes(raw[1:4], "big")
        place = 8 + 8 * bool(flags & _TFHD_BASE) + 4 * bool(flags & _TFHD_INDEX)
        if flags & _TFHD_DURATION:
            usual = struct.unpack_from(">I", raw, place)[0]
        break
    for raw in _inner(file, 0, length, b"traf", b"tfdt"):
        at = struct.unpack_from(">Q" if raw[0] else ">I", raw, 4)[0]
        break
    track.begin = at if track.begin is None else track.begin
    for raw in _inner(file, 0, length, b"traf", b"trun"):
        for duration in _durations(raw, usual):
            at += duration
            track.pictures += 1
    track.end = at


def _durations(raw: bytes, usual: int) -> Iterator[int]:
    flags, count = int.from_bytes(raw[1:4], "big"), struct.unpack_from(">I", raw, 4)[0]
    place = 8 + 4 * bool(flags & _TRUN_OFFSET) + 4 * bool(flags & _TRUN_FLAGS)
    fields = [name for bit, name in _SAMPLE if flags & bit]
    step = 4 * len(fields)
    if count * max(step, 1) > _MOST_BOX:
        raise ValueError("more pictures than a fragment has")
    for number in range(count):
        yield struct.unpack_from(">I", raw, place + number * step)[0] if "duration" in fields else usual


__all__ = ["Times", "times"]
