"""A camera's packets as fMP4, one fragment a picture: copied, never encoded again, so what is masked stays masked."""

from fractions import Fraction
from typing import Any, Final

import av

from contract.livestream import FRAGMENT, INIT, LiveMessage
from edge.cameras.packets import StreamInfo
from edge.record.segment import Template
from edge.record.tapped import Tapped

#: What browsers play in Media Source Extensions; of everything else they are shown stills.
PLAYED: Final = frozenset({"h264"})
_CLOCK: Final = 90_000
_BASE: Final = Fraction(1, _CLOCK)
_OPTIONS: Final = {"movflags": "frag_every_frame+empty_moov+default_base_moof"}


class _Sink:
    """What the muxer writes to."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep it until it is taken."""
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """All since the last time."""
        whole = b"".join(self._parts)
        self._parts.clear()
        return whole


class Fragments:
    """The pictures of one camera as messages, with a header before the first and whenever the stream changes.

    A picture is written when the next one comes, as its fragment tells how long it is shown.
    """

    def __init__(self) -> None:
        self._info: StreamInfo | None = None
        self._target: Any = None
        self._last: Tapped | None = None

    def add(self, one: Tapped) -> list[LiveMessage]:
        """What can be sent now. Pictures before the first keyframe are left out. Raises FFmpegError or ValueError."""
        said: list[LiveMessage] = []
        if self._info is None or self._info is not one.packet.info:
            if not one.packet.keyframe:
                return []
            said.append(self._begin(one))
        self._mux(one)
        last, self._last = self._last, one
        if last is not None and (fragment := self._sink.take()):
            said.append(LiveMessage(FRAGMENT, last.packet.keyframe, last.wall_us, fragment))
        return said

    def restart(self) -> None:
        """Begin anew at the next keyframe."""
        self._info = None

    def _begin(self, first: Tapped) -> LiveMessage:
        self._template = Template(first.packet)
        self._sink = _Sink()
        self._target = av.open(self._sink, "w", "mp4", options=_OPTIONS)
        self._stream = self._template.add_to(self._target)
        self._stream.time_base = _BASE
        self._begun, self._ticks, self._last = first.packet.dts, -1, None
        self._target.start_encoding()
        header = self._sink.take()
        self._info = first.packet.info
        return LiveMessage(INIT, True, first.wall_us, f"{mime(header)}\n".encode() + header)

    def _mux(self, one: Tapped) -> None:
        packet = one.packet
        raw = av.Packet(self._template.bytes_of(packet))
        dts = max(round((packet.dts - self._begun) * _CLOCK), self._ticks + 1)
        raw.stream, raw.time_base = self._stream, _BASE
        raw.dts, raw.pts = dts, max(dts, round((packet.t - self._begun) * _CLOCK))
        raw.duration = max(1, round(packet.duration * _CLOCK))
        raw.is_keyframe = packet.keyframe
        self._ticks = dts
        self._target.mux(raw)


def mime(header: bytes) -> str:
    """The type of an H.264 header as browsers want it (RFC 6381, 3.3). Raises ValueError when it has no `avcC`."""
    at = header.find(b"avcC")
    if at < 0 or len(header) < at + 8:
        raise ValueError("the stream's header says nothing of H.264")
    return f'video/mp4; codecs="avc1.{header[at + 5 : at + 8].hex().upper()}"'


__all__ = ["PLAYED", "Fragments", "mime"]
