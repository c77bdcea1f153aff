"""One connection to one camera, or one video file: packets with the camera's own time stamps, nothing decoded.

H.264 and H.265 over RTSP are read by this house's own client, whatever else by FFmpeg. Opening gives up after OPEN_S,
a stream that falls silent after SILENT_S; each error is one line that names the address without its password, and
what to do.
"""

import time
from collections.abc import Iterator
from typing import Protocol

import av
from av.error import FFmpegError

from contract.errors import CameraError
from edge.cameras.address import shown
from edge.cameras.conversation import GarbledError, RefusedError
from edge.cameras.ffmpeg import open_ffmpeg
from edge.cameras.packets import StreamInfo
from edge.cameras.raw import OPEN_S, SILENT_S, RawPacket, Transport, reckoned
from edge.cameras.rtsp import GATHER_S, EndedError, OtherCodecError, RtspSource, UnreadableError
from edge.cameras.trouble import why_live


class Source(Protocol):
    """An open stream. `info` tells the decoder what to expect and may change; `packets` may be walked once.

    `lost` counts RTP packets that never came, where that is known. `live`: a camera, not a file.
    """

    live: bool

    @property
    def info(self) -> StreamInfo:
        """As of the packet that came last."""
        ...

    @property
    def lost(self) -> int:
        """RTP packets that never came."""
        ...

    def packets(self) -> Iterator[RawPacket]:
        """Packets in decode order until the stream ends. Raises CameraError when it falls silent or breaks."""
        ...

    def seek(self, pts: float) -> None:
        """Go to the keyframe at or before `pts` seconds (files; a camera stays where it is)."""
        ...

    def hang_up(self) -> None:
        """Let `packets` end soon; may be called by another thread."""
        ...

    def close(self) -> None:
        """Hang up. Calling it twice is allowed."""
        ...


def open_source(url: str, transport: Transport = "tcp", timeout: float = OPEN_S, gather_s: float = GATHER_S) -> Source:
    """Connect to an RTSP address or open a file.

    `gather_s` is how long packets of a camera may wait to be taken together. Raises CameraError (rtsp) or MediaError
    (file) with one line: refused, silent, wrong password, no such path, no video, or a codec that this machine cannot
    decode.
    """
    if not url.lower().startswith("rtsp://"):  # urlsplit refuses some of what people type
        return open_ffmpeg(url, transport, timeout)
    began = time.monotonic()
    try:
        return RtspSource(url, transport, timeout, gather_s)
    except OtherCodecError:
        return open_ffmpeg(url, transport, timeout)
    except UnreadableError as error:
        raise CameraError(f"{shown(url)}: {error}") from error
    except (OSError, ValueError, RefusedError, GarbledError, EndedError) as error:
        raise CameraError(why_live(url, error, time.monotonic() - began, timeout)) from error


def require_decoder(info: StreamInfo, url: str) -> None:
    """Raise CameraError when this machine's FFmpeg lacks the decoder for `info`."""
    try:
        av.Codec(info.codec, "r")
    except (FFmpegError, ValueError) as error:
        raise CameraError(
            f"{shown(url)}: sends {info.codec}, which this machine's FFmpeg cannot decode - set the camera to H.264, "
            "or install an FFmpeg that has the decoder"
        ) from error


__all__ = ["OPEN_S", "SILENT_S", "RawPacket", "Source", "Transport", "open_source", "reckoned", "require_decoder"]
