"""One segment while it grows: packets copied into a fragmented MP4, half a second a fragment, hashed as written.

It begins with a keyframe and stands under a temporary name until it is sealed. What a crash leaves is whole up to
the last fragment.
"""

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from pydantic import TypeAdapter

from contract.continuity import Cause
from edge.cameras.nal import annexb, parameters
from edge.cameras.packets import CameraPacket, StreamInfo

PART = ".part"
_CLOCK = 90_000
_BASE = Fraction(1, _CLOCK)
_FRAGMENT_US = 500_000
_OPTIONS = {"movflags": "empty_moov+default_base_moof", "frag_duration": str(_FRAGMENT_US)}
_WRITE = 1 << 18
_RAW = {"h264": "h264", "hevc": "hevc"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a segment says of its own time, within the file, so that one that a crash tore is put where it belongs.

    `boot_us` is the boot clock of the machine's start `boot` at its first picture, `lead_us` the wall clock against
    it; `by_camera`: its wall clock is the camera's. `cause`: why nothing is before it, if so.
    """

    boot: str = ""
    boot_us: int = 0
    lead_us: int = 0
    by_camera: bool = False
    run: str = ""
    epoch: int = 0
    cause: Cause = "unknown"
    masked: bool = False

    def text(self, t0: float) -> str:
        """As it stands in the file, with the stream second of the first picture."""
        return json.dumps(asdict(self) | {"t0": t0})


_STAMP = TypeAdapter(Stamp)


def stamp_in(text: str) -> tuple[Stamp, float]:
    """The stamp in a file and its first stream second; what is no stamp tells nothing."""
    try:
        told = json.loads(text)
        t0 = float(told.pop("t0"))
        return _STAMP.validate_python(told), t0
    except (ValueError, TypeError, KeyError, AttributeError):
        return Stamp(), 0.0


class Hashed:
    """A file that is written once, front to back; `size` and `digest` are of what was written."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._sha = hashlib.sha256()
        self.size = 0
        self.writes = 0
        self.failed: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write all of `data`, for FFmpeg. A disk that refuses is remembered in `failed`."""
        if self.failed is not None:  # what followed would stand in the wrong place
            raise self.failed
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            self.failed = error
            raise
        self._sha.update(data)
        self.size += len(data)
        self.writes += 1
        return len(data)

    @property
    def digest(self) -> str:
        """SHA-256 as hex."""
        return self._sha.hexdigest()

    def close(self) -> None:
        """Close without making it durable."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class Template:
    """What a muxer must be told of an epoch's stream, read once from its parameter sets and first picture."""

    def __init__(self, first: CameraPacket) -> None:
        """Raises FFmpegError or ValueError when FFmpeg cannot read them."""
        info = self.info = first.info
        self._source: av.container.InputContainer | None = None
        if info.codec in _RAW:
            raw = parameters(info.codec, info.extradata) + annexb(first.data, info.extradata, info.codec)
            self._source = av.open(io.BytesIO(raw), "r", _RAW[info.codec])

    def add_to(self, target: av.container.OutputContainer) -> Any:
        """A stream of `target` for such packets."""
        if self._source is None:
            return target.add_mux_stream(self.info.codec, width=self.info.width, height=self.info.height)
        return target.add_stream_from_template(self._source.streams.video[0], opaque=True)

    def bytes_of(self, packet: CameraPacket) -> bytes:
        """The packet as the stream wants it."""
        return annexb(packet.data, self.info.extradata, self.info.codec) if self._source else packet.data


class GrowingSegment:
    """An open segment. Raises OSError when the disk refuses, FFmpegError when FFmpeg does."""

    def __init__(
        self, folder: Path, start: datetime, template: Template, first: CameraPacket, stamp: Stamp | None = None
    ) -> None:
        """`folder` is the camera's; the file's name is the wall clock of the first picture; `stamp` stands in it."""
        self.start = start
        self.stamp = stamp or Stamp()
        self.info: StreamInfo = template.info
        self.t0 = first.t
        self.name = segment_name(start)
        self.path = free_path(folder / self.name)
        self.name = str(self.path.relative_to(folder))
        self.part = self.path.with_suffix(PART)
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self.pictures = 0
        self.last = first
        self._template = template
        self._begin = first.dts
        self._ticks = -1
        self.file = Hashed(self.part)
        try:
            self._target = av.open(self.file, "w", "mp4", options=_OPTIONS, buffer_size=_WRITE)
            self._stream = template.add_to(self._target)
            self._stream.time_base = _BASE
            self._target.metadata["comment"] = self.stamp.text(first.t)
        except BaseException:
            self.file.close()
            self.part.unlink(missing_ok=True)
            raise

    def add(self, packet: CameraPacket) -> None:
        """Copy one packet."""
        raw = av.Packet(self._template.bytes_of(packet))
        dts = max(round((packet.dts - self._begin) * _CLOCK), self._ticks + 1)
        raw.stream, raw.time_base = self._stream, _BASE
        raw.dts, raw.pts = dts, max(dts, round((packet.t - self._begin) * _CLOCK))
        raw.duration = max(1, round(packet.duration * _CLOCK))
        raw.is_keyframe = packet.keyframe
        self._ticks = dts
        self._target.mux(raw)
        if self.file.failed is not None:
            raise self.file.failed
        self.pictures += 1
        self.last = packet

    @property
    def taken(self) -> bool:
        """Whether the disk took pictures: the first write is the head alone."""
        return self.file.writes > 1

    def finish(self) -> None:
        """Write what FFmpeg still holds and close the file, which is not yet durable."""
        try:
            self._target.close()
        finally:
            self.file.close()
        if self.file.failed is not None:
            raise self.file.failed

    def abandon(self) -> None:
        """Close after a failure; what is whole on disk stays for repair."""
        self.file.failed = self.file.failed or OSError("abandoned")
        try:
            self._target.close()
        except (FFmpegError, OSError):
            pass
        finally:
            self.file.close()


def segment_name(start: datetime) -> str:
    """Where a segment stands below its camera's folder: day/hour/moment, UTC to the microsecond."""
    return start.astimezone(UTC).strftime("%Y-%m-%d/%H/%Y%m%dT%H%M%S.%fZ.mp4")


def start_of(path: Path) -> datetime:
    """The wall clock in a segment's name. Raises ValueError for another file."""
    return datetime.strptime(path.name.split("Z")[0], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)


def free_path(path: Path) -> Path:
    """`path`, or the next like it that is free: a clock that was set back tells the same moment twice."""
    number, chosen = 0, path
    while chosen.exists() or chosen.with_suffix(PART).exists():
        number += 1
        chosen = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return chosen
