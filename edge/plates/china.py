"""The reader of Chinese plates: find within the vehicle, straighten by four corners, recognise, tell the colour."""

from pathlib import Path

import cv2
import numpy as np

from edge.plates.colour import plate_colour
from edge.plates.detector import FoundPlate, PlateDetector
from edge.plates.protocol import Picture, PlateReading, Quad, Unreadable
from edge.plates.recogniser import PlateRecogniser
from edge.rules.decision import Box

#: A straightened plate in pixels: 440 x 140 mm.
_STRIP = (140, 44)
#: The vehicle's box is taken this much larger: detectors cut bumpers off.
_AROUND = 0.05
#: A plate narrower than this cannot be read, only guessed. Pixels of the camera's picture.
_NARROWEST = 40
#: The front of a bus without a plate was seen as one at 0.62; the real plates of docs/plates.md all stand above 0.97.
_LEAST_FOUND = 0.7
#: A second plate this close to the best one in score makes it open whose plate is whose.
_RIVAL = 0.8


class ChinaPlateReader:
    """A `PlateReader`. Used by one thread at a time."""

    def __init__(self, folder: Path, alphabet: str) -> None:
        """`folder` holds `detector.onnx` and `recogniser.onnx`; `alphabet` is that of the plate schema."""
        self._detector = PlateDetector(folder / "detector.onnx", _LEAST_FOUND)
        self._recogniser = PlateRecogniser(folder / "recogniser.onnx", alphabet)

    def read(self, picture: Picture, vehicle: Box) -> PlateReading:
        """See `PlateReader.read`."""
        left, top, right, bottom = _inside(picture, vehicle)
        if right - left < 8 or bottom - top < 8:
            raise Unreadable("the vehicle is outside of the picture")
        part = np.ascontiguousarray(picture[top:bottom, left:right])
        found = self._one(part)
        shift = np.array((left, top), np.float32)
        x1, y1, x2, y2 = found.box
        strip = straightened(part, found.quad)
        text, conf = ("", ()) if x2 - x1 < _NARROWEST else self._recogniser.read(strip)
        box = (x1 + left, y1 + top, x2 + left, y2 + top)
        return PlateReading(text, conf, box, found.quad + shift, found.score, plate_colour(strip, part))

    def _one(self, part: Picture) -> FoundPlate:
        """The vehicle's own plate. Raises Unreadable when there is none, or it is open which one is."""
        plates = self._detector.find(part)
        if not plates:
            raise Unreadable("no plate is to be seen")
        rivals = [other for other in plates[1:] if other.score >= _RIVAL * plates[0].score]
        if rivals:
            raise Unreadable(f"{1 + len(rivals)} plates within the vehicle's box")
        return plates[0]


def straightened(picture: Picture, quad: Quad) -> Picture:
    """The plate of corners `quad` seen from the front, 140 x 44 px."""
    wide, high = _STRIP
    corners = np.array(((wide, high), (0, high), (0, 0), (wide, 0)), np.float32)
    return np.asarray(
        cv2.warpPerspective(picture, cv2.getPerspectiveTransform(quad.astype(np.float32), corners), _STRIP), np.uint8
    )


def _inside(picture: Picture, vehicle: Box) -> tuple[int, int, int, int]:
    """Whole pixels of the vehicle's box, a little larger, within the picture."""
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = vehicle
    more_x, more_y = (x2 - x1) * _AROUND, (y2 - y1) * _AROUND
    left, right = max(0, int(x1 - more_x)), min(width, int(np.ceil(x2 + more_x)))
    top, bottom = max(0, int(y1 - more_y)), min(height, int(np.ceil(y2 + more_y)))
    return left, top, right, bottom
