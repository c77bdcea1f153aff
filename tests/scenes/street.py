"""A drawn street with one crossing, as a site file would hold it, and the tests' way of playing a scene on it.

Traffic keeps right. The road runs along y; lanes `l1` (and `l2` on a wide road) come towards the camera at x < 0,
`r1` (`r2`) go away from it at x > 0. The crosswalk lies across, y 18 to 22 m; kerbs at the outer lane edges.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from contract.site import Camera
from edge.frames import Scene
from edge.rules.decision import Decision, Saying
from edge.rules.ground import plane_of
from edge.rules.yielding import YieldRule
from tests.scenes.world import Pinhole, Thing, World

LANE = 3.5
NEAR, FAR = 18.0, 22.0
STOP_L, STOP_R = FAR + 1.5, NEAR - 1.5
VIEW = Pinhole(x=0.0, y=-6.0, height=7.0, tilt=13.0, focal=1000.0)


@dataclass(frozen=True)
class Street:
    """What a test may choose of the street."""

    policy: str = "half_lane"
    centre: str = "paint"
    lanes_each_way: int = 1
    one_way: bool = False
    signal: Any = "none"
    ground: bool = True
    carriageway: bool = True
    stop_lines: bool = True
    refuge: list[tuple[float, float]] | None = None
    max_pet_s: float | None = None
    view: Pinhole = field(default=VIEW)

    @property
    def kerbs(self) -> tuple[float, float]:
        """x of the left and the right kerb."""
        return -LANE * self.lanes_each_way, 0.0 if self.one_way else LANE * self.lanes_each_way

    def camera(self) -> Camera:
        """The camera with its one crosswalk zone `zebra`."""
        road = [(-6.0, 8.0), (6.0, 8.0), (6.0, 60.0), (-6.0, 60.0), (0.0, 20.0), (3.0, 30.0)]
        return Camera.model_validate(
            {
                "id": "cam",
                "url": "rtsp://127.0.0.1/cam",
                "frame": list(self.view.frame),
                "ground": {"image": self.view.ground(road), "metres": road} if self.ground else None,
                "zones": [self._zone()],
            }
        )

    def _zone(self) -> dict[str, Any]:
        left, right = self.kerbs
        zone: dict[str, Any] = {
            "id": "zebra",
            "type": "crosswalk",
            "polygon": self._pixels([(left - 1, NEAR), (right + 1, NEAR), (right + 1, FAR), (left - 1, FAR)]),
            "policy": self.policy,
            "centre": self.centre,
            "signal": self.signal,
            "max_pet_s": self.max_pet_s,
            "lanes": [self._lane(f"l{n + 1}", -LANE * (n + 1), -1) for n in range(self.lanes_each_way)],
        }
        if not self.one_way:
            zone["lanes"] += [self._lane(f"r{n + 1}", LANE * n, 1) for n in range(self.lanes_each_way)]
        if self.carriageway:
            zone["carriageway"] = self._pixels([(left, 8), (right, 8), (right, 55), (left, 55)])
        if self.refuge:
            zone["refuge"] = self._pixels(self.refuge)
        return zone

    def _lane(self, name: str, x: float, way: int) -> dict[str, Any]:
        stop = STOP_R if way > 0 else STOP_L
        lane = {
            "id": name,
            "polygon": self._pixels([(x, 8), (x + LANE, 8), (x + LANE, 55), (x, 55)]),
            "towards": self._pixels([(x + LANE / 2, 60 if way > 0 else 5)])[0],
        }
        return lane | ({"stop_line": self._pixels([(x, stop), (x + LANE, stop)])} if self.stop_lines else {})

    def _pixels(self, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return self.view.ground(points)


def play(
    street: Street, things: Iterable[Thing], t0: float = 0.0, t1: float = 14.0, fps: float = 12.5, **world: Any
) -> list[Saying]:
    """Everything the rule says of a scene, to the end of the stream."""
    jitter = world.pop("jitter", 0.0)
    return judge(street.camera(), World(street.view, list(things), **world).scenes(t0, t1, fps, jitter))


def judge(camera: Camera, scenes: Iterable[Scene]) -> list[Saying]:
    """Everything the rule says of these scenes before this camera, to the end of the stream."""
    plane = plane_of(camera)
    rule = YieldRule(camera, camera.zones[0], plane)
    said: list[Saying] = []
    for scene in scenes:
        plane.observe(scene.tracks)
        said.extend(rule.step(scene))
    said.extend(rule.finish())
    return said


def decisions(said: Iterable[Saying]) -> list[Decision]:
    """The decisions among what was said."""
    return [saying for saying in said if isinstance(saying, Decision)]
