"""One camera's pictures or boxes in, sayings out: detect -> track -> rules -> the jurisdiction's policy -> events.

The same object serves the live worker and `edge replay`; only where pictures come from and where events go differ.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from shapely import Point
from shapely import Polygon as ShapelyPolygon
from shapely.prepared import prep as prepared

from contract.events import Clock, CloudEvent
from contract.site import PARKING_ZONES, Camera, ZoneType
from edge.detect.protocol import Detector, Picture
from edge.frames import Detections, Scene, Tracks
from edge.judgement import EventMaker, Place
from edge.plan.choice import Heed
from edge.plan.pace import Pace
from edge.rules.decision import Decision, Keep, Outcome, Release, Rule, Saying
from edge.rules.ground import Plane, plane_of
from edge.rules.parking import ParkingRule
from edge.rules.policy import Policy
from edge.rules.testimony import true_time
from edge.rules.yielding import YieldRule
from edge.told import Told
from edge.track.tracker import Tracker


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision, and the event that says it; None for one that accuses nobody and is seen in --explain alone."""

    decision: Decision
    event: CloudEvent | None


Output = Judged | Keep | Release


class Analysis:
    """Tracker and rules of one camera, in rising stream time."""

    def __init__(
        self,
        place: Place,
        wall: Callable[[float], datetime],
        clock: Callable[[], Clock],
        detector: Detector | None = None,
        *,
        replay: bool = False,
        told: Told | None = None,
    ) -> None:
        """`wall`: stream seconds to wall clock; `detector` is needed by `look` alone; `told` is what others said."""
        self._camera = place.profile.completed(place.camera)
        self._detector = detector
        self._tracker = Tracker()
        self._plane = plane_of(self._camera)
        zone_info = place.site_file.site.zone_info
        self._parking: ParkingRule | None = None
        if any(zone.type in PARKING_ZONES for zone in self._camera.zones):
            country = place.profile.country
            self._parking = ParkingRule(self._camera, zone_info, wall, self._plane, country=country)
        crosswalks = [zone for zone in self._camera.zones if zone.type is ZoneType.CROSSWALK]
        self._ignored = [
            prepared(ShapelyPolygon(zone.polygon))
            for zone in self._camera.zones
            if zone.type in {ZoneType.IGNORE, ZoneType.PRIVACY_MASK}
        ]
        self._crossings = [YieldRule(self._camera, zone, self._plane) for zone in crosswalks]
        self._rules: list[Rule] = [*([self._parking] if self._parking else []), *self._crossings]
        self._site_version = place.site_file.sha256
        model = detector.model if detector else None
        self._told = told
        self._wall, self._clock = wall, clock
        self._policy = Policy(place.law, self._camera, zone_info, self._true)
        self.events = EventMaker(place, wall, clock, model, replay)

    def look(self, t: float, picture: Picture) -> list[Output]:
        """Detect, track and judge one picture, BGR (H, W, 3) uint8, of any size: boxes are put into `frame` pixels."""
        return self.seen(t, self.detect(picture))

    def detect(self, picture: Picture) -> Detections:
        """What the detector sees in a picture of any size, in pixels of `frame`."""
        if self._detector is None:
            raise ValueError("pictures need a detector")
        return fitted(self._detector.detect(picture), picture, self._camera)

    @property
    def plane(self) -> Plane:
        """The road as the rules see it."""
        return self._plane

    def heed(self) -> Heed:
        """What the rules know as of the last scene, for the plan of the looks to come."""
        standers = self._parking.standers() if self._parking else ()
        return Heed(standers, any(crossing.following for crossing in self._crossings))

    def seen(self, t: float, detections: Detections) -> list[Output]:
        """Track and judge detections in pixels of `frame`."""
        signals = self._told.signals(self._true(t)) if self._told else None
        return self.take(t, self._tracker.update(t, detections), signals)

    def take(self, t: float, tracks: Tracks, signals: Mapping[str, str] | None = None) -> list[Output]:
        """Judge what is tracked at stream second `t`, which must rise."""
        tracks = self._heeded(tracks)
        self._plane.observe(tracks)
        scene = Scene(t, tracks, signals or {})
        return [self._output(said) for rule in self._rules for said in rule.step(scene)]

    def finish(self) -> list[Output]:
        """The stream has ended: decide what is open."""
        return [self._output(said) for rule in self._rules for said in rule.finish()]

    def suspend(self) -> list[Output]:
        """The box stops, the world does not: passages are decided, stays stay open for `proven` to carry over."""
        return [self._output(said) for rule in self._crossings for said in rule.finish()]

    def proven(self) -> dict[str, Any] | None:
        """What stays have proved so far, as plain JSON for `resume` after a restart; None without parking zones."""
        if self._parking is None:
            return None
        return {"site_version": self._site_version, "parking": self._parking.snapshot()}

    def resume(self, proven: Mapping[str, Any]) -> None:
        """Go on from `proven`, before the first picture. What another site file proved proves nothing for this one."""
        if self._parking is not None and proven.get("site_version") == self._site_version:
            self._parking.restore(proven["parking"])

    def _true(self, t: float) -> datetime:
        """True time of stream second `t`, as far as the camera's clock offset is known."""
        return true_time(self._wall(t), self._clock())

    def _heeded(self, tracks: Tracks) -> Tracks:
        """The tracks whose foot point (bottom centre) is outside every ignored or masked zone."""
        if not self._ignored or not len(tracks):
            return tracks
        feet = np.column_stack([(tracks.boxes[:, 0] + tracks.boxes[:, 2]) / 2, tracks.boxes[:, 3]])
        rows = [not any(zone.contains(Point(foot)) for zone in self._ignored) for foot in feet]
        return Tracks(tracks.ids[rows], tracks.boxes[rows], tracks.scores[rows], tracks.classes[rows], tracks.facts)

    def _output(self, said: Saying) -> Output:
        if not isinstance(said, Decision):
            return said
        said = self._policy.judged(said, self._told.statements() if self._told else ())
        if said.outcome is Outcome.VIOLATION:
            return Judged(said, self.events.violation(said))
        if said.outcome is Outcome.CLOSED:
            return Judged(said, self.events.closed(said))
        return Judged(said, None)


def needed_fps(camera: Camera, parking_fps: float, yield_fps: float) -> float:
    """How many pictures a second the rules of this camera want; 0.0 when it has nothing to judge."""
    types = {zone.type for zone in camera.zones}
    if ZoneType.CROSSWALK in types:
        return yield_fps
    return parking_fps if types & PARKING_ZONES else 0.0


def fitted(seen: Detections, picture: Picture, camera: Camera) -> Detections:
    """Detections of a picture put into pixels of the site's `frame`, which a sub-stream need not have."""
    height, width = picture.shape[:2]
    if (width, height) == camera.frame:
        return seen
    scale = np.array([camera.frame[0] / width, camera.frame[1] / height] * 2, dtype=np.float32)
    return Detections(seen.boxes * scale, seen.scores, seen.classes)


def events_of(outputs: Iterable[Output]) -> list[CloudEvent]:
    """The events among outputs, in order."""
    return [output.event for output in outputs if isinstance(output, Judged) and output.event is not None]


__all__ = ["Analysis", "Judged", "Output", "Pace", "events_of", "fitted", "needed_fps"]
