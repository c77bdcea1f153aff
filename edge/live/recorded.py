"""Pictures of a recording, in the order of time: what is played back. Copied from the segments, never encoded again."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from contract.errors import MediaError
from edge.cameras.file import FilePackets
from edge.cameras.packets import CameraPacket, StreamInfo
from edge.record.index import Index, Segment
from edge.record.tapped import Tapped

#: Between two segments less than this is no gap: one stream goes on. Microseconds.
_JOINED_US: Final = 300_000
#: At the newest segment the next is waited for while that one is no older; a camera may be away for a while. Seconds.
PATIENCE_S: Final = 90.0
_LOOK_S: Final = 1.0


class Recording:
    """One camera's recording from an instant on (Unix microseconds), begun at the keyframe at or before it."""

    def __init__(self, folder: Path, camera: str, from_us: int) -> None:
        """`folder` is that of all recordings of the box."""
        self._folder, self._camera, self._from_us = folder, camera, from_us
        self._info: StreamInfo | None = None
        self._base_us = self._end_us = 0

    def pictures(self) -> Iterator[Tapped | None]:
        """Each picture with its wall clock; None while there is nothing newer yet, about once a second.

        It ends when nothing newer has come for a while. Raises OSError when the index cannot be read.
        """
        after = self._from_us
        while True:
            with closing(Index(self._folder)) as index:
                found = next(iter(index.segments(self._camera, after)), None)
            if found is None and time.time() - after / 1e6 > PATIENCE_S:
                return
            if found is None:
                yield None
                time.sleep(_LOOK_S)
                continue
            yield from self._of(found)
            after = found.end_us

    def _of(self, segment: Segment) -> Iterator[Tapped]:
        path = self._folder / self._camera / segment.name
        try:
            packets = FilePackets(path, lambda t: datetime.fromtimestamp(t, UTC)).walk()
            group: list[Tapped] = []
            first: float | None = None
            for packet in packets:
                first = packet.t if first is None else first
                wall_us = segment.start_us + round((packet.t - first) * 1e6)
                if packet.keyframe and wall_us <= self._from_us:
                    group = []  # a later one to begin with
                group.append(self._placed(packet, wall_us, segment))
                if wall_us >= self._from_us:
                    yield from group
                    group = []
            yield from group
        except (MediaError, OSError):
            return  # it was deleted meanwhile, or is damaged: the next one goes on

    def _placed(self, packet: CameraPacket, wall_us: int, segment: Segment) -> Tapped:
        """On one time for as long as the stream goes on; a gap, or another stream, begins another."""
        info = self._info
        if info is None or not info.decodes_like(packet.info) or segment.start_us - self._end_us > _JOINED_US:
            self._info, self._base_us = packet.info, wall_us
        self._end_us = segment.end_us
        assert self._info is not None
        t = (wall_us - self._base_us) / 1e6
        return Tapped(replace(packet, t=t, dts=t - (packet.t - packet.dts), info=self._info), wall_us)


__all__ = ["PATIENCE_S", "Recording"]
