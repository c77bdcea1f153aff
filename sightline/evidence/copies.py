"""Copies for people's eyes: stills with what the case is about drawn on them, and copies that show nobody."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from central.db.cases import CaseMedia
from central.redaction.accused import along
from central.redaction.finder import Box, Picture
from central.redaction.video import redact_video
from central.web import overlay
from contract.errors import MediaError
from contract.events import Manifest, Violation

if TYPE_CHECKING:
    from central.redaction.redactor import Redactor

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
#: BGR of each kind of shape, as on the case page.
_COLOURS = {
    "zone": (0, 190, 255), "carriageway": (200, 200, 200), "lane": (200, 160, 0), "stop-line": (255, 255, 255),
    "vehicle": (0, 0, 230), "pedestrian": (0, 200, 0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy in a file of its own, and the original's SHA-256."""

    name: str
    what: str
    path: Path
    of: str


def drawn(named: CaseMedia, source: Path, violation: Violation, folder: Path, name: str) -> Copy | None:
    """The whole-frame still with zone, vehicle and people drawn on; None for crops and what is drawn on already."""
    geometry = violation.geometry
    if named.kind != "image" or named.overlay or not overlay.shows_frame(geometry, named.w, named.h):
        return None
    picture = _picture(source)
    height, width = picture.shape[:2]
    scale = np.array([width / geometry.frame[0], height / geometry.frame[1]])
    for shape in overlay.of_moment(geometry, named.moment or "", named.t).shapes:
        points = np.array([[float(v) for v in point.split(",")] for point in shape.points.split()]) * scale
        line = [np.rint(points).astype(np.int32)]
        cv2.polylines(picture, line, shape.closed, _COLOURS.get(shape.kind, (255, 0, 255)), max(2, width // 640))
    return Copy(f"overlay/{name}.jpg", "overlay", _written(picture, folder / f"overlay-{name}.jpg"), named.sha256)


def redacted(
    named: CaseMedia,
    source: Path,
    violation: Violation,
    manifest: Manifest,
    redactor: "Redactor",
    folder: Path,
    name: str,
) -> Copy:
    """A copy on which no face, and no plate but the accused vehicle's, can be recognised. Raises MediaError."""
    if named.kind == "video":
        target = folder / f"redacted-{name}.mp4"
        accused = along(violation.geometry, manifest.video) if manifest.video else None
        redact_video(source, target, redactor, accused)
        return Copy(f"redacted/{name}.mp4", "redacted", target, named.sha256)
    picture = _picture(source)
    done = redactor.picture(picture, _accused(named, violation, picture))
    target = _written(done.picture, folder / f"redacted-{name}.jpg")
    return Copy(f"redacted/{name}.jpg", "redacted", target, named.sha256)


def _accused(named: CaseMedia, violation: Violation, picture: Picture) -> Box | None:
    """Where the accused vehicle stands in a still: in a close-up everywhere, in a whole frame where the box saw it."""
    height, width = picture.shape[:2]
    if named.role in {"near", "plate"}:
        return (0.0, 0.0, float(width), float(height))
    geometry = violation.geometry
    box = geometry.boxes.get(named.moment or "")
    if box is None or not overlay.shows_frame(geometry, named.w, named.h):
        return None
    across, down = width / geometry.frame[0], height / geometry.frame[1]
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def _picture(source: Path) -> Picture:
    found = cv2.imdecode(np.frombuffer(source.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise MediaError(f"{source.name}: cannot be decoded as a picture, so no copy can be made of it")
    return np.ascontiguousarray(found, np.uint8)


def _written(picture: Picture, path: Path) -> Path:
    done, raw = cv2.imencode(".jpg", picture, _QUALITY)
    if not done:
        raise MediaError(f"{path.name}: could not be encoded")
    path.write_bytes(raw.tobytes())
    return path


__all__ = ["Copy", "drawn", "redacted"]
