"""How much of the ground that a box stands on lies in drawn polygons, in pixels: coarse, for deciding where to look."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from edge.plan.choice import Boxes

Point = tuple[float, float]


class Areas:
    """Polygons of one camera, in pixels of its `frame`."""

    def __init__(self, polygons: Sequence[Sequence[Point]]) -> None:
        self.shapes: list[Any] = [shapely.Polygon(polygon).buffer(0) for polygon in polygons]
        for shape in self.shapes:
            shapely.prepare(shape)

    def __len__(self) -> int:
        return len(self.shapes)

    def shares(self, boxes: Boxes) -> NDArray[np.float64]:
        """(N, P): how much of the lower half of each box (N, 4) lies in each polygon, 0..1."""
        found = np.zeros((len(boxes), len(self.shapes)))
        if not len(boxes):
            return found
        middle = (boxes[:, 1] + boxes[:, 3]) / 2
        feet = shapely.box(boxes[:, 0], middle, boxes[:, 2], boxes[:, 3])
        sizes = np.maximum(shapely.area(feet), 1e-9)
        for number, shape in enumerate(self.shapes):
            found[:, number] = shapely.area(shapely.intersection(feet, shape)) / sizes
        return found
