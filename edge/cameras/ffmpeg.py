"""One connection or file through FFmpeg: files, and cameras that send something other than H.264 or H.265 over RTSP.

Nothing is decoded. Opening a camera gives up after OPEN_S, a stream that falls silent after SILENT_S.
"""

import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from urllib.parse import urlsplit

import av
from av.error import FFmpegError

from contract.errors import CameraError, MediaError
from edge.cameras.address import file_of, shown
from edge.cameras.packets import StreamInfo
from edge.cameras.raw import OPEN_S, SILENT_S, RawPacket, Transport, reckoned
from edge.cameras.trouble import why_file, why_live, why_lost, why_silent

#: A packet that came this long after the one before was waited for; one of the backlog was not. Seconds.
_WAITED_S = 0.006
_BACKLOG = 1000


class FfmpegSource:
    """An open stream. `info` tells the decoder what to expect; `packets` may be walked once."""

    def __init__(self, container: av.container.InputContainer, info: StreamInfo, url: str) -> None:
        """Made by `open_ffmpeg`."""
        self._container = container
        self._stream = container.streams.video[0]
        self._base = self._stream.time_base or Fraction(1, 90_000)
        self.info = info
        self._url = url
        self._hung_up = False
        self.live = urlsplit(url).scheme in {"rtsp", "rtsps"}

    def packets(self) -> Iterator[RawPacket]:
        """Packets in decode order until the stream ends. Raises CameraError when it falls silent or breaks.

        What a camera sends first waited in a buffer while the stream was being opened. That backlog is held until the
        first packet that had to be waited for, and its arrival is reckoned back from that one.
        """
        each = self._stamped()
        if self.live:
            backlog: list[RawPacket] = []
            for raw in each:
                waited = bool(backlog) and raw.monotonic - backlog[-1].monotonic > _WAITED_S
                backlog.append(raw)
                if waited or len(backlog) >= _BACKLOG:
                    break
            yield from reckoned(backlog)
        yield from each

    def _stamped(self) -> Iterator[RawPacket]:
        """Packets with time stamps. The first of an RTSP stream may come without: it waits for the second's."""
        held: RawPacket | None = None
        last: RawPacket | None = None
        for packet in self._demux():
            raw = self._raw(packet, last)
            if raw is None:
                held = held or self._unstamped(packet)
                continue
            if held is not None:
                yield _stamp(held, raw)
                held = None
            last = raw
            yield raw
        if held is not None:
            yield held

    @property
    def lost(self) -> int:
        """FFmpeg does not tell."""
        return 0

    def hang_up(self) -> None:
        """Let `packets` end at the next one."""
        self._hung_up = True

    def seek(self, pts: float) -> None:
        """Go to the keyframe at or before `pts` seconds (files)."""
        self._container.seek(round(pts / self._base), stream=self._stream, backward=True)

    def close(self) -> None:
        """Hang up. Calling it twice is allowed."""
        self._container.close()

    def _demux(self) -> Iterator["av.Packet[av.VideoStream]"]:
        try:
            asked = time.monotonic()
            for packet in self._container.demux(self._stream):
                silent = self.live and time.monotonic() - asked >= SILENT_S * 0.95
                if self._hung_up:
                    return
                if packet.size:
                    yield packet
                if silent:  # FFmpeg's parser let go of its last picture because reading timed out
                    raise CameraError(why_silent(self._url))
                asked = time.monotonic()
        except FFmpegError as error:
            if self.live:
                raise CameraError(why_lost(self._url, error)) from error
            raise MediaError(why_lost(self._url, error)) from error

    def _raw(self, packet: "av.Packet[av.VideoStream]", last: RawPacket | None) -> RawPacket | None:
        pts, dts = packet.pts, packet.dts
        if pts is None and dts is None and last is None and self.live:
            return None
        duration = float((packet.duration or 0) * self._base) or 1.0 / (self.info.rate or 25.0)
        begin = (last.pts + last.duration) if last else 0.0
        shown_at = float(pts * self._base) if pts is not None else float(dts * self._base) if dts is not None else begin
        decoded_at = float(dts * self._base) if dts is not None else min(shown_at, last.dts if last else shown_at)
        return self._made(packet, shown_at, decoded_at, duration)

    def _unstamped(self, packet: "av.Packet[av.VideoStream]") -> RawPacket:
        duration = float((packet.duration or 0) * self._base) or 1.0 / (self.info.rate or 25.0)
        return self._made(packet, 0.0, 0.0, duration)

    def _made(self, packet: "av.Packet[av.VideoStream]", pts: float, dts: float, duration: float) -> RawPacket:
        return RawPacket(
            pts=pts,
            dts=dts,
            duration=duration,
            data=bytes(packet),
            keyframe=packet.is_keyframe,
            disposable=packet.is_disposable,
            reported=_reported(packet) if self.live else None,
            arrived=time.time(),
            monotonic=time.monotonic(),
        )


def open_ffmpeg(url: str, transport: Transport = "tcp", timeout: float = OPEN_S) -> FfmpegSource:
    """Connect to an RTSP address or open a file.

    Raises CameraError (rtsp) or MediaError (file) with one line: refused, silent, wrong password, no such path, no
    video, or a codec that this machine cannot decode.
    """
    live = url.lower().startswith(("rtsp://", "rtsps://"))  # urlsplit refuses some of what people type
    began = time.monotonic()
    try:
        container = _connected(url, transport, timeout) if live else _opened(url)
    except (FFmpegError, OSError, ValueError) as error:
        if live:
            raise CameraError(why_live(url, error, time.monotonic() - began, timeout)) from error
        raise MediaError(why_file(url, error)) from error
    try:
        return FfmpegSource(container, _info(container, url, live), url)
    except Exception:
        container.close()
        raise


def _connected(url: str, transport: Transport, timeout: float) -> av.container.InputContainer:
    options = {
        "rtsp_transport": transport,
        "allowed_media_types": "video",
        "fflags": "+discardcorrupt" if transport == "udp" else "+genpts",
        "max_delay": "500000",
        "buffer_size": "2097152",
    }
    return av.open(url, mode="r", options=options, timeout=(timeout, SILENT_S))


def _opened(url: str) -> av.container.InputContainer:
    return av.open(str(file_of(url)), mode="r")


def _info(container: av.container.InputContainer, url: str, live: bool) -> StreamInfo:
    failure = CameraError if live else MediaError
    if not container.streams.video:
        raise failure(f"{shown(url)}: has no video that can be read - choose a stream with H.264 or H.265 video")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context is None:
        raise failure(
            f"{shown(url)}: sends a codec that this machine's FFmpeg cannot decode - set the camera to H.264, "
            "or install an FFmpeg that has the decoder"
        )
    if live and not context.width:
        raise CameraError(
            f"{shown(url)}: offers {context.name} but sends no picture that can be read within {OPEN_S:.0f} s - "
            "look whether the camera's encoder runs, or try the other rtsp_transport"
        )
    rate = stream.average_rate or stream.guessed_rate
    return StreamInfo(
        codec=context.name,
        width=context.width,
        height=context.height,
        extradata=context.extradata or None,
        rate=float(rate) if rate else None,
        reorder=int(context.reorder_depth),
    )


def _stamp(held: RawPacket, second: RawPacket) -> RawPacket:
    """The time stamp of a first packet that came without: by the sender reports, else one picture before."""
    if held.reported is not None and second.reported is not None:
        pts = second.pts - (second.reported - held.reported)
    else:
        pts = 0.0 if second.pts > 0 else second.pts - held.duration
    return replace(held, pts=pts, dts=min(pts, second.dts - held.duration))


def _reported(packet: "av.Packet[av.VideoStream]") -> float | None:
    """The producer reference time that FFmpeg makes of RTCP sender reports: int64 microseconds since 1970."""
    if not packet.has_sidedata("prft"):
        return None
    raw = bytes(packet.get_sidedata("prft"))
    return float(struct.unpack_from("=q", raw)[0]) / 1e6 if len(raw) >= 8 else None
