"""H.264 and H.265 bitstreams: from the length-prefixed form of files to the start codes that RTSP and muxers speak.

The bytes of the units themselves are never touched (ITU-T H.264 and H.265 Annex B; ISO/IEC 14496-15 for the other).
"""

import struct
from collections.abc import Iterator

START = b"\x00\x00\x00\x01"


def is_annexb(extradata: bytes | None) -> bool:
    """Whether packets with these parameters carry start codes. Parameter records of files begin with a 1."""
    return not extradata or extradata[0] != 1


def parameters(codec: str, extradata: bytes | None) -> bytes:
    """The parameter sets as Annex B, whatever form they came in; empty when there are none."""
    if not extradata:
        return b""
    if is_annexb(extradata):
        return extradata
    units = _avcc(extradata) if codec == "h264" else _hvcc(extradata)
    return b"".join(START + unit for unit in units)


def annexb(data: bytes, extradata: bytes | None, codec: str) -> bytes:
    """A packet with start codes in place of length prefixes. Raises ValueError for a packet cut short."""
    if is_annexb(extradata) or extradata is None:
        return data
    size = (extradata[4] if codec == "h264" else extradata[21]) % 4 + 1
    return b"".join(START + unit for unit in _units(data, size))


def _units(data: bytes, size: int) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + size], "big")
        at += size
        if at + length > len(data):
            raise ValueError("a packet is cut short inside a unit")
        yield data[at : at + length]
        at += length


def _avcc(record: bytes) -> Iterator[bytes]:
    """Parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
    at = 6
    for _ in range(record[5] & 0x1F):
        (length,) = struct.unpack_from(">H", record, at)
        yield record[at + 2 : at + 2 + length]
        at += 2 + length
    pictures = record[at]
    at += 1
    for _ in range(pictures):
        (length,) = struct.unpack_from(">H", record, at)
        yield record[at + 2 : at + 2 + length]
        at += 2 + length


def _hvcc(record: bytes) -> Iterator[bytes]:
    """Parameter sets of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1)."""
    at = 23
    for _ in range(record[22]):
        (count,) = struct.unpack_from(">H", record, at + 1)
        at += 3
        for _ in range(count):
            (length,) = struct.unpack_from(">H", record, at)
            yield record[at + 2 : at + 2 + length]
            at += 2 + length
