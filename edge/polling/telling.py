"""Troubles as sealed events, with a still whose masks are painted."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2

from contract.events import CloudEvent, EventType, case_key, new_event, now, rfc3339
from contract.feedhealth import Cleared, Still, Trouble
from edge.cameras.planes import scaled
from edge.judgement import Place
from edge.polling.matters import Begun, Ended
from edge.polling.pixels import Area
from edge.polling.rules import RULES

#: Largest still. Pixels.
STILL = (1280, 720)


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes the events of one camera."""

    edge_id: str
    site: str
    camera: str
    source: str

    def begun(self, one: Begun, still: Still | None) -> CloudEvent:
        """The event that begins a trouble."""
        finding = one.finding
        data = Trouble(
            case_key=matter_of(self.edge_id, self.camera, one.key, one.first),
            edge_id=self.edge_id,
            camera_id=self.camera,
            site=self.site,
            check=finding.check,
            severity=finding.severity or RULES[finding.check].severity,
            at_first=moment(one.first),
            at_trigger=moment(max(one.at, one.first)),
            reason=finding.reason[:300],
            figures={name: round(float(value), 4) for name, value in finding.figures.items()},
            source=finding.source,
            still=still,
        )
        return new_event(EventType.TROUBLE, self.source, now(), data)

    def ended(self, one: Ended, *, removed: bool = False) -> CloudEvent:
        """The event that ends it."""
        data = Cleared(
            case_key=matter_of(self.edge_id, self.camera, one.key, one.begun),
            edge_id=self.edge_id,
            camera_id=self.camera,
            check=one.check,
            at_end=moment(one.at),
            lasted_s=max(0.0, round(one.at - one.begun, 3)),
            how="removed" if removed else "well",
        )
        return new_event(EventType.TROUBLE_CLEARED, self.source, now(), data)


def teller_of(place: Place) -> Teller:
    """Of a camera at its place."""
    return Teller(place.edge_id, place.site_file.site.site, place.camera.id, place.source)


def matter_of(edge_id: str, camera: str, key: str, begun: float) -> str:
    """The case key of what began at `begun` (Unix seconds): the same after a restart."""
    return case_key(edge_id, camera, "feed", key, rfc3339(moment(begun)))


def still_of(frame: av.VideoFrame, area: Area, folder: Path, at: float) -> tuple[Still, Path]:
    """Write a JPEG of a picture with every mask painted into `folder`, by its SHA-256. Raises OSError."""
    picture = scaled(frame, STILL).copy()
    height, width = picture.shape[:2]
    for polygon in area.masks:
        cv2.fillPoly(picture, [area.scaled(polygon, width, height)], (0, 0, 0))
    whole, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not whole:
        raise OSError("a still cannot be encoded")
    raw = jpeg.tobytes()
    digest = hashlib.sha256(raw).hexdigest()
    path = folder / f"{digest}.jpg"
    path.write_bytes(raw)
    return Still(sha256=digest, bytes=len(raw), w=width, h=height, at=moment(at)), path


def moment(at: float) -> datetime:
    """The moment of Unix seconds, to the millisecond."""
    return datetime.fromtimestamp(round(at, 3), UTC)


__all__ = ["STILL", "Teller", "matter_of", "moment", "still_of", "teller_of"]
