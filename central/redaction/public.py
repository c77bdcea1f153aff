"""Stills for the public, safe by construction: all in squares, but the vehicle's own plate where it was read.

A finder that misses somebody gives nobody away: nothing of the camera's picture is left as it was but a plate that was
read to be the accused vehicle's. What finders do find is made coarser still. Everything is measured in heights of the
vehicle's box: a car is 1.5 m high, a head 0.25 m, a plate 0.44 m wide, and taller vehicles make the squares larger.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from central.redaction.blur import blurred, squares, within
from central.redaction.finder import Box, Picture
from central.redaction.redactor import Redactor
from contract.events import Point

#: Outside of the vehicle a square is a sixth of its height: a head beside it is one square, a plate less than two.
_BESIDE = 6
#: Within it a head is three squares, as few as `blur` leaves of a face, a plate five; shape and colour stay.
_WITHIN = 18
#: Squares along the longest side, at most: a small vehicle far away says nothing of who stands near the camera.
_ACROSS = 80
#: The same where it is not known where the vehicle stands.
_ACROSS_UNKNOWN = 40
#: Of a close-up of a plate: a head behind it is three squares, and six are too few for seven characters.
_ACROSS_PLATE = 6
#: BGR, with a dark edge so that it is seen on any road.
_ZONE, _VEHICLE, _EDGE = (0, 190, 255), (255, 255, 255), (20, 20, 20)


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are in a still (px): the vehicle, None where that is not known, and lines to draw.

    In a close-up of a plate (`plate_only`) the vehicle fills the picture.
    """

    vehicle: Box | None
    lines: Sequence[Sequence[Point]] = ()
    plate_only: bool = False


@dataclass(frozen=True, slots=True)
class PublicCopy:
    """The copy, and where the plate stands that can be read in it (px), if one can."""

    picture: Picture
    plate: Box | None


def public_copy(picture: Picture, place: Place, plate: str | None, redactor: Redactor) -> PublicCopy:
    """A copy of a BGR picture (H, W, 3) in which nobody is to be known and no plate but `plate` is to be read."""
    found = redactor.found(picture, place.vehicle, plate)
    copy = _coarse(picture, place)
    _drawn(copy, place)
    if found.own is not None:
        left, top, right, bottom = within(picture, found.own)
        copy[top:bottom, left:right] = picture[top:bottom, left:right]
    return PublicCopy(blurred(copy, found.boxes), found.own)


def _coarse(picture: Picture, place: Place) -> Picture:
    longest, vehicle = max(picture.shape[:2]), place.vehicle
    if place.plate_only:
        return squares(picture, longest / _ACROSS_PLATE)
    if vehicle is None:
        return squares(picture, longest / _ACROSS_UNKNOWN)
    high = vehicle[3] - vehicle[1]
    copy = squares(picture, max(longest / _ACROSS, high / _BESIDE))
    left, top, right, bottom = within(picture, vehicle)
    if right > left and bottom > top:
        copy[top:bottom, left:right] = squares(picture[top:bottom, left:right], high / _WITHIN)
    return copy


def _drawn(picture: Picture, place: Place) -> None:
    """The zone, and corners around the vehicle: squares hide where lines on the road run."""
    thick = max(2, max(picture.shape[:2]) // 640)
    zones = [np.rint(np.array(line)).astype(np.int32) for line in place.lines]
    corners = _corners(place.vehicle) if place.vehicle is not None and place.lines else []
    for width, of_zone, of_vehicle in ((thick + 2, _EDGE, _EDGE), (thick, _ZONE, _VEHICLE)):
        cv2.polylines(picture, zones, True, of_zone, width)
        cv2.polylines(picture, corners, False, of_vehicle, width)


def _corners(box: Box) -> "list[np.ndarray[tuple[int, ...], np.dtype[np.int32]]]":
    x1, y1, x2, y2 = box
    arm = min(x2 - x1, y2 - y1) / 4
    ends = [(x1, y1, 1, 1), (x2, y1, -1, 1), (x2, y2, -1, -1), (x1, y2, 1, -1)]
    return [
        np.rint(np.array([(x + right * arm, y), (x, y), (x, y + down * arm)])).astype(np.int32)
        for x, y, right, down in ends
    ]


__all__ = ["Place", "PublicCopy", "public_copy"]
