"""A vehicle or a person cut out of a clip along its own way through the picture.

The detector and the tracker of the box find who passes; the matte is the difference from the empty street. Because a
cut-out comes from where it is shown again, perspective, light and shadow are the camera's own. Positions are *feet*:
the middle of the box's lower edge, px of the clip; `u` counts frames of the clip and may be between two.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect.protocol import Detector
from edge.frames import CLASSES
from edge.track.tracker import Tracker
from sightline.bench.mix.clips import Picture, frames_of

Floats = NDArray[np.float64]
#: Someone who passes is seen in this many frames and moves this far (px); the rest stands about.
LEAST_FRAMES, LEAST_WAY = 45, 90.0
#: Round a box, for the shadow and what the detector left out; share of the box.
MARGIN = (0.45, 0.12)
#: A box that ends so near to the edge of the picture is cut off by it, px.
EDGE = 4
#: A person who covers so much of his own height a frame rides; the box of the rider is grown over the two wheels.
RIDES = 0.06
#: Differences from the street below this are noise, above that they are the actor, grey levels.
SOFT = (16.0, 34.0)


@dataclass(frozen=True, slots=True)
class CutOut:
    """One look at the actor: BGR and alpha of the same size, upper left corner `at` in px of the clip."""

    colour: Picture
    alpha: Picture
    at: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Passage:
    """One actor's way: a cut-out for each frame `first`, `first` + 1, ..., smooth feet and sizes (N, 2) for them."""

    kind: str
    score: float
    first: int
    cuts: tuple[CutOut, ...]
    feet: Floats
    sizes: Floats

    def __len__(self) -> int:
        return len(self.cuts)

    @property
    def walks(self) -> bool:
        """A person on foot: who covers much of his own height a frame rides."""
        return self.kind == "person" and pace_of(self.feet, self.sizes) <= RIDES

    def foot(self, u: float) -> tuple[float, float]:
        """The foot at frame `u` of the passage."""
        index = np.arange(len(self.feet))
        return float(np.interp(u, index, self.feet[:, 0])), float(np.interp(u, index, self.feet[:, 1]))


def passages_of(path: Path, street: Picture, detector: Detector) -> list[Passage]:
    """Everybody who passes through the clip, those whom the detector sees best first."""
    seen = _followed(path, detector)
    wanted = {name: boxes for name, boxes in seen.items() if _passes(boxes)}
    cuts: dict[int, list[CutOut]] = defaultdict(list)
    tracks = {name: _smooth(boxes, street.shape[1], street.shape[0]) for name, boxes in wanted.items()}
    for index, (_, frame) in enumerate(frames_of(path)):
        for name, track in tracks.items():
            if track.first <= index < track.first + len(track.feet):
                cuts[name].append(_cut(frame, street, track.box(index - track.first)))
    found = [
        Passage(track.kind, track.score, track.first, tuple(cuts[name]), track.feet, track.sizes)
        for name, track in tracks.items()
    ]
    return sorted(found, key=lambda one: -one.score)


@dataclass(frozen=True, slots=True)
class _Seen:
    frame: int
    box: tuple[float, float, float, float]
    score: float
    kind: str


@dataclass(frozen=True, slots=True)
class _Track:
    kind: str
    score: float
    first: int
    feet: Floats
    sizes: Floats

    def box(self, index: int) -> tuple[float, float, float, float]:
        (x, y), (w, h) = self.feet[index], self.sizes[index]
        return x - w / 2, y - h, x + w / 2, y


def _followed(path: Path, detector: Detector) -> dict[int, list[_Seen]]:
    tracker, seen = Tracker(), defaultdict(list)
    for index, (t, frame) in enumerate(frames_of(path)):
        tracks = tracker.update(t, detector.detect(frame))
        for name, box, score, kind in zip(tracks.ids, tracks.boxes, tracks.scores, tracks.classes, strict=True):
            x0, y0, x1, y1 = (float(part) for part in box)
            seen[int(name)].append(_Seen(index, (x0, y0, x1, y1), float(score), CLASSES[int(kind)]))
    return seen


def _passes(boxes: list[_Seen]) -> bool:
    first, last = boxes[0].box, boxes[-1].box
    way = np.hypot((first[0] + first[2] - last[0] - last[2]) / 2, first[3] - last[3])
    span = boxes[-1].frame - boxes[0].frame + 1
    return len(boxes) >= LEAST_FRAMES and len(boxes) > 0.8 * span and bool(way >= LEAST_WAY)


def _smooth(boxes: list[_Seen], width: int, height: int) -> _Track:
    """Polynomials through the boxes that the picture's edge does not cut; what it cuts is extrapolated."""
    whole = [one for one in boxes if _whole(one.box, width, height)]
    fitted = whole if len(whole) > 20 else boxes
    at = np.array([one.frame for one in fitted], float)
    box = np.array([one.box for one in fitted])
    first, last = boxes[0].frame, boxes[-1].frame
    frames = np.arange(first, last + 1, dtype=float)

    def through(values: Floats, degree: int) -> Floats:
        middle, half = at.mean(), max(1.0, float(np.ptp(at)) / 2)
        return np.polyval(np.polyfit((at - middle) / half, values, degree), (frames - middle) / half)

    feet = np.column_stack([through((box[:, 0] + box[:, 2]) / 2, 4), through(box[:, 3], 4)])
    sizes = np.column_stack([through(box[:, 2] - box[:, 0], 2), through(box[:, 3] - box[:, 1], 2)])
    sizes = np.maximum(sizes, 4)
    kinds = [one.kind for one in fitted]
    if max(set(kinds), key=kinds.count) == "person" and pace_of(feet, sizes) > RIDES:
        sizes, feet = sizes * (1.7, 1.4), feet + sizes * (0.0, 0.35)
    score = float(np.median([one.score for one in fitted]))
    return _Track(max(set(kinds), key=kinds.count), score, first, feet, sizes)


def pace_of(feet: Floats, sizes: Floats) -> float:
    """Own heights a frame, in the median."""
    return float(np.median(np.hypot(*np.diff(feet, axis=0).T) / sizes[1:, 1]))


def _whole(box: tuple[float, float, float, float], width: int, height: int) -> bool:
    return box[0] > EDGE and box[1] > EDGE and box[2] < width - EDGE and box[3] < height - EDGE


def _cut(frame: Picture, street: Picture, box: tuple[float, float, float, float]) -> CutOut:
    height, width = frame.shape[:2]
    mx, my = (box[2] - box[0]) * MARGIN[0], (box[3] - box[1]) * MARGIN[1]
    x0, y0 = int(np.clip(box[0] - mx, 0, width - 2)), int(np.clip(box[1] - my, 0, height - 2))
    x1, y1 = int(np.clip(box[2] + mx, x0 + 2, width)), int(np.clip(box[3] + my, y0 + 2, height))
    colour = np.ascontiguousarray(frame[y0:y1, x0:x1])
    away = cv2.absdiff(colour, street[y0:y1, x0:x1]).max(axis=2).astype(np.float32)
    soft = np.clip((cv2.GaussianBlur(away, (0, 0), 1.0) - SOFT[0]) / (SOFT[1] - SOFT[0]), 0, 1)
    core = (box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0)
    return CutOut(colour, _whole_matte(soft, core), (x0, y0))


def _whole_matte(soft: NDArray[np.float32], core: tuple[float, float, float, float]) -> Picture:
    """The pieces that touch the box, with their holes filled (a window may have the colour of the road)."""
    solid = cv2.morphologyEx((soft > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    inner = np.zeros_like(solid)
    x0, y0, x1, y1 = (max(0, round(part)) for part in core)
    inner[y0:y1, x0:x1] = 1
    count, labels = cv2.connectedComponents(solid)
    kept = np.zeros_like(solid)
    for label in range(1, count):
        piece = labels == label
        if (piece & (inner > 0)).sum() > 0.5 * piece.sum():
            kept |= piece.astype(np.uint8)
    outlines, _ = cv2.findContours(kept, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(kept, outlines, -1, 1, -1)
    alpha = cv2.GaussianBlur(kept.astype(np.float32), (0, 0), 0.8)
    return np.asarray(np.clip(alpha * 255, 0, 255), np.uint8)
