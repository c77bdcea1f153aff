"""The last seconds of one camera, encoded, in memory: what pre-roll and decisive moments are taken from.

The capture thread appends and is never made to wait; analysis and evidence read. What is too old or too much goes in
whole groups of pictures, so that the ring always begins with a keyframe.
"""

import threading
from collections import deque
from datetime import datetime
from itertools import islice

from edge.cameras.decode import nearest
from edge.cameras.packets import CameraPacket, Picture, Wall

#: A picture later than this after the moment asked for is another picture.
_PAST = 0.5


class PacketRing:
    """A PacketStore bounded by `seconds` and `max_bytes`, whichever is reached first."""

    def __init__(self, seconds: float, wall: Wall, max_bytes: int = 96 * 1024 * 1024) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._wall = wall
        self._packets: deque[CameraPacket] = deque()
        self._first = 0
        self._bytes = 0
        self._closed = False
        lock = threading.RLock()
        # Who waits for a keyframe must not be woken by the forty-nine packets between.
        self._arrived, self._key_arrived = threading.Condition(lock), threading.Condition(lock)
        self._keyframes: deque[int] = deque()

    def append(self, packet: CameraPacket) -> None:
        """Take the newest packet. Before the first keyframe there is nothing to decode, and it is dropped."""
        with self._arrived:
            if not self._packets and not packet.keyframe:
                return
            if packet.keyframe:
                self._keyframes.append(self._first + len(self._packets))
            self._packets.append(packet)
            self._bytes += len(packet.data)
            self._evict()
            self._arrived.notify_all()
            if packet.keyframe:
                self._key_arrived.notify_all()

    def close(self) -> None:
        """No more packets will come; whoever waits in `after` is let go."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()
            self._key_arrived.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def after(self, cursor: int, timeout: float, *, keyframe: bool = False) -> tuple[list[CameraPacket], int]:
        """Packets numbered `cursor` and later, and the next cursor, waiting up to `timeout` seconds for one.

        With `keyframe` it waits until one of them is a keyframe; what has come when the time is over comes all the
        same. A cursor that was left behind comes back at the oldest packet, which is a keyframe.
        """
        with self._arrived:
            if keyframe:
                self._key_arrived.wait_for(lambda: self._closed or self._newest_key() >= cursor, timeout)
            else:
                self._arrived.wait_for(lambda: self._closed or self._first + len(self._packets) > cursor, timeout)
            begin = max(cursor - self._first, 0)
            fresh = list(islice(self._packets, begin, None))
            return fresh, self._first + len(self._packets)

    def cursor_after(self, t: float) -> int | None:
        """The cursor of the first keyframe shown after stream second `t`; None when none has come yet."""
        with self._arrived:
            return next((key for key in self._keyframes if self._packets[key - self._first].t > t), None)

    def keyframe_after(self, t: float) -> CameraPacket | None:
        """The first keyframe shown after stream second `t`; None when none has come yet."""
        with self._arrived:
            cursor = self.cursor_after(t)
            return None if cursor is None else self._packets[cursor - self._first]

    def packets(self, t0: float, t1: float) -> list[CameraPacket]:
        """See PacketStore."""
        with self._arrived:
            held = list(self._packets)
        return cut(held, t0, t1)

    def picture_at(self, t: float) -> tuple[float, Picture]:
        """See PacketStore."""
        first, last = self.span()
        if not first - 0.001 <= t <= last + _PAST:
            raise LookupError(f"{t:.3f} s is no longer in memory (kept: {first:.3f} to {last:.3f} s)")
        return nearest(self.packets(t, t + _PAST), t)

    def span(self) -> tuple[float, float]:
        """See PacketStore."""
        with self._arrived:
            if not self._packets:
                return 0.0, 0.0
            return self._packets[0].t, max(packet.t for packet in islice(reversed(self._packets), 8))

    def wall(self, t: float) -> datetime:
        """See PacketStore."""
        return self._wall(t)

    @property
    def held_bytes(self) -> int:
        """Encoded bytes in memory."""
        return self._bytes

    def _evict(self) -> None:
        """Drop leading groups of pictures while what remains still covers the seconds, or the bytes are too many."""
        while len(self._keyframes) > 1:
            following = self._keyframes[1] - self._first
            covered = self._packets[-1].dts - self._packets[following].dts
            if covered < self._seconds and self._bytes <= self._max_bytes:
                return
            self._drop(following)
        if self._bytes > 2 * self._max_bytes:
            self._drop(len(self._packets))

    def _newest_key(self) -> int:
        """The number of the newest keyframe; -1 before the first."""
        return self._keyframes[-1] if self._keyframes else -1

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._bytes -= len(self._packets.popleft().data)
        self._first += count
        while self._keyframes and self._keyframes[0] < self._first:
            self._keyframes.popleft()


def cut(held: list[CameraPacket], t0: float, t1: float) -> list[CameraPacket]:
    """The part of `held` (decode order) from the last keyframe shown at or before `t0` to the last decoded by `t1`.

    When all keyframes are later than `t0` it begins at the first.
    """
    begin: int | None = None
    for index, packet in enumerate(held):
        if packet.keyframe and (begin is None or packet.t <= t0):
            begin = index
        elif packet.dts > t0 and begin is not None:
            break
    if begin is None:
        return []
    return [packet for packet in held[begin:] if packet.dts <= t1]
