"""What a sensor adds to a picture: noise that lives a frame. Seeded, so that a stream can be composed again."""

import cv2
import numpy as np

from sightline.bench.mix.clips import Picture


class Sensor:
    """Noise of `sigma` grey levels over 1080p pictures, cut anew for each frame from one larger sheet."""

    def __init__(self, size: tuple[int, int], sigma: float, seed: int) -> None:
        width, height = size
        rng = np.random.default_rng(seed)
        sheet = cv2.GaussianBlur(rng.normal(0, 1, (height + 64, width + 64)).astype(np.float32), (0, 0), 0.7)
        self._sheet = np.asarray(np.round(sheet / sheet.std() * sigma), np.int8)
        self._size, self._seed = size, seed

    def expose(self, picture: Picture, index: int) -> Picture:
        """The picture as frame number `index`."""
        width, height = self._size
        dx, dy = np.random.default_rng((self._seed, index)).integers(0, 64, 2)
        sheet = self._sheet[dy : dy + height, dx : dx + width]
        return np.asarray(cv2.add(picture, cv2.merge([sheet] * 3), dtype=cv2.CV_8U), np.uint8)
