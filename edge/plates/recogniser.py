"""Reads the characters of a straightened plate: PP-OCRv4's recogniser out of RapidOCR (Apache-2.0), run by OpenVINO.

The network knows 6,623 characters; only those that can stand on a plate are listened to. That is no correction: a
character outside of them (the dot after the city's letter) is passed over, and what is heard keeps the probability
that the network gave it among all.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import ModelError
from edge.plates.protocol import Picture

#: Height of the input, width of the plate in it, and the width that is padded to with grey. Pixels.
_HEIGHT, _PLATE, _WIDTH = 48, 160, 320
_BLANK = 0


class PlateRecogniser:
    """Reads strips. One of these is used by one thread at a time."""

    def __init__(self, network: Path, alphabet: str) -> None:
        """`network` is the ONNX file, its characters inside. Raises ModelError when it lacks some of `alphabet`."""
        import openvino as ov

        core = ov.Core()
        model = core.read_model(network)
        characters = str(model.get_rt_info(["framework", "character"]).astype(str)).split("\n")
        missing = [letter for letter in alphabet if letter not in characters]
        if missing:
            raise ModelError(f"{network}: does not know {''.join(missing)} - fetch it anew")
        self._letters = " " + alphabet
        self._columns = np.array([_BLANK, *(1 + characters.index(letter) for letter in alphabet)])
        model.reshape([1, 3, _HEIGHT, _WIDTH])
        options: dict[str, Any] = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        self._run = core.compile_model(model, "CPU", options)

    def read(self, strip: Picture) -> tuple[str, tuple[float, ...]]:
        """Text and a confidence (0..1) for each character of a BGR picture (H, W, 3) that holds one plate, upright."""
        plate = cv2.resize(strip, (_PLATE, _HEIGHT)).astype(np.float32) / 127.5 - 1
        picture = np.zeros((1, 3, _HEIGHT, _WIDTH), np.float32)
        picture[0, :, :, :_PLATE] = plate.transpose(2, 0, 1)
        return self._collapsed(self._run(picture)[0][0][:, self._columns])

    def _collapsed(self, steps: NDArray[np.float32]) -> tuple[str, tuple[float, ...]]:
        """Connectionist temporal classification: the best of each step, runs of one character are one character."""
        text, last = "", _BLANK
        conf: list[float] = []
        for best, value in zip(steps.argmax(axis=1), steps.max(axis=1), strict=True):
            if best == _BLANK:
                last = _BLANK
            elif best == last:
                conf[-1] = max(conf[-1], min(1.0, float(value)))
            else:
                text += self._letters[best]
                conf.append(min(1.0, float(value)))
                last = int(best)
        return text, tuple(conf)
