"""A composed stream made ready to be sent: every access unit cut into RTP packets once, and only stamped when it goes.

RFC 6184 (H.264 in RTP, packetization-mode 1: single NAL units and FU-A), framed for an RTSP connection as RFC 2326
section 10.12 says. Cutting and framing anew for each of 56 cameras would cost more than the box that is measured.
"""

import base64
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.bench.mix.stream import Stream, read_stream

#: What cameras use, so that a packet fits into an Ethernet frame [bytes of RTP].
MTU = 1400
#: Ticks of an RTP clock for video a second, and the payload type that the description names.
CLOCK, PAYLOAD = 90_000, 96
_HEADER, _FRAME = 12, 4
_FU_A, _SPS, _PPS = 28, 7, 8


@dataclass(frozen=True, slots=True)
class Framed:
    """One access unit as it goes over an interleaved connection, without its stamps.

    `raw`: `$`, channel 0, length and RTP packet, packet after packet; `at`: where each RTP packet begins.
    """

    raw: bytes
    at: NDArray[np.intp]

    def stamped(self, sequence: int, ticks: int) -> bytearray:
        """The same with RTP sequence numbers from `sequence` on (mod 2^16) and the time stamp `ticks` (mod 2^32)."""
        out = bytearray(self.raw)
        view = np.frombuffer(out, np.uint8)
        numbers = sequence + np.arange(len(self.at))
        view[self.at + 2], view[self.at + 3] = numbers >> 8 & 255, numbers & 255
        for byte, shift in enumerate((24, 16, 8, 0)):
            view[self.at + 4 + byte] = ticks >> shift & 255
        return out


class Reel:
    """The loop of one stream. Units are framed when they are first shown, and kept: many cameras show them."""

    def __init__(self, folder: Path, ssrc: int) -> None:
        """`folder` holds a composed stream. Raises InputError when it does not."""
        self.stream: Stream = read_stream(folder)
        self.ssrc = ssrc
        self._framed: dict[tuple[str, int], Framed] = {}
        self._files: dict[str, mmap.mmap] = {}
        self._ends: dict[str, NDArray[np.int64]] = {}
        self._units: list[tuple[str, int]] = []
        for name, segment in self.stream.segments.items():
            with (folder / segment.file).open("rb") as file:
                self._files[name] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._ends[name] = np.cumsum(segment.sizes)
        for name in self.stream.playlist:
            self._units += [(name, index) for index in range(len(self.stream.segments[name].sizes))]

    @property
    def fps(self) -> int:
        """Pictures a second."""
        return self.stream.fps

    def framed(self, number: int) -> Framed:
        """Frame `number` of the programme, which goes on beyond the loop's end."""
        key = self._units[number % len(self._units)]
        if key not in self._framed:
            self._framed[key] = _framed(nal_units(self._raw(*key)), self.ssrc)
        return self._framed[key]

    def next_key(self, number: int) -> int:
        """The first frame from `number` on that is a keyframe."""
        while not self._is_key(number):
            number += 1
        return number

    def description(self, address: str) -> str:
        """SDP (RFC 8866, RFC 6184 section 8.2.1) of the stream under `address`."""
        name, index = self._units[self.next_key(0)]
        units = nal_units(self._raw(name, index))
        sets = [unit for kind in (_SPS, _PPS) for unit in units if unit[0] & 31 == kind][:2]
        level = sets[0][1:4].hex().upper()
        sprop = ",".join(base64.b64encode(one).decode("ascii") for one in sets)
        lines = (
            "v=0",
            "o=- 0 0 IN IP4 127.0.0.1",
            f"s={self.stream.name}",
            "c=IN IP4 127.0.0.1",
            "t=0 0",
            f"a=control:{address}",
            "a=range:npt=now-",
            f"m=video 0 RTP/AVP {PAYLOAD}",
            f"a=rtpmap:{PAYLOAD} H264/{CLOCK}",
            f"a=fmtp:{PAYLOAD} packetization-mode=1;profile-level-id={level};sprop-parameter-sets={sprop}",
            f"a=framerate:{self.fps}",
            f"a=control:{address}/video",
        )
        return "\r\n".join(lines) + "\r\n"

    def _is_key(self, number: int) -> bool:
        name, index = self._units[number % len(self._units)]
        return index % self.stream.segments[name].gop == 0

    def _raw(self, name: str, index: int) -> bytes:
        end = int(self._ends[name][index])
        return self._files[name][end - self.stream.segments[name].sizes[index] : end]


def nal_units(raw: bytes) -> list[bytes]:
    """The NAL units of an access unit in Annex B, without start codes."""
    found, at = [], raw.find(b"\x00\x00\x01")
    while at >= 0:
        following = raw.find(b"\x00\x00\x01", at + 3)
        # The zero before a start code belongs to that; a NAL unit never ends with one.
        if unit := raw[at + 3 : following if following >= 0 else len(raw)].rstrip(b"\x00"):
            found.append(unit)
        at = following
    return found


def _framed(units: list[bytes], ssrc: int) -> Framed:
    payloads = [payload for unit in units for payload in _payloads(unit)]
    out, at = bytearray(), []
    for number, payload in enumerate(payloads):
        marker = 0x80 if number == len(payloads) - 1 else 0
        out += bytes((0x24, 0)) + (_HEADER + len(payload)).to_bytes(2, "big")
        at.append(len(out))
        out += bytes((0x80, marker | PAYLOAD)) + bytes(6) + ssrc.to_bytes(4, "big") + payload
    return Framed(bytes(out), np.array(at, np.intp))


def _payloads(unit: bytes) -> list[bytes]:
    """What the packets of one NAL unit carry: itself, or its pieces (FU-A)."""
    most = MTU - _HEADER
    if len(unit) <= most:
        return [unit]
    head, body, step = unit[0], unit[1:], most - 2
    pieces = [body[begin : begin + step] for begin in range(0, len(body), step)]
    last = len(pieces) - 1
    return [
        bytes((head & 0xE0 | _FU_A, (0x80 if n == 0 else 0) | (0x40 if n == last else 0) | head & 31)) + piece
        for n, piece in enumerate(pieces)
    ]


__all__ = ["CLOCK", "PAYLOAD", "Framed", "Reel", "nal_units"]
