"""A street with a no-parking kerb before a pinhole camera, and what the parking rule says of it.

Streets run forward (y). The kerb zone is x 3..5.4 m, y 12..40 m; running lanes lie left of it, at x -0.5..3 m.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contract.site import Camera
from edge.frames import Scene, Tracks
from edge.rules.decision import Decision, Keep, Outcome, Release, Saying
from edge.rules.ground import plane_of
from edge.rules.parking import ParkingRule
from tests.scenes.world import Pinhole, Place, Thing, World, path

ZONE = ((3.0, 12.0), (5.4, 12.0), (5.4, 40.0), (3.0, 40.0))
START = datetime.fromisoformat("2026-01-05T10:00:00+08:00")
POLE = Pinhole(x=-2.0, tilt=14.0, pan=8.0)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class Street:
    """The site: a kerb zone and whatever else is drawn, seen by one camera."""

    pinhole: Pinhole = POLE
    wait_s: float = 60.0
    zone: dict[str, Any] = field(default_factory=dict)
    more: list[dict[str, Any]] = field(default_factory=list)
    lanes: list[dict[str, Any]] = field(default_factory=list)
    calibrated: bool = True
    start: datetime = START
    mirrored: bool = False
    scale: float = 1.0

    def _points(self, metres: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        width = self.pinhole.frame[0]
        found = self.pinhole.ground(metres)
        return [((width - x if self.mirrored else x) * self.scale, y * self.scale) for x, y in found]

    def area(self, id: str, kind: str, corners: Iterable[tuple[float, float]], **more: Any) -> dict[str, Any]:
        """A zone with its corners in metres."""
        return {"id": id, "type": kind, "polygon": self._points(corners), **more}

    def lane(self, id: str, corners: Iterable[tuple[float, float]], towards: tuple[float, float]) -> dict[str, Any]:
        """A running lane with its corners in metres."""
        return {"id": id, "polygon": self._points(corners), "towards": self._points([towards])[0]}

    def camera(self) -> Camera:
        """The camera as the site file would give it."""
        metres = [(-3.0, 10.0), (6.0, 10.0), (6.0, 45.0), (-3.0, 45.0), (0.0, 20.0), (3.0, 30.0)]
        kerb = {"permitted_wait_s": self.wait_s, **self.zone}
        frame = [round(side * self.scale) for side in self.pinhole.frame]
        return Camera.model_validate(
            {
                "id": "cam-1",
                "url": "rtsp://127.0.0.1:8554/cam-1",
                "frame": frame,
                "ground": {"image": self._points(metres), "metres": metres} if self.calibrated else None,
                "lanes": self.lanes,
                "zones": [self.area("kerb", kerb.pop("type", "no_parking"), ZONE, **kerb), *self.more],
            }
        )

    def rule(self, t0: float = 0.0, **more: Any) -> ParkingRule:
        """A fresh rule; the wall clock is `start` at stream second `t0`."""
        camera = self.camera()
        return ParkingRule(camera, SHANGHAI, lambda t: self.start + timedelta(seconds=t - t0), plane_of(camera), **more)

    def say(self, scenes: Iterable[Scene], t0: float = 0.0) -> "Said":
        """Everything the rule says of these scenes."""
        rule = self.rule(t0)
        sayings = [said for scene in scenes for said in rule.step(self._seen(scene))]
        return Said([*sayings, *rule.finish()])

    def _seen(self, scene: Scene) -> Scene:
        tracks = scene.tracks
        boxes = tracks.boxes.copy()
        if self.mirrored and len(tracks):
            width = self.pinhole.frame[0]
            boxes[:, 0], boxes[:, 2] = width - tracks.boxes[:, 2], width - tracks.boxes[:, 0]
        seen = Tracks(tracks.ids, boxes * np.float32(self.scale), tracks.scores, tracks.classes, tracks.facts)
        return Scene(scene.t, seen, scene.signals)


@dataclass
class Said:
    """What a rule said, sorted."""

    sayings: list[Saying]

    def of(self, outcome: Outcome) -> list[Decision]:
        """Decisions of one outcome."""
        return [said for said in self.sayings if isinstance(said, Decision) and said.outcome is outcome]

    @property
    def violations(self) -> list[Decision]:
        """The accusations."""
        return self.of(Outcome.VIOLATION)

    @property
    def closed(self) -> list[Decision]:
        """The ends of accused stays."""
        return self.of(Outcome.CLOSED)

    @property
    def acquitted(self) -> list[Decision]:
        """Cleared and suppressed stays."""
        return self.of(Outcome.CLEARED) + self.of(Outcome.SUPPRESSED)

    @property
    def keeps(self) -> list[Keep]:
        """Pictures asked for."""
        return [said for said in self.sayings if isinstance(said, Keep)]

    @property
    def releases(self) -> list[Release]:
        """Pictures given up."""
        return [said for said in self.sayings if isinstance(said, Release)]


def visit(x: float, y: float, arrive: float, leave: float, lane: float = 1.4) -> Place:
    """Comes up the lane from behind the camera, pulls in, stands at (x, y) from `arrive` to `leave`, drives off ahead.

    Braking and pulling away at 1.5 m/s^2 over the last and first eight metres.
    """
    ramp = (2 * 8.0 / 1.5) ** 0.5

    def place(t: float) -> tuple[float, float] | None:
        if t < arrive - ramp - 5 or t > leave + ramp + 8:
            return None
        if arrive <= t <= leave:
            return x, y
        gap = arrive - t if t < arrive else t - leave
        way = 0.75 * gap**2 if gap <= ramp else 8.0 + 1.5 * ramp * (gap - ramp)
        side = min(1.0, way / 7.0)
        return x + (lane - x) * side, y - way if t < arrive else y + way

    return place


def parked(x: float, y: float) -> Place:
    """Stands there all the time."""
    return lambda _t: (x, y)


def car(place: Place, id: int = 1, **more: Any) -> Thing:
    """A car that stands along the street and turns no more than a car does."""
    return Thing("car", place, id, heading=more.pop("heading", 0.0), **more)


def world(*things: Thing, pinhole: Pinhole = POLE, **more: Any) -> World:
    """A world of these things with a little detector noise."""
    return World(pinhole, list(things), **{"noise": 0.6, **more})


def renamed(scenes: Iterable[Scene], name: Callable[[float, int], int]) -> list[Scene]:
    """The same scenes with other track ids, by time and old id."""
    found = []
    for scene in scenes:
        tracks = scene.tracks
        ids = np.array([name(scene.t, int(one)) for one in tracks.ids], dtype=np.int64)
        facts = {name(scene.t, one): fact for one, fact in tracks.facts.items()}
        found.append(Scene(scene.t, Tracks(ids, tracks.boxes, tracks.scores, tracks.classes, facts), scene.signals))
    return found


__all__ = ["POLE", "Said", "Street", "car", "parked", "path", "renamed", "visit", "world"]
