"""The boxes of a fragmented MP4 (ISO/IEC 14496-12): how much of a torn segment is whole."""

import struct
from pathlib import Path
from typing import BinaryIO


def whole_length(path: Path) -> int:
    """Bytes up to the end of the last whole fragment (moof with its mdat); 0 when there is none."""
    whole, fragment = 0, False
    with path.open("rb") as file:
        size = path.stat().st_size
        at = 0
        while (box := _box(file, at, size)) is not None:
            kind, end = box
            if end > size:
                break
            if kind == b"moof":
                fragment = True
            elif kind == b"mdat" and fragment:
                whole, fragment = end, False
            at = end
    return whole


def _box(file: BinaryIO, at: int, size: int) -> tuple[bytes, int] | None:
    """Kind and end of the box that begins at `at`; None where there is no head of one."""
    if at + 8 > size:
        return None
    file.seek(at)
    length, kind = struct.unpack(">I4s", file.read(8))
    if length == 1:
        wide = file.read(8)
        length = struct.unpack(">Q", wide)[0] if len(wide) == 8 else 0
    if length < 8 or not kind.isalnum():
        return None
    return kind, at + length
