"""Which stream: a camera of a box, and the stream's name."""

from typing import NamedTuple


class Place(NamedTuple):
    """`stream` None: the camera's live view of quality `main`."""

    edge_id: str
    camera_id: str
    stream: str | None = None

    @property
    def live(self) -> bool:
        """Whether it is a live view, and not a play back."""
        return self.stream in (None, "sub", "stills")


__all__ = ["Place"]
