"""Paints masks into decoded pictures, in YUV as they come: no colour is converted, and the decoder's own stay whole."""

import av
import numpy as np
from av.video.reformatter import Interpolation

from edge.masking.area import boxes
from edge.masking.plan import Plan

#: What is painted: black, in luma of the narrow range, which players of either range show as black. Y, U, V.
COLOUR = (16, 128, 128)
#: 8-bit 4:2:0, which the encoder takes as it is; what is not is converted to the first of them.
_KEPT = ("yuv420p", "yuvj420p")


class Painter:
    """Paints for one size of pictures, always into the same picture of its own.

    The decoder needs its pictures unpainted: the next are predicted from them.
    """

    def __init__(self, plan: Plan, first: av.VideoFrame) -> None:
        """For pictures like `first`."""
        self.of = (first.width, first.height, first.format.name)
        self.size = plan.size(first.width, first.height)
        kept = first.format.name in _KEPT
        self._as_it_is = kept and self.size == self.of[:2]
        self._own = av.VideoFrame(*self.size, _KEPT[1] if first.format.name.startswith("yuvj") else _KEPT[0])
        self._boxes = boxes(plan.polygons, plan.frame, self.size)

    def paint(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The picture with its masks painted; good until the next call."""
        source = frame
        if not self._as_it_is:
            source = frame.reformat(
                *self.size, format=self._own.format.name, interpolation=Interpolation.AREA, threads=1
            )
        for number, (ours, theirs) in enumerate(zip(self._own.planes, source.planes, strict=True)):
            plane = _rows(ours)
            np.copyto(plane, _rows(theirs))
            step = 2 if number else 1
            for box in self._boxes:
                plane[box.top // step : box.bottom // step, box.left // step : box.right // step] = COLOUR[number]
        return self._own


def _rows(plane: av.video.plane.VideoPlane) -> np.ndarray:
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


__all__ = ["COLOUR", "Painter"]
