"""What finds that which must not be recognised in a copy."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
#: x1 y1 x2 y2 in pixels of the picture, x right, y down.
Box = tuple[float, float, float, float]


class Finder(Protocol):
    """Finds faces, or plates. It says where they are and never whose."""

    def find(self, picture: Picture) -> Sequence[Box]:
        """Boxes in a BGR picture (H, W, 3) uint8."""
        ...


class Reader(Protocol):
    """Reads a plate, to tell the accused vehicle's from its neighbour's."""

    def read(self, picture: Picture, plate: Box) -> str | None:
        """The text of the plate in the box (px) of a BGR picture; None where any of it is doubtful."""
        ...
