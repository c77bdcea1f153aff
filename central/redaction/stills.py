"""Redacted copies of a case's stills: where the accused vehicle is in each, and the copy as JPEG."""

from pathlib import Path

import cv2
import numpy as np

from central.db.cases import CaseMedia
from central.redaction.finder import Box, Picture
from central.redaction.redactor import Redactor
from contract.errors import MediaError
from contract.events import Violation

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
#: How far a picture's shape may be from the frame's to count as the whole of it.
_SAME_SHAPE = 0.01


def copy_of(named: CaseMedia, source: Path, violation: Violation, redactor: Redactor) -> bytes:
    """A JPEG on which no face, and no plate but the accused vehicle's, can be recognised. Raises MediaError."""
    picture = picture_in(source)
    return as_jpeg(redactor.picture(picture, accused_in(named, violation, picture)).picture, source.name)


def accused_in(named: CaseMedia, violation: Violation, picture: Picture) -> Box | None:
    """Where the accused vehicle stands in a still: in a close-up everywhere, in a whole frame where the box saw it."""
    height, width = picture.shape[:2]
    if named.role in {"near", "plate"}:
        return (0.0, 0.0, float(width), float(height))
    geometry = violation.geometry
    box = geometry.boxes.get(named.moment or "")
    whole = abs(named.w / named.h / (geometry.frame[0] / geometry.frame[1]) - 1) <= _SAME_SHAPE
    if box is None or not whole:
        return None
    across, down = width / geometry.frame[0], height / geometry.frame[1]
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


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


__all__ = ["accused_in", "as_jpeg", "copy_of", "picture_in"]
