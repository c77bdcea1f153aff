"""Which pixels of a picture are painted over: whole macroblocks that a masked polygon touches, and one more around.

An encoder predicts, transforms and smooths within blocks of 16 px, and colour is kept for every second pixel only; so
what is hidden ends at a block's edge, and a further block around it keeps smear of the painted edge, too, off it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

#: Width and height of a macroblock [px] (ITU-T H.264, 3.88), and how many more are painted around.
BLOCK, BORDER = 16, 1
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Box:
    """Pixels from `left`, `top` to before `right`, `bottom`; all even, as colour has half the size."""

    left: int
    top: int
    right: int
    bottom: int


def boxes(polygons: Sequence[Points], frame: tuple[int, int], size: tuple[int, int]) -> list[Box]:
    """What is painted in a picture of `size` (width, height px, even) for polygons in px of `frame`, as few boxes.

    Every pixel that a polygon touches lies within, whatever its shape: also one that crosses itself, or has no area.
    """
    width, height = size
    cells = _touched(polygons, (width / frame[0], height / frame[1]), (-(-width // BLOCK), -(-height // BLOCK)))
    return [
        Box(left * BLOCK, top * BLOCK, min(right * BLOCK, width), min(bottom * BLOCK, height))
        for left, top, right, bottom in _joined(_grown(cells))
    ]


def _touched(polygons: Sequence[Points], scale: tuple[float, float], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """(rows, columns) of macroblocks that some polygon touches, with `BORDER` more around the picture."""
    columns, rows = np.meshgrid(*(np.arange(-BORDER, count + BORDER) for count in grid))
    blocks = shapely.box(columns * BLOCK, rows * BLOCK, (columns + 1) * BLOCK, (rows + 1) * BLOCK)
    found = np.zeros(columns.shape, dtype=np.bool_)
    for points in polygons:
        area = _inside([(x * scale[0], y * scale[1]) for x, y in points])
        shapely.prepare(area)
        found |= shapely.intersects(area, blocks)
    return found


def _inside(points: Points) -> shapely.Geometry:
    """All that the line through `points` and back encloses, holes and loops as well, and the line itself."""
    line = shapely.unary_union(shapely.LineString([*points, points[0]]))
    inner = shapely.get_parts(shapely.polygonize(shapely.get_parts(line)))
    return shapely.union_all([shapely.MultiPoint(points), line, *inner])  # a line of no length is none to shapely


def _grown(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The picture's own cells: those that are `BORDER` or less from one of `cells`."""
    height, width = (count - 2 * BORDER for count in cells.shape)
    found = np.zeros((height, width), dtype=np.bool_)
    for down in range(2 * BORDER + 1):
        for right in range(2 * BORDER + 1):
            found |= cells[down : down + height, right : right + width]
    return found


def _joined(cells: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """The cells as (left, top, right, bottom): runs of a row, joined with the same runs below."""
    done: list[tuple[int, int, int, int]] = []
    open_: dict[tuple[int, int], int] = {}
    for row in range(cells.shape[0] + 1):
        line = np.pad(cells[row], 1) if row < cells.shape[0] else np.zeros(1, dtype=np.bool_)
        edges = np.flatnonzero(np.diff(line.astype(np.int8))).tolist()
        runs = set(zip(edges[::2], edges[1::2], strict=True))
        done += [(run[0], top, run[1], row) for run, top in open_.items() if run not in runs]
        open_ = {run: open_.get(run, row) for run in runs}
    return done


__all__ = ["BLOCK", "Box", "boxes"]
