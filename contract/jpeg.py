"""What a JPEG says of itself in its header (ITU-T T.81), without decoding it: size, bits and components."""

from dataclasses import dataclass

#: Start of frame, baseline to arithmetic; C4, C8 and CC are other segments.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Width and height in pixels, bits a component, components (3: colour), and whether there is an EXIF segment."""

    w: int
    h: int
    bits: int
    components: int
    exif: bool

    @property
    def colour_24(self) -> bool:
        """Whether it is 24-bit colour, as GA/T 832-2014 asks (domain B2)."""
        return self.components == 3 and self.bits == 8


def jpeg_header(raw: bytes) -> JpegHeader:
    """The header of a JPEG. Raises ValueError when these bytes are none, or end before it is told."""
    if raw[:2] != b"\xff\xd8":
        raise ValueError("not a JPEG: it does not begin with SOI")
    at, exif = 2, False
    while at + 4 <= len(raw):
        if raw[at] != 0xFF:
            raise ValueError(f"not a JPEG: no marker at byte {at}")
        marker = raw[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        length = int.from_bytes(raw[at + 2 : at + 4], "big")
        body = raw[at + 4 : at + 2 + length]
        if marker in _FRAMES:
            if len(body) < 6:
                break
            height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            return JpegHeader(width, height, body[0], body[5], exif)
        exif = exif or (marker == 0xE1 and body[:6] == b"Exif\0\0")
        at += 2 + length
    raise ValueError("not a whole JPEG: it ends before its frame header")


__all__ = ["JpegHeader", "jpeg_header"]
