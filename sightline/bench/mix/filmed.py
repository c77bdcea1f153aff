"""A street as a clip filmed it: the empty road, and whoever runs over it, drawn at 1080p from their own cut-outs."""

from dataclasses import dataclass

import cv2
import numpy as np

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.passage import CutOut
from sightline.bench.mix.run import Run
from sightline.bench.mix.sensor import Sensor
from sightline.bench.mix.view import View, Window

#: Cut-outs fade in and out over so many frames at the ends of their way, where a street swallows them.
FADE = 7.0


@dataclass(frozen=True, slots=True)
class Light:
    """The hour of the day: gains for blue, green and red, and the sensor's noise in grey levels."""

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 2.2


class FilmedStreet:
    """Draws frames of one window of one clip."""

    def __init__(self, street: Picture, view: View, window: Window, light: Light, seed: int) -> None:
        self.view, self.window, self.light = view, window, light
        matrix = np.array(window.matrix())
        wide = cv2.warpAffine(street, matrix, window.SIZE, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
        soft = cv2.GaussianBlur(wide, (0, 0), 2.0)
        self._street = self._lit(np.asarray(cv2.addWeighted(wide, 1.35, soft, -0.35, 0), np.uint8))
        self._sensor = Sensor(window.SIZE, light.noise, seed)

    def frame(self, runs: list[Run], t: float, index: int) -> Picture:
        """Everybody who is in the picture at second `t`, far ones first."""
        picture = self._street.copy()
        here = [(run, *place) for run in runs if (place := run.at(t)) is not None]
        for run, u, aside in sorted(here, key=lambda one: one[0].passage.foot(one[1])[1]):
            self._draw(picture, run, u, aside)
        return self._sensor.expose(picture, index)

    def _draw(self, picture: Picture, run: Run, u: float, aside: float) -> None:
        passage = run.passage
        nearest = round(min(max(u, 0), len(passage) - 1))
        cut = passage.cuts[nearest]
        x, y = passage.foot(u)
        px, py = passage.foot(nearest)
        grown = self.view.scale(y) / self.view.scale(py)
        shift = (x + aside * self.view.scale(y), y)
        fade = min(1.0, (len(passage) - 1 - u) / FADE, (u + 1) / FADE if _inside(passage.cuts[0]) else 1.0)
        self._paste(picture, cut, (px, py), shift, grown, max(0.0, fade))

    def _paste(
        self,
        picture: Picture,
        cut: CutOut,
        foot: tuple[float, float],
        to: tuple[float, float],
        grown: float,
        fade: float,
    ) -> None:
        """Lay the cut-out with its `foot` (px of the clip) at `to`, `grown` times as large."""
        to_picture = np.vstack([self.window.matrix(), [0, 0, 1]])
        move = np.array(
            [
                [grown, 0, to[0] + (cut.at[0] - foot[0]) * grown],
                [0, grown, to[1] + (cut.at[1] - foot[1]) * grown],
                [0, 0, 1],
            ]
        )
        matrix = to_picture @ move
        height, width = cut.alpha.shape
        corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], float)
        x0, y0 = np.floor(corners[:2].min(axis=1)).astype(int)
        x1, y1 = np.ceil(corners[:2].max(axis=1)).astype(int)
        x0, y0, x1, y1 = max(0, x0), max(0, y0), min(self.window.SIZE[0], x1), min(self.window.SIZE[1], y1)
        if x1 <= x0 + 1 or y1 <= y0 + 1:
            return
        matrix[:2, 2] -= (x0, y0)
        size = (int(x1 - x0), int(y1 - y0))
        colour = cv2.warpAffine(cut.colour, matrix[:2], size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(cut.alpha, matrix[:2], size, flags=cv2.INTER_LINEAR).astype(np.float32)
        share = (alpha * (fade / 255))[..., None]
        part = picture[y0:y1, x0:x1]
        part[:] = (part * (1 - share) + self._lit(np.asarray(colour, np.uint8)) * share).astype(np.uint8)

    def _lit(self, picture: Picture) -> Picture:
        if self.light.gains == (1.0, 1.0, 1.0):
            return picture
        return np.asarray(np.clip(picture * np.array(self.light.gains, np.float32), 0, 255), np.uint8)


def _inside(cut: CutOut) -> bool:
    """Whether a passage begins in the midst of the picture (and not at its edge)."""
    return cut.at[0] > 40 and cut.at[1] > 8
