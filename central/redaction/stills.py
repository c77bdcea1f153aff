"""Redacted copies of a case's stills: where the accused vehicle is in each, and the copy as JPEG."""

from pathlib import Path

import cv2
import numpy as np

from central.db.cases import CaseMedia
from central.redaction.accused import at_moment
from central.redaction.finder import Box, Picture
from central.redaction.public import Place, public_copy
from central.redaction.redactor import Redactor
from contract.errors import MediaError
from contract.events import Geometry, Point, Violation

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
#: How far a picture's shape may be from the frame's to count as the whole of it.
_SAME_SHAPE = 0.01


def copy_of(named: CaseMedia, source: Path, violation: Violation, redactor: Redactor, plate: str | None) -> bytes:
    """A JPEG without the faces and plates that were found, but for the accused vehicle's `plate`. Raises MediaError."""
    picture = picture_in(source)
    return as_jpeg(redactor.picture(picture, accused_in(named, violation, picture), plate).picture, source.name)


def public_of(
    named: CaseMedia, source: Path, violation: Violation, redactor: Redactor, plate: str | None
) -> tuple[bytes, bool]:
    """What the public may see of a still, as JPEG, and whether the vehicle's plate can be read there.

    Raises MediaError.
    """
    picture = picture_in(source)
    lines: list[list[Point]] = []
    if named.role == "far" and _is_whole(named, violation.geometry):
        across, down = _scale(picture, violation.geometry)
        lines = [[(x * across, y * down) for x, y in violation.geometry.zone]]
    place = Place(accused_in(named, violation, picture), lines, named.role == "plate")
    copy = public_copy(picture, place, plate, redactor)
    return as_jpeg(copy.picture, source.name), copy.plate is not None


def accused_in(named: CaseMedia, violation: Violation, picture: Picture) -> Box | None:
    """Where the accused vehicle stands in a still (px): in a close-up everywhere, else where the box saw it then."""
    height, width = picture.shape[:2]
    if named.role in {"near", "plate"}:
        return (0.0, 0.0, float(width), float(height))
    if not _is_whole(named, violation.geometry):
        return None
    box = at_moment(violation.geometry, named.moment or "", named.t)
    if box is None:
        return None
    across, down = _scale(picture, violation.geometry)
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def _is_whole(named: CaseMedia, geometry: Geometry) -> bool:
    return abs(named.w / named.h / (geometry.frame[0] / geometry.frame[1]) - 1) <= _SAME_SHAPE


def _scale(picture: Picture, geometry: Geometry) -> tuple[float, float]:
    return picture.shape[1] / geometry.frame[0], picture.shape[0] / geometry.frame[1]


def picture_in(source: Path) -> Picture:
    """The picture in a file, BGR. Raises MediaError."""
    found = cv2.imdecode(np.frombuffer(source.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise MediaError(f"{source.name}: cannot be decoded as a picture, so no copy can be made of it")
    return np.ascontiguousarray(found, np.uint8)


def as_jpeg(picture: Picture, name: str) -> bytes:
    """A picture as JPEG. Raises MediaError."""
    done, raw = cv2.imencode(".jpg", picture, _QUALITY)
    if not done:
        raise MediaError(f"{name}: could not be encoded")
    return bytes(raw.tobytes())


__all__ = ["accused_in", "as_jpeg", "copy_of", "picture_in", "public_of"]
