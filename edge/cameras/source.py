"""One connection to one camera, or one video file: packets with the camera's own time stamps, nothing decoded.

RTSP over TCP or UDP through PyAV. Opening gives up after OPEN_S, a stream that falls silent after SILENT_S; each
error is one line that names the address without its password, and what to do.
"""

import errno
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal
from urllib.parse import urlsplit

import av
import av.error
from av.error import FFmpegError

from contract.errors import CameraError, MediaError
from edge.cameras.address import file_of, scrubbed, shown
from edge.cameras.packets import StreamInfo

OPEN_S = 5.0
SILENT_S = 5.0
Transport = Literal["tcp", "udp"]
#: A packet that came this long after the one before was waited for; one of the backlog was not. Seconds.
_WAITED_S = 0.006
_BACKLOG = 1000


@dataclass(frozen=True, slots=True)
class RawPacket:
    """A packet as the sender stamped it: `pts` and `dts` in seconds of its own clock.

    `reported` is the camera's wall clock for it (Unix seconds), once an RTCP sender report came; `arrived` and
    `monotonic` are this machine's.
    """

    pts: float
    dts: float
    duration: float
    data: bytes
    keyframe: bool
    disposable: bool
    reported: float | None
    arrived: float
    monotonic: float


class Source:
    """An open stream. `info` tells the decoder what to expect; `packets` may be walked once."""

    def __init__(self, container: av.container.InputContainer, info: StreamInfo, url: str) -> None:
        """Made by `open_source`."""
        self._container = container
        self._stream = container.streams.video[0]
        self._base = self._stream.time_base or Fraction(1, 90_000)
        self.info = info
        self._url = url
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
                if packet.size:
                    yield packet
                if silent:  # FFmpeg's parser let go of its last picture because reading timed out
                    raise CameraError(_silent(self._url))
                asked = time.monotonic()
        except FFmpegError as error:
            if self.live:
                raise CameraError(_lost(self._url, error)) from error
            raise MediaError(_lost(self._url, error)) from error

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


def open_source(url: str, transport: Transport = "tcp", timeout: float = OPEN_S) -> Source:
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
            raise CameraError(_why(url, error, time.monotonic() - began, timeout)) from error
        raise MediaError(_why_file(url, error)) from error
    try:
        return Source(container, _info(container, url, live), url)
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


def require_decoder(info: StreamInfo, url: str) -> None:
    """Raise CameraError when this machine's FFmpeg lacks the decoder for `info`."""
    try:
        av.Codec(info.codec, "r")
    except (FFmpegError, ValueError) as error:
        raise CameraError(
            f"{shown(url)}: sends {info.codec}, which this machine's FFmpeg cannot decode - set the camera to H.264, "
            "or install an FFmpeg that has the decoder"
        ) from error


def reckoned(backlog: list[RawPacket]) -> list[RawPacket]:
    """The packets of a backlog with arrival, and the camera's clock where only later ones told it, reckoned back."""
    if not backlog:
        return []
    newest = backlog[-1]
    told = next((raw for raw in backlog if raw.reported is not None), None)
    made = []
    for raw in backlog:
        ago = newest.dts - raw.dts
        reported = raw.reported
        if reported is None and told is not None and told.reported is not None:
            reported = told.reported - (told.pts - raw.pts)
        made.append(replace(raw, arrived=newest.arrived - ago, monotonic=newest.monotonic - ago, reported=reported))
    return made


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


def _why(url: str, error: Exception, waited: float, timeout: float) -> str:
    """Why an RTSP address could not be opened, and what to do."""
    place = shown(url)
    kinds: list[tuple[tuple[type[BaseException], ...], str]] = [
        ((av.error.HTTPUnauthorizedError,), "refuses the user name or password (401) - mend them in the site file"),
        ((av.error.HTTPForbiddenError,), "forbids this user the stream (403) - give the user the right to view"),
        ((av.error.HTTPNotFoundError,), "has no stream of that path (404) - look it up in the camera's manual"),
        ((av.error.HTTPError, av.error.HTTPClientError), f"answers an error ({error}) - look into the camera"),
        ((ConnectionRefusedError,), "refuses the connection - is the camera on, and is the port right?"),
        ((av.error.ExitError, TimeoutError), f"answers nothing within {timeout:.0f} s - check cable, address, port"),
    ]
    for classes, sentence in kinds:
        if isinstance(error, classes):
            return f"{place}: {scrubbed(sentence, url)}"
    number = getattr(error, "errno", None)
    if waited >= timeout * 0.95:
        return f"{place}: answers nothing within {timeout:.0f} s - check cable, address and port"
    if number in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return f"{place}: no route to that host - check the address and the network"
    if number in {errno.EIO} and "resolve" in str(error):
        return f"{place}: that host name is not known - check its spelling"
    text = getattr(error, "strerror", None) or str(error)
    return f"{place}: is not an RTSP stream that can be read ({scrubbed(text, url)}) - check the address"


def _why_file(url: str, error: Exception) -> str:
    path = file_of(url)
    if isinstance(error, FileNotFoundError):
        return f"{path}: there is no such file - check the path"
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return f"{path}: is a folder - give a video file"
    if path.is_file() and path.stat().st_size == 0:
        return f"{path}: is empty (0 bytes) - record or copy it again"
    text = getattr(error, "strerror", None) or str(error)
    if isinstance(error, PermissionError):
        return f"{path}: may not be read ({os.strerror(errno.EACCES)}) - give this user the right"
    return f"{path}: is not a video that can be read ({text}) - record or copy it again"


def _lost(url: str, error: FFmpegError) -> str:
    if isinstance(error, av.error.ExitError | TimeoutError):
        return _silent(url)
    text = error.strerror or str(error)
    return f"{shown(url)}: the stream broke off ({scrubbed(text, url)})"


def _silent(url: str) -> str:
    return f"{shown(url)}: sent nothing for {SILENT_S:.0f} s - check the camera and the network"
