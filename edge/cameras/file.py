"""Recorded video as a PacketStore: what `edge replay` walks through, and cuts its evidence from.

Stream time is the file's presentation time plus `offset`, so that several files can follow one another. A truncated
file plays to its last good frame and says so in `trouble`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import datetime
from pathlib import Path

import av
from av.error import FFmpegError

from contract.errors import MediaError
from edge.cameras.decode import Decoder, bgr, nearest, open_decoder
from edge.cameras.packets import CameraPacket, Picture, Wall, exact
from edge.cameras.ring import cut
from edge.cameras.source import RawPacket, Source, open_source

#: A file that ends this much before the length it declares was cut off. Seconds.
_SHORT_S = 0.5


class FilePackets:
    """One video file. Raises MediaError at once when it cannot be opened or decoded."""

    def __init__(self, path: Path, wall: Wall, offset: float = 0.0) -> None:
        """`wall` maps stream seconds to wall clock; `offset` is the stream second at which the file begins."""
        self._path = path
        self._wall = wall
        self._offset = offset
        self._first_t: float | None = None
        self._last_t = offset
        self._index: list[tuple[float, float]] | None = None
        self.trouble: str | None = None
        with _opened(path) as source:
            self.info = source.info
            self._declared = _declared(path)
        open_decoder(self.info)

    def pictures(self, wants: Callable[[float], bool] | None = None) -> Iterator[tuple[float, Picture]]:
        """Pictures in the order they are shown, each with its stream second; only those that `wants` lets through.

        Raises MediaError when not one picture can be decoded.
        """
        decoder, seen = Decoder(), 0
        for t, frame in decoder.through(self._walk()):
            seen += 1
            if t >= self._offset and (wants is None or wants(t)):
                yield t, bgr(frame)
        if not seen:
            raise MediaError(f"{self._path}: not one picture can be decoded - record or copy it again")
        if decoder.damaged and self.trouble is None:
            self.trouble = f"{self._path}: {decoder.damaged} damaged packets were passed over"

    def walk(self) -> Iterator[CameraPacket]:
        """All packets in decode order; what is shown before `begins` is hidden by the file's edit list."""
        return self._walk()

    @property
    def begins(self) -> float:
        """The stream second at which the file begins."""
        return self._offset

    def packets(self, t0: float, t1: float) -> list[CameraPacket]:
        """See PacketStore."""
        begin = max((t for t, _ in self._keyframes() if t <= t0), default=None)
        if begin is None:
            return cut(list(self._walk(until=t1)), t0, t1)
        return cut(list(self._walk(begin, until=t1)), t0, t1)

    def picture_at(self, t: float) -> tuple[float, Picture]:
        """See PacketStore."""
        first, last = self.span()
        if not first - 0.001 <= t <= last + 0.5:
            raise LookupError(f"{t:.3f} s is outside {self._path.name} ({first:.3f} to {last:.3f} s)")
        return nearest(self.packets(t, t + 1.0), t)

    def span(self) -> tuple[float, float]:
        """See PacketStore."""
        self._keyframes()
        return (self._first_t if self._first_t is not None else self._offset), self._last_t

    def wall(self, t: float) -> datetime:
        """See PacketStore."""
        return self._wall(t)

    def _keyframes(self) -> list[tuple[float, float]]:
        """(t, dts) of every keyframe; the file is walked once for it, without decoding."""
        if self._index is None:
            self._index = [(packet.t, packet.dts) for packet in self._walk() if packet.keyframe]
        return self._index

    def _walk(self, begin: float | None = None, until: float = float("inf")) -> Iterator[CameraPacket]:
        """Packets from the keyframe at or before stream second `begin`, in decode order, while `dts` <= `until`."""
        with _opened(self._path) as source:
            if begin is not None:
                source.seek(begin - self._offset)
            try:
                for raw in source.packets():
                    packet = self._packet(raw)
                    if packet.dts > until:
                        return
                    yield packet
            except MediaError as error:
                self.trouble = f"{error} - played to its last good frame"
                return
        self._ended()

    def _packet(self, raw: RawPacket) -> CameraPacket:
        t, dts = exact(raw.pts + self._offset), exact(raw.dts + self._offset)
        if t >= self._offset:  # an edit list hides what is before
            self._first_t = t if self._first_t is None else min(self._first_t, t)
        self._last_t = max(self._last_t, t)
        return CameraPacket(t, dts, raw.duration, raw.data, raw.keyframe, raw.disposable, self.info)

    def _ended(self) -> None:
        reached = self._last_t - self._offset
        if self._declared is not None and reached < self._declared - _SHORT_S and self.trouble is None:
            self.trouble = (
                f"{self._path}: is cut off at {reached:.1f} s of {self._declared:.1f} s - played to its last good frame"
            )


def _opened(path: Path) -> AbstractContextManager[Source]:
    """A source that is closed when the block is left."""
    return closing(open_source(str(path)))


def _declared(path: Path) -> float | None:
    """The last picture's time by the file's own header, in seconds."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if stream.duration is None or stream.time_base is None:
                return None
            return float((stream.duration + (stream.start_time or 0)) * stream.time_base)
    except FFmpegError:
        return None


def joined(paths: list[Path], wall: Wall) -> list[FilePackets]:
    """Several files one after another: each begins one nominal picture after the last of the file before."""
    stores: list[FilePackets] = []
    offset = 0.0
    for path in paths:
        store = FilePackets(path, wall, offset)
        stores.append(store)
        offset = exact(store.span()[1] + 1.0 / (store.info.rate or 25.0))
    return stores


__all__ = ["FilePackets", "joined"]
