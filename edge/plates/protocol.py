"""The one shape of a plate reader, whatever runs behind it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.rules.decision import Box

Picture = NDArray[np.uint8]
#: Four corners (4, 2) float32 in pixels: bottom right, bottom left, top left, top right as the plate is read.
Quad = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PlateReading:
    """What one picture shows of a plate.

    `text` is what was recognised, one confidence (0..1) in `per_char_conf` for each character; it is empty when the
    plate was found and could not be read. It is unchecked: `edge.plates.voted` decides over several readings.
    `box` and `quad` are pixels of the picture; `colour` is None where it cannot be told.
    """

    text: str
    per_char_conf: tuple[float, ...]
    box: Box
    quad: Quad
    found: float
    colour: str | None = None

    @property
    def conf(self) -> float:
        """The least certain character; 0 for no text."""
        return min(self.per_char_conf, default=0.0)

    @property
    def area(self) -> float:
        """Pixels of the plate's box."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


class Unreadable(Exception):  # noqa: N818 - an answer, not a failure
    """A vehicle shows no plate that may be read; the message says why, as it stands in the manifest."""


class PlateReader(Protocol):
    """Reads the plate of one vehicle in a picture."""

    def read(self, picture: Picture, vehicle: Box) -> PlateReading:
        """The plate of the vehicle in the box `vehicle` (px) of a BGR picture (H, W, 3) uint8.

        Looks nowhere but in that box. Raises Unreadable when it holds no plate, or more than one.
        """
        ...
