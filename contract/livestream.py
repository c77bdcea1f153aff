"""Live pictures from a box to central and on to a browser: one WebSocket a camera, one message a picture.

A binary message is `HEAD` (kind, whether it is a keyframe, wall clock of the picture in Unix microseconds; big endian)
and then: INIT a line of MIME type and the fMP4 header, FRAGMENT one picture as fMP4, STILL one JPEG. A text message is
JSON, `{"state": "cut", "reason": ...}`, and the last of its stream.
"""

import struct
from dataclasses import dataclass
from typing import Final

from contract.topics import check_identifier

INIT, FRAGMENT, STILL = 1, 2, 3
HEAD: Final = struct.Struct(">BBq")
#: The largest message that anybody takes: a keyframe of a 4K camera with room. Bytes.
MOST_BYTES: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """One picture or header. `wall_us`: when it was taken, by the box's clock, Unix microseconds."""

    kind: int
    keyframe: bool
    wall_us: int
    body: bytes

    def pack(self) -> bytes:
        """As it is sent."""
        return HEAD.pack(self.kind, self.keyframe, self.wall_us) + self.body


def unpack(raw: bytes) -> LiveMessage:
    """Raises ValueError for what is no message."""
    if not HEAD.size < len(raw) <= MOST_BYTES:
        raise ValueError(f"a message of {len(raw)} bytes is no picture")
    kind, keyframe, wall_us = HEAD.unpack_from(raw)
    if kind not in (INIT, FRAGMENT, STILL) or keyframe > 1:
        raise ValueError(f"a message of kind {kind} is none of ours")
    return LiveMessage(kind, bool(keyframe), wall_us, raw[HEAD.size :])


def path_of(camera_id: str, stream: str | None = None) -> str:
    """Where a box brings a camera's pictures, live or a play back's. Raises ValueError for an id that is none."""
    path = f"/edge/v1/live/{check_identifier(camera_id, 'camera id')}"
    return path if stream is None else f"{path}?stream={check_identifier(stream, 'stream id')}"


__all__ = ["FRAGMENT", "HEAD", "INIT", "MOST_BYTES", "STILL", "LiveMessage", "path_of", "unpack"]
