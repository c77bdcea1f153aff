"""Which stream: a camera of a box, and the stream's name."""

from typing import NamedTuple


class Place(NamedTuple):
    """`stream` None: the camera's live view of quality `main`."""

    edge_id: str
    camera_id: str
    stream: str | None = None


__all__ = ["Place"]
