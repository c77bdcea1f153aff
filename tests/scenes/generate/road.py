"""The street of a yield scene: lanes along y, a crosswalk across, and the site file that describes it.

Traffic keeps right: lanes towards the camera (`l1` at the centre, `l2` outside) at x < 0, away from it (`r1`, `r2`) at
x > 0; a mirrored view makes them keep left. All in metres; the polygons are pixels only in the site file.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.scenes.generate.view import View
from tests.scenes.world import Pinhole


@dataclass(frozen=True)
class Road:
    """What a scene chooses of its street."""

    policy: str = "half_lane"
    centre: str = "paint"
    lanes_each_way: int = 1
    one_way: bool = False
    lane_m: float = 3.5
    near: float = 18.0
    depth: float = 4.0
    stop_m: float = 1.5
    signal: bool = False
    calibrated: bool = True
    drawn_stop_lines: bool = True
    drawn_carriageway: bool = True
    refuge_m: float | None = None

    @property
    def far(self) -> float:
        """y of the far edge of the crosswalk."""
        return self.near + self.depth

    @property
    def kerbs(self) -> tuple[float, float]:
        """x of the left and the right kerb."""
        width = self.lane_m * self.lanes_each_way
        return -width, 0.0 if self.one_way else width

    def names(self) -> list[str]:
        """Lane ids."""
        mine = [f"l{n + 1}" for n in range(self.lanes_each_way)]
        return mine if self.one_way else mine + [f"r{n + 1}" for n in range(self.lanes_each_way)]

    def span(self, lane: str) -> tuple[float, float]:
        """x of a lane's edges, left first."""
        inner = (int(lane[1:]) - 1) * self.lane_m
        return (-inner - self.lane_m, -inner) if lane[0] == "l" else (inner, inner + self.lane_m)

    def middle(self, lane: str) -> float:
        """x of a lane's middle."""
        return sum(self.span(lane)) / 2

    @staticmethod
    def way(lane: str) -> int:
        """1 for lanes that lead away from the camera, -1 for those towards it."""
        return 1 if lane[0] == "r" else -1

    def stop(self, lane: str) -> float:
        """y of a lane's stop line."""
        return self.near - self.stop_m if self.way(lane) > 0 else self.far + self.stop_m

    def site(self, view: View, name: str) -> dict[str, Any]:
        """The site file as plain data."""
        left, right = self.kerbs
        y0, y1 = self._seen_from(view), self.far + 34.0
        zone: dict[str, Any] = {
            "id": "zebra",
            "type": "crosswalk",
            "polygon": view.pixels(
                [(left - 1, self.near), (right + 1, self.near), (right + 1, self.far), (left - 1, self.far)]
            ),
            "policy": self.policy,
            "centre": self.centre,
            "lanes": [self._lane(view, lane, y0, y1) for lane in self.names()],
        }
        if self.signal:
            zone["signal"] = {"source": "mqtt", "topic": "lights"}
        if self.drawn_carriageway:
            zone["carriageway"] = view.pixels([(left, y0), (right, y0), (right, y1), (left, y1)])
        if self.refuge_m is not None:
            half = self.refuge_m
            zone["refuge"] = view.pixels([(-half, self.near), (half, self.near), (half, self.far), (-half, self.far)])
        camera: dict[str, Any] = {
            "id": "cam-1",
            "url": "rtsp://127.0.0.1:8554/cam-1",
            "frame": list(view.frame),
            "zones": [zone],
        }
        if self.calibrated:
            marks = [
                (left, y0 + 1),
                (right, y0 + 1),
                (right, y1 - 4),
                (left, y1 - 4),
                (left, self.near),
                (right, self.far),
            ]
            camera["ground"] = {"image": view.pixels(marks), "metres": [list(mark) for mark in marks]}
        return {
            "site": name,
            "name": f"generated {name}",
            "timezone": "Asia/Shanghai",
            "jurisdiction": "cn-default",
            "cameras": [camera],
        }

    def _seen_from(self, view: View) -> float:
        """y from which on the road is in the picture, so that nothing is drawn behind the camera."""
        return round(min(self.near - 6.0, max(view.pinhole.y + 5.0, 2.0)), 2)

    def _lane(self, view: View, lane: str, y0: float, y1: float) -> dict[str, Any]:
        x0, x1 = self.span(lane)
        towards = (self.middle(lane), y1 + 3 if self.way(lane) > 0 else max(y0 - 2, view.pinhole.y + 4.0))
        drawn: dict[str, Any] = {
            "id": lane,
            "polygon": view.pixels([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]),
            "towards": view.pixels([towards])[0],
        }
        if self.drawn_stop_lines:
            drawn["stop_line"] = view.pixels([(x0, self.stop(lane)), (x1, self.stop(lane))])
        return drawn


def some_view(rng: np.random.Generator, road: Road) -> View:
    """A yield camera as crews mount it (domain G2): 5 to 10 m up, sees the whole crosswalk and 30 m of approach."""
    height = float(rng.uniform(5, 10))
    back = float(rng.uniform(17, 28))
    x = float(rng.uniform(-5, 5))
    frame = (1920, 1080) if rng.uniform() < 0.4 else (1280, 720)
    y = road.near - back
    middle_x = sum(road.kerbs) / 2
    pan = np.degrees(np.arctan2(middle_x - x, back + road.depth / 2 + 6)) + rng.uniform(-1.5, 1.5)
    reach = back + road.depth
    tilt = np.degrees(np.arctan2(height, reach + 4)) + rng.uniform(-1.0, 1.5)
    width = road.kerbs[1] - road.kerbs[0] + 5.0
    # the crosswalk with its kerbs fills 45 to 75 % of the width
    focal = frame[0] * float(rng.uniform(0.45, 0.75)) * back / width
    focal = float(np.clip(focal, 0.55 * frame[0], 1.3 * frame[0]))
    pinhole = Pinhole(frame=frame, focal=focal, height=height, x=x, y=y, tilt=float(tilt), pan=float(pan))
    return View(pinhole, mirrored=bool(rng.uniform() < 0.4))
