"""The part of a picture that a detection is asked of, where the site asks for it (`detect: zones`).

A detector's input is 640 px wide; a car 36 px wide at the far end of a 1080p picture is 12 px there, and is not found.
Cut out with its surroundings it keeps its pixels (docs/gate.md has the measurement).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from contract.site import PARKING_ZONES, Camera
from edge.cameras.packets import Picture
from edge.cameras.planes import scaled
from edge.frames import Detections

Point = tuple[float, float]

#: Around the zones, as a share of their longer side; above them twice that, because what stands there rises.
_MARGIN = 0.25
#: At least so much of the picture's width around: about a car at the far end of a road, and at most so much: one near.
_LEAST, _MOST = 1 / 40, 1 / 6
#: A part wider or higher than this share of the picture shows nothing better than the whole.
_WORTH = 0.6
#: Nothing is made larger than this: there are no more pixels to see.
_ENLARGED = 2.0
#: Formats whose planes can be cut where they lie: luma, then two chroma planes of half the size.
_PLANAR = frozenset({"yuv420p", "yuvj420p"})


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of pictures: left, top, width, height in pixels of `frame` (width, height), the site's."""

    left: float
    top: float
    width: float
    height: float
    frame: tuple[int, int]

    @classmethod
    def around(cls, polygons: Sequence[Sequence[Point]], frame: tuple[int, int]) -> "Crop | None":
        """The part that shows all `polygons` (px of `frame`) and what stands in them; None: look at the whole."""
        points = [point for polygon in polygons for point in polygon]
        if not points:
            return None
        low, high = np.min(points, axis=0), np.max(points, axis=0)
        margin = float(np.clip(_MARGIN * (high - low).max(), _LEAST * frame[0], _MOST * frame[0]))
        left, top = max(0.0, low[0] - margin), max(0.0, low[1] - 2.0 * margin)
        right, bottom = min(float(frame[0]), high[0] + margin), min(float(frame[1]), high[1] + margin)
        if right - left > _WORTH * frame[0] or bottom - top > _WORTH * frame[1] or right <= left or bottom <= top:
            return None
        return cls(float(left), float(top), float(right - left), float(bottom - top), frame)

    def cut(self, frame: av.VideoFrame, size: tuple[int, int]) -> Picture:
        """BGR (h, w, 3) uint8 of this part, just fitting in `size` (width, height), at most twice as large as it is."""
        x, y, width, height = self._pixels(frame.width, frame.height)
        share = min(_ENLARGED, size[0] / width, size[1] / height)
        shown = max(2, round(width * share) // 2 * 2), max(2, round(height * share) // 2 * 2)
        if frame.format.name not in _PLANAR:
            whole = scaled(frame, (frame.width, frame.height))
            return _resized(whole[y : y + height, x : x + width], shown)
        luma, *chroma = (_plane(frame, number) for number in range(3))
        rows, columns = slice(y // 2, (y + height) // 2), slice(x // 2, (x + width) // 2)
        half = shown[0] // 2, shown[1] // 2
        colour = np.concatenate([_resized(plane[rows, columns], half).ravel() for plane in chroma])
        small = np.vstack([_resized(luma[y : y + height, x : x + width], shown), colour.reshape(-1, shown[0])])
        part = av.VideoFrame.from_ndarray(small, format="yuv420p")
        part.colorspace, part.color_range = frame.colorspace, frame.color_range
        return np.ascontiguousarray(part.to_ndarray(format="bgr24"), dtype=np.uint8)

    def back(self, seen: Detections) -> Detections:
        """What was detected in a cut by one who took it for the whole `frame`, put where it is in `frame`."""
        ratio = np.array([self.width / self.frame[0], self.height / self.frame[1]] * 2, np.float32)
        corner = np.array([self.left, self.top] * 2, np.float32)
        return Detections(np.asarray(seen.boxes * ratio + corner, np.float32), seen.scores, seen.classes)

    def _pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """This part in a picture of that size: left, top, width, height, all even because chroma comes in twos."""
        across, down = width / self.frame[0], height / self.frame[1]
        left, top = round(self.left * across) // 2 * 2, round(self.top * down) // 2 * 2
        right, bottom = round((self.left + self.width) * across), round((self.top + self.height) * down)
        return left, top, max(2, (right - left) // 2 * 2), max(2, (bottom - top) // 2 * 2)


def shown(camera: Camera) -> Crop | None:
    """The part of `camera`'s pictures that the detector is shown; None: the whole.

    Lanes belong to it: vehicles that stand there tell a jam, in which nobody is accused.
    """
    if camera.detect == "picture":
        return None
    kerbs = [zone.polygon for zone in camera.zones if zone.type in PARKING_ZONES]
    return Crop.around([*kerbs, *(lane.polygon for lane in camera.lanes)], camera.frame)


def _plane(frame: av.VideoFrame, number: int) -> NDArray[np.uint8]:
    plane = frame.planes[number]
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    smaller = size[0] < picture.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


__all__ = ["Crop", "shown"]
