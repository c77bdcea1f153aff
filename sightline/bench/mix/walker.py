"""A pedestrian: somebody who really walked through the clip, sent along another way over the same ground.

Her cut-outs are freed of their own shadow (it would fall the wrong way when she is mirrored), a stretch of whole
steps is played over and over, and a shadow is laid on the ground as the clip's sun throws it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.passage import CutOut, Passage
from sightline.bench.mix.view import Point, View

#: Where the head's shadow falls, in heights of the person, and how dark the sun leaves it: measured in the clip.
SHADOW, DARK = (-0.55, -0.28), 0.42
#: The shadow lies in the lower part of the cut-out; above, what is as bright as a shaded road is a face or a hand.
LIES_BELOW = 0.55
#: A stretch of steps has at least and at most so many frames.
STEPS = (35, 75)
#: Frames of the passage in which she is seen whole and large, as shares of its length.
SEEN = (0.22, 0.85)


@dataclass(frozen=True, slots=True)
class Gait:
    """Whole steps to be repeated: cut-outs without shadow, and where in each the foot is (px of the clip)."""

    cuts: tuple[CutOut, ...]
    feet: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Stroll:
    """A way over the ground, straight between (second, X, Z) points. She is mirrored where it leads to the right."""

    gait: Gait
    points: tuple[tuple[float, float, float], ...]

    def at(self, t: float) -> Point | None:
        """Metres of the ground at second `t`; None before and after."""
        times = [point[0] for point in self.points]
        if not times[0] <= t <= times[-1]:
            return None
        return (
            float(np.interp(t, times, [point[1] for point in self.points])),
            float(np.interp(t, times, [point[2] for point in self.points])),
        )

    def step(self, t: float) -> int:
        """Which cut-out is shown: she stands on one while she waits."""
        walked = [0.0]
        for (t0, *_), (t1, *_), moved in zip(self.points, self.points[1:], self._moves(), strict=False):
            walked.append(walked[-1] + (t1 - t0 if moved else 0.0))
        return int(np.interp(t, [point[0] for point in self.points], walked) * 25) % len(self.gait.cuts)

    def heads_right(self, t: float, view: View) -> bool:
        """Whether she moves to the right of the picture at second `t`, or did when she came to stand."""
        right = False
        for a, b, moved in zip(self.points, self.points[1:], self._moves(), strict=False):
            if moved:
                right = view.pixel((b[1], b[2]))[0] > view.pixel((a[1], a[2]))[0]
            if t < b[0]:
                break
        return right

    def _moves(self) -> list[bool]:
        return [abs(a[1] - b[1]) + abs(a[2] - b[2]) > 0.3 for a, b in zip(self.points, self.points[1:], strict=False)]


def gait_of(passage: Passage, street: Picture) -> Gait:
    """The stretch of the passage whose last picture is most like its first, so that its repeat shows no jump."""
    first = int(len(passage) * SEEN[0])
    last = int(len(passage) * SEEN[1])
    bare = [_without_shadow(cut, street) for cut in passage.cuts[first:last]]
    feet = [(float(x), float(y)) for x, y in passage.feet[first:last]]
    shapes = [
        _shape(cut, foot, float(size[1])) for cut, foot, size in zip(bare, feet, passage.sizes[first:last], strict=True)
    ]
    choices = range(STEPS[0], min(STEPS[1], len(bare)))
    count = min(choices, key=lambda index: float(np.abs(shapes[index] - shapes[0]).mean()))
    return Gait(tuple(bare[:count]), tuple(feet[:count]))


def shadow_of(cut: CutOut, foot: Point) -> CutOut:
    """The outline laid on the ground, black, as a cut-out in the same px of the clip."""
    height, width = cut.alpha.shape
    long, high = int(abs(SHADOW[0]) * height) + 2, int(abs(SHADOW[1]) * height) + 4
    fy = foot[1] - cut.at[1]
    # A point h px over the foot falls to foot + h * SHADOW; across, the outline keeps its width.
    matrix = np.array([[1.0, -SHADOW[0], long + SHADOW[0] * fy], [0.0, -SHADOW[1], high - 2 + SHADOW[1] * fy]])
    alpha = cv2.warpAffine(cut.alpha, matrix, (width + long, high + 2), flags=cv2.INTER_AREA)
    alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), 0.8), np.uint8)
    at = (cut.at[0] - long, round(foot[1]) - high + 2)
    return CutOut(np.zeros((*alpha.shape, 3), np.uint8), alpha, at)


def _without_shadow(cut: CutOut, street: Picture) -> CutOut:
    """Pixels that are the road, evenly darker, are shadow; of the rest the largest piece is the person."""
    height, width = cut.alpha.shape
    road = street[cut.at[1] : cut.at[1] + height, cut.at[0] : cut.at[0] + width].astype(np.float32)
    ratio = cut.colour.astype(np.float32) / np.maximum(road, 8)
    even = ratio.std(axis=2) < 0.07
    shade = even & (ratio.mean(axis=2) > 0.4) & (ratio.mean(axis=2) < 1.02)
    shade[: int(height * LIES_BELOW)] = False
    shade = cv2.morphologyEx(shade.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    solid = ((cut.alpha > 127) & ~shade).astype(np.uint8)
    solid = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    if count > 1:
        solid = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    alpha = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 0.7) * 255
    return CutOut(cut.colour, np.asarray(alpha, np.uint8), cut.at)


def _shape(cut: CutOut, foot: Point, height: float) -> NDArray[np.float32]:
    """The outline round the foot at a common height of 64 px."""
    scale = 64 / max(height, 1.0)
    matrix = np.array([[scale, 0, 32 - (foot[0] - cut.at[0]) * scale], [0, scale, 68 - (foot[1] - cut.at[1]) * scale]])
    return np.asarray(cv2.warpAffine(cut.alpha, matrix, (64, 72)), np.float32)
