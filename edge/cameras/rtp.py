"""Pictures out of RTP: sequence, time stamps and the units of H.264 (RFC 6184) and H.265 (RFC 7798).

Written for cost: one call a packet, no copy before the picture is whole. Pictures come out as Annex B, which is what
decoders and muxers are given everywhere in this house.
"""

import struct
from dataclasses import dataclass
from typing import Literal

from edge.cameras.nal import START

Codec = Literal["h264", "hevc"]
#: What a sender report counts from: 1 January 1900 (RFC 3550 section 4). Seconds before 1970.
_NTP_EPOCH = 2_208_988_800
_HALF, _WRAP = 1 << 31, 1 << 32
_HEAD = struct.Struct(">BBHI")


@dataclass(frozen=True, slots=True)
class Unit:
    """One picture: `stamp` in ticks of the RTP clock, unwrapped (it may go back); `whole` unless packets are missing.

    `keyframe` as the codec says it (IDR, or IRAP of H.265); `parameters` are its own parameter sets as Annex B.
    """

    stamp: int
    data: bytes
    keyframe: bool
    whole: bool
    parameters: bytes = b""


class Depacketizer:
    """One video track. `lost` counts packets that never came."""

    def __init__(self, codec: Codec, payload_type: int) -> None:
        self.lost = 0
        self._hevc = codec == "hevc"
        self._type = payload_type
        self._next: int | None = None
        self._stamp: int | None = None
        self._raw_stamp = 0
        self._parts: list[bytes | memoryview] = []
        self._sets: list[bytes | memoryview] = []
        self._key = False
        self._whole = True
        self._open = False

    def push(self, packet: memoryview) -> Unit | None:
        """The picture that this packet completes, or None. The packet's memory must not change before that."""
        if len(packet) < 13:
            return None
        flags, kind, number, raw = _HEAD.unpack_from(packet)
        if flags >> 6 != 2 or kind & 0x7F != self._type:
            return None
        gap = self._gap(number)
        if gap is None:
            return None
        if gap:
            self.lost += gap
            self._whole = self._open = False
        done = None
        if self._stamp is None or raw != self._raw_stamp:
            done = self._finish()
            self._whole = not gap  # what is missing may be the head of this one
            self._stamp = self.unwrapped(raw)
            self._raw_stamp = raw
        payload = packet[_offset(packet, flags) : len(packet) - (packet[-1] if flags & 0x20 else 0)]
        if len(payload) > 2:
            if self._hevc:
                self._hevc_unit(payload)
            else:
                self._avc_unit(payload)
        if kind & 0x80:
            return self._finish() or done
        return done

    def unwrapped(self, raw: int) -> int:
        """A 32-bit time stamp as the nearest one on the unbounded line of those before (RFC 3550 section 5.1)."""
        if self._stamp is None:
            return raw
        step = (raw - self._stamp) % _WRAP
        return self._stamp + (step if step < _HALF else step - _WRAP)

    def _gap(self, number: int) -> int | None:
        """How many packets are missing before this one; None for one that came too late, or twice."""
        gap = 0 if self._next is None else (number - self._next) & 0xFFFF
        if gap >= 0x8000:
            return None
        self._next = (number + 1) & 0xFFFF
        return gap

    def _finish(self) -> Unit | None:
        """The picture as far as it came; what follows begins a new one."""
        parts, self._parts = self._parts, []
        sets, self._sets = self._sets, []
        key, self._key = self._key, False
        whole, self._whole = self._whole, True
        self._open = False
        if not parts or self._stamp is None:
            return None
        return Unit(self._stamp, b"".join(parts), key, whole, b"".join(sets))

    def _add(self, kind: int, unit: bytes | memoryview) -> None:
        """A whole unit."""
        self._parts += (START, unit)
        if self._hevc:
            self._key = self._key or 16 <= kind <= 23
            if 32 <= kind <= 34:
                self._sets += (START, unit)
        else:
            self._key = self._key or kind == 5
            if kind in {7, 8}:
                self._sets += (START, unit)

    def _avc_unit(self, payload: memoryview) -> None:
        kind = payload[0] & 0x1F
        if kind == 28:  # a fragment
            head = payload[1]
            if head & 0x80:
                self._key = self._key or head & 0x1F == 5
                self._parts += (START, bytes((payload[0] & 0xE0 | head & 0x1F,)), payload[2:])
                self._open = True
            elif self._open:
                self._parts.append(payload[2:])
        elif kind == 24:  # several units in one packet
            for unit in _aggregated(payload, 1):
                self._add(unit[0] & 0x1F, unit)
        elif 1 <= kind <= 23:
            self._add(kind, payload)

    def _hevc_unit(self, payload: memoryview) -> None:
        kind = payload[0] >> 1 & 0x3F
        if kind == 49:
            head = payload[2]
            if head & 0x80:
                inner = head & 0x3F
                self._key = self._key or 16 <= inner <= 23
                self._parts += (START, bytes((payload[0] & 0x81 | inner << 1, payload[1])), payload[3:])
                self._open = True
            elif self._open:
                self._parts.append(payload[3:])
        elif kind == 48:
            for unit in _aggregated(payload, 2):
                self._add(unit[0] >> 1 & 0x3F, unit)
        elif kind < 48:
            self._add(kind, payload)


@dataclass(frozen=True, slots=True)
class Report:
    """A sender report: the camera's wall clock (Unix seconds) at an RTP time stamp (raw, 32 bits)."""

    wall: float
    stamp: int


def sender_report(packet: memoryview) -> Report | None:
    """The sender report in a compound RTCP packet, None when there is none (RFC 3550 section 6.4.1)."""
    at = 0
    while at + 8 <= len(packet):
        size = 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
        if packet[at + 1] == 200 and at + 20 <= len(packet):
            seconds, fraction, stamp = struct.unpack_from(">III", packet, at + 8)
            return Report(seconds - _NTP_EPOCH + fraction / _WRAP, stamp) if seconds else None
        at += size
    return None


def says_goodbye(packet: memoryview) -> bool:
    """Whether a compound RTCP packet ends the stream (BYE, RFC 3550 section 6.6)."""
    at = 0
    while at + 4 <= len(packet):
        if packet[at + 1] == 203:
            return True
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    return False


def _offset(packet: memoryview, flags: int) -> int:
    """Where the payload begins: behind contributing sources and an extension."""
    at = 12 + 4 * (flags & 0x0F)
    if flags & 0x10 and at + 4 <= len(packet):
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    return at


def _aggregated(payload: memoryview, at: int) -> list[memoryview]:
    units = []
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        if size and at + 2 + size <= len(payload):
            units.append(payload[at + 2 : at + 2 + size])
        at += 2 + size
    return units
