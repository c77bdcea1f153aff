"""Pictures that wait for a disk which refuses: the group under way, so that no keyframe has to be waited for."""

from typing import Final

from edge.cameras.packets import CameraPacket

#: A longer group is let go, and the next one waited for: memory is not what a full disk may fill. Bytes.
MOST_BYTES: Final = 8_000_000


class WaitingGroup:
    """The packets since the last keyframe. Not thread-safe."""

    def __init__(self) -> None:
        self._packets: list[CameraPacket] = []
        self._bytes = 0

    def add(self, packet: CameraPacket) -> None:
        """One more; a keyframe takes the place of all before."""
        if packet.keyframe:
            self.clear()
        elif not self._packets or packet.info is not self._packets[0].info:
            self.clear()
            return
        self._packets.append(packet)
        self._bytes += len(packet.data)
        if self._bytes > MOST_BYTES:
            self.clear()

    def take(self) -> list[CameraPacket]:
        """All of them, the keyframe first; none waits any more."""
        found = self._packets
        self.clear()
        return found

    @property
    def first(self) -> CameraPacket | None:
        """The keyframe, None when there is none."""
        return self._packets[0] if self._packets else None

    def clear(self) -> None:
        """Let them go."""
        self._packets, self._bytes = [], 0


__all__ = ["MOST_BYTES", "WaitingGroup"]
