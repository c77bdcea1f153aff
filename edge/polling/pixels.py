"""Out of one decoded keyframe: the few small pictures and numbers that every check of it is made of. Grey levels 0-255.

Everything is measured on luma. Parts that are masked or to be ignored (`Area`) say nothing about a camera's health.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.cameras.planes import luma
from edge.cameras.sample import BLOCK, sample, step_of
from edge.masking.area import boxes

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
#: Width of the picture that structure is compared on, and of the one that sharpness is read from. Pixels.
SMALL, FINE = 320, 640
#: Cells (columns, rows) of the grid in which sharpness is compared.
GRID = (8, 6)
#: A cell has structure above this mean square. Grey levels squared.
TEXTURE = 40.0
#: A gradient is an edge above this share of the picture's brightness, and never below so many grey levels.
_EDGE_SHARE, _EDGE_LEAST = 0.15, 6.0
#: A mask's own edge belongs to nobody, as a codec blurs it. Share of the picture's width.
_RIM = 0.012

Polygon = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Area:
    """What of a camera's picture counts: `frame` is the size (pixels) that its polygons are drawn in.

    `painted`: this box paints the masks, which takes more than their polygons (`edge.masking.area`).
    """

    frame: tuple[int, int]
    masks: tuple[tuple[tuple[float, float], ...], ...] = ()
    ignored: tuple[tuple[tuple[float, float], ...], ...] = ()
    painted: bool = False

    def laid(self, width: int, height: int) -> "Area":
        """The same for pictures of one size, with masks as they are painted there.

        Else a mask's own corners, which never move however the camera is turned, would be the best landmarks of all.
        """
        if not self.painted:
            return self
        across, down = self.frame[0] / width, self.frame[1] / height
        masks = tuple(
            tuple((x * across, y * down) for x in (one.left, one.right) for y in (one.top, one.bottom))
            for one in boxes(self.masks, self.frame, (width, height))
        )
        return replace(self, masks=tuple((a, c, d, b) for a, b, c, d in masks), painted=False)

    def counts(self, width: int, height: int) -> Grey:
        """255 where the picture counts, 0 elsewhere, as a picture of that size."""
        canvas = np.full((height, width), 255, np.uint8)
        for polygon in (*self.masks, *self.ignored):
            cv2.fillPoly(canvas, [self.scaled(polygon, width, height)], 0)
        return cv2.erode(canvas, np.ones((3, 3), np.uint8)) if self.masks or self.ignored else canvas

    def hidden(self, width: int, height: int) -> list[Grey]:
        """For each mask, 255 well inside of it."""
        rim = 2 * max(1, round(_RIM * width)) + 1
        found = []
        for polygon in self.masks:
            canvas = np.zeros((height + 2, width + 2), np.uint8)
            cv2.fillPoly(canvas[1:-1, 1:-1], [self.scaled(polygon, width, height)], 255)
            inner = cv2.erode(canvas, np.ones((rim, rim), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=255)
            found.append(inner[1:-1, 1:-1])
        return found

    def scaled(self, polygon: Polygon, width: int, height: int) -> NDArray[np.int32]:
        """A polygon in pixels of a picture of that size."""
        share = np.array([width / self.frame[0], height / self.frame[1]])
        return np.asarray(np.rint(np.asarray(polygon, float) * share), np.int32)


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture. `small` is 320 px wide, `blocks` (n, 16, 16) full-size samples; the rest as the rules read it.

    `textured`: share of the grid's cells in which there is anything to be seen; letters in a corner are in few of them.
    """

    small: Grey
    blocks: Grey
    mean: float
    std: float
    edges: float
    detail: Floats
    coarse: Floats
    textured: float
    unmasked: float


class Reader:
    """Reads pictures of one size; what belongs to the size alone is made once."""

    def __init__(self, area: Area, width: int, height: int) -> None:
        self.size = width, height
        area = area.laid(width, height)
        self._small = SMALL, max(48, round(SMALL * height / width))
        self._fine = FINE, 2 * self._small[1]
        self._counts = area.counts(*self._small)
        self._hidden = [one for one in area.hidden(*self._fine) if one.any()]
        self._cells = cv2.resize(self._counts, GRID, interpolation=cv2.INTER_AREA) > 127
        self._step = step_of(width)
        self.blocks = self._counting_blocks(area)

    @property
    def counts(self) -> Grey:
        """255 where the small picture counts."""
        return self._counts

    def read(self, frame: av.VideoFrame, before: Grey | None = None) -> Seen:
        """Measure a frame of this reader's size. `before`: its sample, masks painted, before it was encoded again."""
        whole = luma(frame)
        fine = cv2.resize(whole, self._fine, interpolation=cv2.INTER_AREA)
        small = cv2.resize(fine, self._small, interpolation=cv2.INTER_AREA)
        mean, std = (float(one[0][0]) for one in cv2.meanStdDev(small, mask=self._counts))
        detail, coarse = self._detail(fine, small)
        return Seen(
            small=np.asarray(small, np.uint8),
            blocks=self._counting(sample(whole) if before is None or len(before) != len(self.blocks) else before),
            mean=mean,
            std=std,
            edges=self._edges(small, mean),
            detail=detail,
            coarse=coarse,
            textured=float(np.mean(coarse[self._cells] > TEXTURE)) if self._cells.any() else 1.0,
            unmasked=max((_varied(fine, one) for one in self._hidden), default=0.0),
        )

    def _edges(self, small: Grey, mean: float) -> float:
        """Share of the picture that is an edge, measured against its brightness: a dimmer lamp takes none away."""
        smooth = cv2.blur(small, (3, 3))
        across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        strong = cv2.magnitude(across, down) / 4 > max(_EDGE_LEAST, _EDGE_SHARE * mean)
        counting = self._counts > 0
        return int(np.count_nonzero(strong & counting)) / max(1, int(np.count_nonzero(counting)))

    def _detail(self, fine: Grey, small: Grey) -> tuple[Floats, Floats]:
        """Structure of one and of many pixels, cell by cell: their ratio is sharpness, whatever the light."""
        near = cv2.subtract(fine, cv2.blur(fine, (3, 3)), dtype=cv2.CV_32F)
        far = cv2.subtract(small, cv2.blur(small, (41, 41)), mask=self._counts, dtype=cv2.CV_32F)
        return _energy(near), _energy(far)

    def _counting(self, blocks: Grey) -> Grey:
        return np.ascontiguousarray(blocks[self.blocks])

    def _counting_blocks(self, area: Area) -> NDArray[np.bool_]:
        """Which blocks lie wholly where the picture counts."""
        width, height = self.size
        rows, columns = height // self._step, width // self._step
        counts = area.counts(width, height)[: rows * self._step, : columns * self._step]
        tiles = counts.reshape(rows, self._step, columns, self._step)[:, :BLOCK, :, :BLOCK]
        return np.asarray(tiles.min(axis=(1, 3)) > 0).reshape(-1)


def _energy(structure: NDArray[np.generic]) -> Floats:
    """Mean square in each cell, less what the flattest cells have: that is noise."""
    cells = cv2.resize(np.square(structure, dtype=np.float32), GRID, interpolation=cv2.INTER_AREA)
    return np.asarray(np.maximum(cells - 1.1 * np.quantile(cells, 0.1), 0.0), np.float32)


def _varied(fine: Grey, inside: Grey) -> float:
    """Share of a mask's pixels that are not of its one colour."""
    values = fine[inside > 0].astype(np.int16)
    return float(np.mean(np.abs(values - np.median(values)) > 14))


__all__ = ["BLOCK", "FINE", "GRID", "SMALL", "TEXTURE", "Area", "Floats", "Grey", "Reader", "Seen"]
