"""A camera's packets as the box keeps them: encoded bytes with stream time, never decoded until somebody asks.

`t` is when the picture is shown, `dts` when it is decoded; both are stream seconds (design section 3), whole
microseconds, so that the time of a picture is found again exactly. Packets stand in decode order, in which `dts`
rises; with B-frames `t` does not.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
#: Bytes of the digest by which a picture that is sent again is known.
DIGEST = 16


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a decoder must know before the first packet. A new epoch (reconnect, jump) has a new one.

    `codec` is FFmpeg's name (h264, hevc...), `width` and `height` pixels, `rate` nominal frames a second, `reorder`
    how many pictures the decoder holds back (B-frames). `masked`: the box painted the privacy masks.
    """

    codec: str
    width: int
    height: int
    extradata: bytes | None = None
    rate: float | None = None
    reorder: int = 0
    epoch: int = 0
    masked: bool = False

    def decodes_like(self, other: "StreamInfo") -> bool:
        """Whether packets of both can stand in one clip."""
        mine = (self.codec, self.width, self.height, self.extradata)
        return mine == (other.codec, other.width, other.height, other.extradata)


@dataclass(frozen=True, slots=True)
class Origin:
    """Of a keyframe that the box encoded again what the camera had sent: an encoder's own noise hides the sensor's.

    `digest`: `digest_of` the camera's own packet; `sample`: `edge.cameras.sample` of the picture, masks painted.
    """

    digest: bytes
    sample: bytes


@dataclass(frozen=True, slots=True)
class CameraPacket:
    """One encoded picture. `disposable` means that no other picture needs it."""

    t: float
    dts: float
    duration: float
    data: bytes
    keyframe: bool
    disposable: bool
    info: StreamInfo
    origin: Origin | None = None


class PacketStore(Protocol):
    """Where evidence is cut from: a camera's ring, or a file."""

    def packets(self, t0: float, t1: float) -> list[CameraPacket]:
        """Packets from the keyframe at or before `t0` up to `t1`, in decode order; empty when there are none.

        When `t0` is older than what is kept it begins at the oldest keyframe.
        """
        ...

    def picture_at(self, t: float) -> tuple[float, Picture]:
        """The picture shown nearest to `t`, at full resolution, and its own time. Raises LookupError outside `span`."""
        ...

    def span(self) -> tuple[float, float]:
        """First and last `t` that are kept; (0.0, 0.0) when there is nothing."""
        ...

    def wall(self, t: float) -> datetime:
        """Wall clock of stream second `t`."""
        ...


Wall = Callable[[float], datetime]


def exact(seconds: float) -> float:
    """`seconds` to whole microseconds, which is how packet times are kept."""
    return round(seconds, 6)


def ticks(t: float) -> int:
    """Stream seconds as the integer microseconds that a decoder carries through."""
    return round(t * 1_000_000)


def digest_of(packet: CameraPacket) -> bytes:
    """BLAKE2b of the camera's bytes, also of a packet that the box encoded again."""
    return packet.origin.digest if packet.origin else hashlib.blake2b(packet.data, digest_size=DIGEST).digest()


__all__ = [
    "DIGEST",
    "CameraPacket",
    "Origin",
    "PacketStore",
    "Picture",
    "StreamInfo",
    "Wall",
    "digest_of",
    "exact",
    "ticks",
]
