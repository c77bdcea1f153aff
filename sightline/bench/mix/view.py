"""How a clip's camera looks at its road: enough of a pinhole to shift, scale and measure what stands on the ground.

A camera without roll that stands `height` m above a flat road with its horizon at row `horizon` sees a point of the
ground at row y under the scale (y - horizon) / height px/m. Pixels are the clip's, x right, y down; metres have X to
the right of the camera and Z away from it.
"""

from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class View:
    """A calibration: horizon px, camera height m, focal length px, column of the optical axis px."""

    horizon: float
    height: float
    focal: float
    middle: float

    def scale(self, y: float) -> float:
        """Pixels a metre, across the picture, where the ground is at row `y`."""
        return max(y - self.horizon, 1.0) / self.height

    def metres(self, point: Point) -> Point:
        """(X, Z) of a pixel of the ground."""
        scale = self.scale(point[1])
        return (point[0] - self.middle) / scale, self.focal / scale

    def pixel(self, metres: Point) -> Point:
        """The pixel of a point of the ground (X, Z), Z > 0."""
        scale = self.focal / metres[1]
        return self.middle + metres[0] * scale, self.horizon + scale * self.height


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a clip that becomes a 1080p picture: left, top and width in px of the clip, perhaps mirrored."""

    left: float
    top: float
    width: float
    mirrored: bool = False

    #: The size of what the cameras of the county send, px.
    SIZE = (1920, 1080)

    @property
    def zoom(self) -> float:
        """Pixels of the picture for one of the clip."""
        return self.SIZE[0] / self.width

    def pixel(self, point: Point) -> Point:
        """A pixel of the clip as a pixel of the picture."""
        x = (point[0] - self.left) * self.zoom
        return (self.SIZE[0] - x if self.mirrored else x), (point[1] - self.top) * self.zoom

    def matrix(self) -> list[list[float]]:
        """The same as a 2x3 affine matrix."""
        zoom = self.zoom
        if self.mirrored:
            return [[-zoom, 0.0, self.SIZE[0] + self.left * zoom], [0.0, zoom, -self.top * zoom]]
        return [[zoom, 0.0, -self.left * zoom], [0.0, zoom, -self.top * zoom]]
