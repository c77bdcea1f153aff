"""Privacy masks as a camera can hold them (ONVIF Media2, 5.12): its own coordinates, corners and number. Pure.

A camera hides at least what the site file hides, or nothing is set and the reason is told: half a mask hides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shapely.geometry import Polygon, box

Corner = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a camera allows: masks in all, corners of one, rectangles alone."""

    masks: int
    corners: int
    rectangles: bool


class CannotHide(Exception):  # noqa: N818 - reads as a sentence
    """The camera's masks cannot hide what the site file hides."""


def fitted(zones: Sequence[Sequence[Corner]], frame: tuple[int, int], limits: Limits) -> list[list[Corner]]:
    """`zones` (px of `frame`, origin above left) as the camera's masks: -1..1, origin in the middle, y upwards.

    A zone with more corners than the camera takes is hidden with what surrounds it. Raises CannotHide.
    """
    if len(zones) > limits.masks:
        raise CannotHide(f"takes {limits.masks} masks, the site file has {len(zones)} - join some, or use masks: edge")
    seen = [part for zone in zones if (part := _seen(zone, frame))]
    return [[_own(corner, frame) for corner in _simple(zone, limits)] for zone in seen]


def _seen(zone: Sequence[Corner], frame: tuple[int, int]) -> list[Corner]:
    """The part of a zone that lies in the picture; where a corner of it lies outside, other corners come in."""
    part = Polygon(zone).buffer(0).intersection(box(0, 0, *frame))
    whole = part if isinstance(part, Polygon) else part.convex_hull
    return [] if whole.area == 0 else [(x, y) for x, y in whole.exterior.coords][:-1]


def _simple(zone: Sequence[Corner], limits: Limits) -> list[Corner]:
    """The zone itself where the camera can draw it, else the smallest simple shape around it that it can draw."""
    corners = list(zone)
    if not limits.rectangles and len(corners) <= limits.corners:
        return corners
    hull = list(Polygon(corners).convex_hull.exterior.coords)[:-1]
    if not limits.rectangles and len(hull) <= limits.corners:
        return [(x, y) for x, y in hull]
    across, down = [x for x, _ in corners], [y for _, y in corners]
    left, right, top, bottom = min(across), max(across), min(down), max(down)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _own(corner: Corner, frame: tuple[int, int]) -> Corner:
    x, y = 2 * corner[0] / frame[0] - 1, 1 - 2 * corner[1] / frame[1]
    return round(min(1.0, max(-1.0, x)), 5), round(min(1.0, max(-1.0, y)), 5)


def hides(masks: Sequence[Sequence[Corner]], zones: Sequence[Sequence[Corner]], frame: tuple[int, int]) -> bool:
    """Whether what a camera says it masks (its own coordinates) covers every zone, to a thousandth of the zone."""
    drawn = [Polygon(mask).buffer(0) for mask in masks if len(mask) > 2]
    for zone in zones:
        left = Polygon([_own(corner, frame) for corner in _seen(zone, frame)]).buffer(0)
        whole = left.area
        for one in drawn:
            left = left.difference(one)
        if left.area > whole / 1000:
            return False
    return True


__all__ = ["CannotHide", "Limits", "fitted", "hides"]
