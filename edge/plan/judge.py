"""What a looker needs of the analysis that it feeds."""

from typing import Any, Protocol

from edge.cameras.packets import Picture
from edge.frames import Detections
from edge.plan.choice import Heed

Outputs = list[Any]


class Judge(Protocol):
    """Detector and rules of one camera."""

    def detect(self, picture: Picture) -> Detections | None:
        """What is in a BGR picture of any size, in px of `frame`; None when no detector answers.

        May be called beside the other two, in another thread. Raises LateError when the box was too slow.
        """
        ...

    def seen(self, t: float, seen: Detections) -> Outputs:
        """Judge what was seen at stream second `t`, which must rise."""
        ...

    def heed(self) -> Heed:
        """What the rules know as of the last scene."""
        ...
