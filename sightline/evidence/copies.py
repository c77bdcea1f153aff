"""Copies for people's eyes: stills with what the case is about drawn on them, and copies that show nobody."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from central.db.cases import CaseMedia
from central.redaction.accused import along
from central.redaction.finder import Picture
from central.redaction.stills import as_jpeg, copy_of, picture_in
from central.redaction.video import redact_video
from central.web import overlay
from contract.events import Manifest, Violation

if TYPE_CHECKING:
    from central.redaction.redactor import Redactor

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
    picture = picture_in(source)
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
    plate: str | None,
    folder: Path,
    name: str,
) -> Copy:
    """A copy on which no face, and no plate but the accused vehicle's `plate`, can be recognised. Raises MediaError."""
    if named.kind == "video":
        target = folder / f"redacted-{name}.mp4"
        accused = along(violation.geometry, manifest.video) if manifest.video else None
        redact_video(source, target, redactor, accused, plate=plate)
        return Copy(f"redacted/{name}.mp4", "redacted", target, named.sha256)
    target = folder / f"redacted-{name}.jpg"
    target.write_bytes(copy_of(named, source, violation, redactor, plate))
    return Copy(f"redacted/{name}.jpg", "redacted", target, named.sha256)


def _written(picture: Picture, path: Path) -> Path:
    path.write_bytes(as_jpeg(picture, path.name))
    return path


__all__ = ["Copy", "drawn", "redacted"]
