"""The one shape of a detector, whatever runs behind it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contract.errors import SightlineError
from contract.events import ModelRef
from edge.frames import Detections

Picture = NDArray[np.uint8]


class LateError(SightlineError):
    """The box was too slow: nobody looked at this picture, so nothing may be concluded from it, not even absence.

    No RunError: the detector is there and well, and nobody is blind.
    """


class Detector(Protocol):
    """Finds people and vehicles in a picture.

    One test-suite (`tests/integration/test_detectors.py`) holds every backend to this.
    """

    @property
    def model(self) -> ModelRef:
        """Name, version and SHA-256 of what runs; goes into every event."""
        ...

    def detect(self, picture: Picture) -> Detections:
        """Objects of `edge.frames.CLASSES` in a BGR picture (H, W, 3) uint8, boxes in its pixels.

        Raises ModelError when the model cannot run and ValueError for a picture of another shape.
        """
        ...

    def close(self) -> None:
        """Give back what the backend holds. Calling it twice is allowed."""
        ...
