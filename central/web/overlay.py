"""What is drawn over a still or the clip: zone, lane, stop line, the suspected vehicle and the pedestrians.

Everything stays in pixels of the camera's `frame`; the SVG's viewBox does the scaling. Pure: geometry in, shapes out.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contract.events import Box, Geometry, Point

#: A still further than this from every sighting of the track (s) is drawn without a vehicle box: no guess.
NEAR_S = 0.6
#: A picture is of the whole frame when its proportions differ less than this; a crop is drawn without overlay.
SAME_SHAPE = 0.01


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing drawn: `kind` is its style and its word, `points` SVG's, `closed` an area or a line."""

    kind: str
    points: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Overlay:
    """Shapes in a frame of `width` x `height` pixels."""

    width: int
    height: int
    shapes: tuple[Shape, ...]


def of_moment(geometry: Geometry, moment: str, t: float) -> Overlay:
    """The overlay of the still that shows `moment`, taken at stream time `t` (s)."""
    shapes = list(_ground(geometry))
    box = geometry.boxes.get(moment) or _box_at(geometry, t)
    if box is not None:
        shapes.append(_rectangle("vehicle", box))
    for boxes in geometry.pedestrians.values():
        if moment in boxes:
            shapes.append(_rectangle("pedestrian", boxes[moment]))
    return Overlay(*geometry.frame, tuple(shapes))


def of_clip(geometry: Geometry) -> Overlay:
    """The overlay of the clip: the ground and the path; the page moves the vehicle's box with the picture."""
    shapes = list(_ground(geometry))
    if len(geometry.track) > 1:
        feet = [((p.box[0] + p.box[2]) / 2, p.box[3]) for p in geometry.track]
        shapes.append(Shape("track", _points(feet), closed=False))
    return Overlay(*geometry.frame, tuple(shapes))


def shows_frame(geometry: Geometry, width: int, height: int) -> bool:
    """Whether a picture of `width` x `height` shows the whole frame, and not a crop of it."""
    whole = geometry.frame[0] / geometry.frame[1]
    return abs(width / height / whole - 1) <= SAME_SHAPE


def sightings(geometry: Geometry) -> list[list[float]]:
    """The track for the player: [t, x1, y1, x2, y2] a sighting, t in stream seconds, px rounded to a tenth."""
    known = [(p.t, p.box) for p in geometry.track]
    return [[round(t, 3), *(round(v, 1) for v in box)] for t, box in sorted(known)]


def kinds(overlays: Iterable[Overlay]) -> list[str]:
    """Which kinds of shape are drawn anywhere, in order of drawing: the legend."""
    return list(dict.fromkeys(shape.kind for overlay in overlays for shape in overlay.shapes))


def _ground(geometry: Geometry) -> Iterable[Shape]:
    if geometry.carriageway:
        yield Shape("carriageway", _points(geometry.carriageway), closed=True)
    if geometry.zone:
        yield Shape("zone", _points(geometry.zone), closed=True)
    if geometry.lane:
        yield Shape("lane", _points(geometry.lane), closed=True)
    if geometry.stop_line:
        yield Shape("stop-line", _points(geometry.stop_line), closed=False)


def _box_at(geometry: Geometry, t: float) -> Box | None:
    """The box of the sighting nearest to `t`, None when none is near."""
    track = sorted(geometry.track, key=lambda point: point.t)
    place = bisect_left([point.t for point in track], t)
    near = track[max(0, place - 1) : place + 1]
    best = min(near, key=lambda point: abs(point.t - t), default=None)
    return best.box if best and abs(best.t - t) <= NEAR_S else None


def _rectangle(kind: str, box: Box) -> Shape:
    x1, y1, x2, y2 = box
    return Shape(kind, _points([(x1, y1), (x2, y1), (x2, y2), (x1, y2)]), closed=True)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
