"""Where the accused vehicle stands at each moment of its clip, from what the box sealed with its decision."""

from bisect import bisect_right

from central.redaction.finder import Box
from central.redaction.video import Accused
from contract.events import Geometry, Video

#: Beyond its first and last sighting the vehicle is taken to be where it was for this long, in seconds.
_BEYOND_S = 1.0


def along(geometry: Geometry, video: Video) -> Accused:
    """The vehicle's box in pixels of the clip, by second of the clip: linear between two sightings, None beyond them.

    Without sightings it is nowhere, and then every plate is blurred.
    """
    points = sorted((point.t, point.box) for point in geometry.track)
    across, down = video.w / geometry.frame[0], video.h / geometry.frame[1]

    def at(second: float) -> Box | None:
        box = _between(points, video.t0 + second)
        return None if box is None else (box[0] * across, box[1] * down, box[2] * across, box[3] * down)

    return at


def at_moment(geometry: Geometry, moment: str, t: float) -> Box | None:
    """The vehicle's box at a moment of the decision, else at stream second `t` (px of the frame); None if unknown."""
    known = geometry.boxes.get(moment)
    return known or _between(sorted((point.t, point.box) for point in geometry.track), t)


def _between(points: list[tuple[float, Box]], t: float) -> Box | None:
    if not points or t < points[0][0] - _BEYOND_S or t > points[-1][0] + _BEYOND_S:
        return None
    behind = bisect_right(points, t, key=lambda point: point[0])
    if behind == 0:
        return points[0][1]
    if behind == len(points):
        return points[-1][1]
    (t1, one), (t2, two) = points[behind - 1], points[behind]
    share = (t - t1) / (t2 - t1) if t2 > t1 else 0.0
    x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(one, two, strict=True))
    return x1, y1, x2, y2
