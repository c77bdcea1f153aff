"""Where a camera looks: landmarks of its own reference picture, found again or not. Pixels of the small picture.

Landmarks that people stand before are simply not found; a camera that was turned shows all others displaced alike.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.polling.pixels import Floats, Grey

#: Landmarks of a camera, half the side of the patch about each, and how far it is sought.
MANY, HALF, REACH = 32, 10, 18
_TIGHT = 2
#: A patch is found where the correlation is at least this.
_FOUND = 0.72
#: With this share of landmarks in their places the camera has not moved, whatever the others do.
ENOUGH = 0.3
#: Fewer that agree on a shift say nothing.
_AGREE = 7
#: With this share in place nothing further is sought; those that agree on a shift span this share of the picture.
_MOST, _WIDE = 0.8, 0.4
#: Cells (columns, rows) of which each gives one landmark: letters in a corner must not be most of them.
_CELLS = (8, 4)
_SIDE = 8


@dataclass(frozen=True, slots=True)
class Where:
    """`in_place` is the share of landmarks that are where they were, `shift` the displacement as a share of the width.

    None: it cannot be told.
    """

    in_place: float
    shift: float | None


class Landmarks:
    """Landmarks of one reference picture."""

    def __init__(self, reference: Grey, counts: Grey) -> None:
        """`counts`: 255 where the picture counts."""
        self._reference = reference
        inner = np.zeros_like(counts)
        rim = HALF + 3
        inner[rim:-rim, rim:-rim] = counts[rim:-rim, rim:-rim]
        found = cv2.goodFeaturesToTrack(reference, 12 * MANY, 0.005, 6, mask=inner)
        self.points = _spread(np.zeros((0, 2), int) if found is None else np.rint(found.reshape(-1, 2)).astype(int))
        self._orb = cv2.ORB.create(600, fastThreshold=8)
        self._known = self._orb.detectAndCompute(reference, counts)

    def find(self, small: Grey) -> Where:
        """Where they are in `small`."""
        if len(self.points) < _AGREE:
            return Where(1.0, None)
        in_place = float(np.mean([self._patch(small, point, _TIGHT)[0] for point in self.points]))
        if in_place >= _MOST:
            return Where(in_place, 0.0)
        # Letters that the camera prints stay where they are however it is turned: the greater number is right.
        near = [(point, moved) for point in self.points for hit, moved in [self._patch(small, point, REACH)] if hit]
        away = [(point, moved) for point, moved in near if np.hypot(*(point - moved)) > _TIGHT + 1]
        least = max(_AGREE, round(1.3 * in_place * len(self.points)))
        shift = self._fit(np.array([one for one, _ in away], float), np.array([one for _, one in away], float), least)
        if shift is None and in_place < ENOUGH:
            shift = self._far(small)
        return Where(in_place, 0.0 if shift is None and in_place >= ENOUGH else shift)

    def _patch(self, small: Grey, point: NDArray[np.int_], reach: int) -> tuple[bool, tuple[float, float]]:
        x, y = int(point[0]), int(point[1])
        patch = self._reference[y - HALF : y + HALF + 1, x - HALF : x + HALF + 1]
        left, top = max(0, x - HALF - reach), max(0, y - HALF - reach)
        room = small[top : y + HALF + 1 + reach, left : x + HALF + 1 + reach]
        answer = cv2.matchTemplate(room, patch, cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(answer)
        return best >= _FOUND, (float(left + column + HALF), float(top + row + HALF))

    def _fit(self, before: NDArray[np.float64], now: NDArray[np.float64], least: int) -> float | None:
        """Displacement (share of the width) that most, and at least so many, agree on; None when they do not.

        They must lie apart: what one person carries through the picture is no camera that turns.
        """
        if len(before) < least:
            return None
        cv2.setRNGSeed(1)
        model, agree = cv2.estimateAffinePartial2D(before, now, method=cv2.RANSAC, ransacReprojThreshold=2.5)
        if model is None or int(agree.sum()) < max(least, len(before) // 2):
            return None
        height, width = self._reference.shape
        chosen = before[agree.reshape(-1) > 0]
        if np.ptp(chosen[:, 0]) < _WIDE * width or np.ptp(chosen[:, 1]) < _WIDE * height:
            return None
        scale = float(np.hypot(model[0, 0], model[1, 0]))
        if not 0.4 < scale < 2.5:
            return None
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height], [width / 2, height / 2]], float)
        moved = corners @ model[:, :2].T + model[:, 2]
        far = float(np.median(np.linalg.norm(moved - corners, axis=1)))
        return far / float(width)

    def _far(self, small: Grey) -> float | None:
        """The same by features of the whole picture, for a camera that was turned further than `REACH`."""
        points, words = self._orb.detectAndCompute(small, None)
        known, told = self._known
        if words is None or told is None or len(points) < _AGREE or len(known) < _AGREE:
            return None
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(told, words, k=2)
        good = [one[0] for one in pairs if len(one) == 2 and one[0].distance < 0.75 * one[1].distance]
        before = np.array([known[one.queryIdx].pt for one in good], float)
        now = np.array([points[one.trainIdx].pt for one in good], float)
        return self._fit(before, now, 2 * _AGREE)


def _spread(points: NDArray[np.int_]) -> NDArray[np.int_]:
    """The best landmark (they come best first) of each cell."""
    best: dict[tuple[int, int], NDArray[np.int_]] = {}
    if len(points):
        size = points.max(axis=0) + HALF + 4
        for point in points:
            best.setdefault((int(point[0] * _CELLS[0] / size[0]), int(point[1] * _CELLS[1] / size[1])), point)
    return np.array(list(best.values()), int).reshape(-1, 2)


def likeness(reference: Grey, before: Grey, now: Grey, counts: Grey) -> tuple[float | None, float]:
    """Structural similarity of what stands still to the reference, brightness apart, and the share that stands still.

    People move between two looks (`before`, `now`), so blocks that changed are left out. None: too little is left.
    """
    structure = [_blocks(one) for one in (reference, before, now)]
    valid = _blocks(counts).min(axis=1) > 0
    textured = valid & ((structure[0].std(axis=1) > 6) | (structure[2].std(axis=1) > 6))
    still = _alike(structure[1], structure[2]) > 0.6
    share = float(np.mean(still[textured])) if textured.any() else 0.0
    chosen = textured & still
    if share < 0.35 or int(chosen.sum()) < 30:
        return None, share
    return float(np.mean(_alike(structure[0], structure[2])[chosen])), share


def _blocks(picture: Grey) -> Floats:
    rows, columns = picture.shape[0] // _SIDE, picture.shape[1] // _SIDE
    tiles = picture[: rows * _SIDE, : columns * _SIDE].reshape(rows, _SIDE, columns, _SIDE)
    return tiles.swapaxes(1, 2).reshape(rows * columns, _SIDE * _SIDE).astype(np.float32)


def _alike(one: Floats, other: Floats) -> Floats:
    """The structure term of SSIM (Wang 2004) in each block, with contrast normalised away as light changes it."""
    a, b = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    spread = np.sqrt((a * a).mean(axis=1) * (b * b).mean(axis=1))
    return np.asarray(((a * b).mean(axis=1) + 2.0) / (spread + 2.0), np.float32)


__all__ = ["ENOUGH", "Landmarks", "Where", "likeness"]
