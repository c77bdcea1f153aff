"""Several recorded files as one PacketStore, each at its place in stream time."""

from datetime import datetime

from edge.cameras.file import FilePackets
from edge.cameras.packets import CameraPacket, Picture


class Playlist:
    """Files that follow one another, as `edge.cameras.file.joined` laid them out."""

    def __init__(self, stores: list[FilePackets]) -> None:
        """`stores` in rising stream time, at least one."""
        self._stores = stores

    def packets(self, t0: float, t1: float) -> list[CameraPacket]:
        """See PacketStore."""
        found: list[CameraPacket] = []
        for store in self._stores:
            first, last = store.span()
            if first <= t1 and t0 <= last:
                found += store.packets(max(t0, first), t1)
        return found

    def picture_at(self, t: float) -> tuple[float, Picture]:
        """See PacketStore."""
        later = [store for store in self._stores if t <= store.span()[1]]
        return (later or self._stores[-1:])[0].picture_at(t)

    def span(self) -> tuple[float, float]:
        """See PacketStore."""
        return self._stores[0].span()[0], self._stores[-1].span()[1]

    def wall(self, t: float) -> datetime:
        """See PacketStore."""
        return self._stores[0].wall(t)


__all__ = ["Playlist"]
