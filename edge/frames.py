"""What passes from detect to rules: arrays side by side, with their shapes and units.

Boxes are float32 (N, 4), x1 y1 x2 y2 in pixels of the camera's `frame` (x right, y down). Times are stream seconds
(design section 3): durations come from them, never from frame counts or arrival.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: The classes the rules know, as COCO names them. `Detections.classes` holds indices into this.
CLASSES = ("person", "bicycle", "motorcycle", "car", "bus", "truck")
PERSON, BICYCLE, MOTORCYCLE, CAR, BUS, TRUCK = range(6)
#: Classes that park and yield as vehicles with four wheels or more.
VEHICLES = frozenset({CAR, BUS, TRUCK})


def _empty(shape: tuple[int, ...], dtype: type) -> "NDArray":  # type: ignore[type-arg]
    return np.zeros(shape, dtype=dtype)


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector saw in one frame: boxes (N, 4) px, scores (N,) 0..1, classes (N,) indices into CLASSES."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int8]

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.scores), 4) or self.classes.shape != self.scores.shape:
            raise ValueError("boxes (N, 4), scores (N,) and classes (N,) must belong together")

    def __len__(self) -> int:
        return len(self.scores)

    def rows(self, which: NDArray[np.int64]) -> "Detections":
        """The detections of these rows, in this order."""
        return Detections(self.boxes[which], self.scores[which], self.classes[which])

    @classmethod
    def empty(cls) -> "Detections":
        """Nothing seen."""
        return cls(_empty((0, 4), np.float32), _empty((0,), np.float32), _empty((0,), np.int8))


@dataclass(frozen=True, slots=True)
class Facts:
    """What sources other than the box told of one object; None is unknown, never a guess."""

    plate: str | None = None
    color: str | None = None
    emergency: bool | None = None


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Tracks:
    """Detections with a track id each: ids (N,) int64. An id is a hint that tracker and world may break."""

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int8]
    facts: Mapping[int, Facts] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def empty(cls) -> "Tracks":
        """Nothing tracked."""
        none = Detections.empty()
        return cls(_empty((0,), np.int64), none.boxes, none.scores, none.classes)

    def facts_of(self, track_id: int) -> Facts:
        """What is known of one track beside its box."""
        return self.facts.get(track_id, NO_FACTS)


@dataclass(frozen=True, slots=True)
class Scene:
    """One instant: stream time, what is tracked, and the state of signals by crossing (`zone_id` -> state)."""

    t: float
    tracks: Tracks
    signals: Mapping[str, str] = field(default_factory=dict)
