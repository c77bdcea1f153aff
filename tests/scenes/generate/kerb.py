"""The street of a parking scene: running lanes along y, a kerb zone beside them, bays, and the site file.

Traffic keeps right and runs to +y in the lane at x -3.5..0 (`near`) and, where there is one, -y at x -7..-3.5 (`far`).
The kerb strip lies at x 0..2.6. All in metres.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.scenes.generate.view import View
from tests.scenes.world import Pinhole

Rectangle = tuple[float, float, float, float]
LANE = (-3.5, 0.0)
OPPOSITE = (-7.0, -3.5)
STRIP = (0.0, 2.6)


@dataclass(frozen=True)
class Area:
    """A zone: its type and rectangle (x0, y0, x1, y1), with whatever else the site file says of it."""

    id: str
    type: str
    rectangle: Rectangle
    more: dict[str, Any] = field(default_factory=dict)

    def share(self, middle: tuple[float, float], heading: float, length: float, width: float) -> float:
        """How much of a footprint lies inside, 0..1, by a grid of points."""
        steps = (np.arange(20) + 0.5) / 20 - 0.5
        a, b = np.meshgrid(steps * length, steps * width)
        x = middle[0] + a * np.sin(heading) + b * np.cos(heading)
        y = middle[1] + a * np.cos(heading) - b * np.sin(heading)
        x0, y0, x1, y1 = self.rectangle
        return float(((x > x0) & (x < x1) & (y > y0) & (y < y1)).mean())


@dataclass(frozen=True)
class Kerb:
    """What a scene chooses of its street. `areas[0]` is the zone that the scene is about."""

    areas: tuple[Area, ...]
    wait_s: float
    calibrated: bool = True
    drawn_lanes: bool = True
    two_way: bool = True
    y: tuple[float, float] = (8.0, 52.0)
    hours: str | None = None

    @property
    def zone(self) -> Area:
        """The zone the scene is about."""
        return self.areas[0]

    def site(self, view: View, name: str) -> dict[str, Any]:
        """The site file as plain data."""
        y0, y1 = max(self.y[0], view.pinhole.y + 5.0), self.y[1]
        lanes = [("near", LANE, y1 + 2)] + (
            [("far", OPPOSITE, max(y0 - 2, view.pinhole.y + 4.0))] if self.two_way else []
        )
        camera: dict[str, Any] = {
            "id": "cam-1",
            "url": "rtsp://127.0.0.1:8554/cam-1",
            "frame": list(view.frame),
            "zones": [self._area(view, area) for area in self.areas],
        }
        if self.drawn_lanes:
            camera["lanes"] = [
                {
                    "id": lane,
                    "polygon": view.pixels([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]),
                    "towards": view.pixels([((x0 + x1) / 2, to)])[0],
                }
                for lane, (x0, x1), to in lanes
            ]
        if self.calibrated:
            left = OPPOSITE[0] if self.two_way else LANE[0]
            marks = [(left, y0), (STRIP[1], y0), (STRIP[1], y1), (left, y1), (0.0, 20.0), (-3.5, 30.0)]
            camera["ground"] = {"image": view.pixels(marks), "metres": [list(mark) for mark in marks]}
        return {
            "site": name,
            "name": f"generated {name}",
            "timezone": "Asia/Shanghai",
            "jurisdiction": "cn-default",
            "cameras": [camera],
        }

    def _area(self, view: View, area: Area) -> dict[str, Any]:
        x0, y0, x1, y1 = area.rectangle
        drawn: dict[str, Any] = {
            "id": area.id,
            "type": area.type,
            "polygon": view.pixels([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]),
            **area.more,
        }
        if area is self.zone:
            drawn["permitted_wait_s"] = self.wait_s
            if self.hours:
                drawn["hours"] = self.hours
        return drawn


def some_view(rng: np.random.Generator) -> View:
    """A parking camera 5 to 10 m up, before the zone or beside the road, that sees all of it."""
    frame = (1920, 1080) if rng.uniform() < 0.35 else (1280, 720)
    height, x, y = float(rng.uniform(5, 10)), float(rng.uniform(-9, 4)), float(rng.uniform(-6, 2))
    middle = np.array([0.0, 26.0])
    away = float(np.hypot(middle[0] - x, middle[1] - y))
    pan = np.degrees(np.arctan2(middle[0] - x, middle[1] - y)) + rng.uniform(-2, 2)
    tilt = np.degrees(np.arctan2(height, away * 0.85)) + rng.uniform(-1, 1.5)
    focal = frame[0] * float(rng.uniform(0.62, 0.95))
    pinhole = Pinhole(frame=frame, focal=focal, height=height, x=x, y=y, tilt=float(tilt), pan=float(pan))
    return View(pinhole, mirrored=bool(rng.uniform() < 0.4))
