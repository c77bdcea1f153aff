"""A street as a clip filmed it: the empty road, and whoever runs over it, drawn at 1080p from their own cut-outs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import cv2
import numpy as np

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.passage import CutOut
from sightline.bench.mix.run import Run
from sightline.bench.mix.sensor import Sensor
from sightline.bench.mix.view import Point, View, Window
from sightline.bench.mix.walker import DARK, Stroll, shadow_of

#: Cut-outs fade in and out over so many frames at the ends of their way, where a street swallows them.
FADE = 7.0


@dataclass(frozen=True, slots=True)
class Light:
    """The hour of the day: gains for blue, green and red, and the sensor's noise in grey levels."""

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 2.2


class FilmedStreet:
    """Draws frames of one window of one clip."""

    def __init__(
        self, street: Picture, view: View, window: Window, light: Light, seed: int, paint: Sequence[list[Point]] = ()
    ) -> None:
        """`paint` are polygons of white road paint, px of the picture."""
        self.view, self.window, self.light = view, window, light
        matrix = np.array(window.matrix())
        wide = cv2.warpAffine(street, matrix, window.SIZE, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
        soft = cv2.GaussianBlur(wide, (0, 0), 2.0)
        sharp = np.asarray(cv2.addWeighted(wide, 1.35, soft, -0.35, 0), np.uint8)
        self._street = self._lit(painted(sharp, paint, seed))
        self._sensor = Sensor(window.SIZE, light.noise, seed)

    def frame(self, runs: list[Run], strolls: list[Stroll], t: float, index: int) -> Picture:
        """Everybody who is in the picture at second `t`, far ones first."""
        picture = self._street.copy()
        here: list[tuple[float, Callable[[], None]]] = []
        for run in runs:
            if (place := run.at(t)) is not None:
                here.append((run.passage.foot(place[0])[1], partial(self._draw, picture, run, *place)))
        for stroll in strolls:
            if (ground := stroll.at(t)) is not None:
                foot = self.view.pixel(ground)
                here.append((foot[1], partial(self._walk, picture, stroll, foot, t)))
        for _, draw in sorted(here, key=itemgetter(0)):
            draw()
        return self._sensor.expose(picture, index)

    def _walk(self, picture: Picture, stroll: Stroll, foot: Point, t: float) -> None:
        number = stroll.step(t)
        cut, own = stroll.gait.cuts[number], stroll.gait.feet[number]
        grown = self.view.scale(foot[1]) / self.view.scale(own[1])
        if stroll.heads_right(t, self.view):
            width = cut.alpha.shape[1]
            flipped = np.ascontiguousarray(cut.colour[:, ::-1]), np.ascontiguousarray(cut.alpha[:, ::-1])
            cut = CutOut(*flipped, (round(2 * own[0] - cut.at[0] - width), cut.at[1]))
        self._paste(picture, shadow_of(cut, own), own, foot, grown, DARK)
        self._paste(picture, cut, own, foot, grown, 1.0)

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


def painted(picture: Picture, polygons: Sequence[list[Point]], seed: int) -> Picture:
    """White paint on the road, worn in patches; the road's own light and grain show through."""
    if not polygons:
        return picture
    mask = np.zeros(picture.shape[:2], np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.round(np.array(polygon) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    rng = np.random.default_rng(seed)
    low = rng.normal(0, 1, (picture.shape[0] // 12 + 1, picture.shape[1] // 12 + 1)).astype(np.float32)
    worn = cv2.resize(low, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    share = cv2.GaussianBlur(mask, (0, 0), 1.6).astype(np.float32) / 255 * np.clip(0.74 + 0.13 * worn, 0.3, 0.92)
    grey = picture.mean(axis=2, keepdims=True)
    white = np.clip(grey * 0.55 + np.array([118, 120, 118], np.float32), 0, 255)
    return np.asarray(picture * (1 - share[..., None]) + white * share[..., None], np.uint8)


def _inside(cut: CutOut) -> bool:
    """Whether a passage begins in the midst of the picture (and not at its edge)."""
    return cut.at[0] > 40 and cut.at[1] > 8
